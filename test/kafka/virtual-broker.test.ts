import { expect, test } from 'vitest'
import { type VirtualBroker, virtualBroker } from '../../properties/virtual-broker.ts'
import { kafkaCluster } from '../../src/connectors/kafka/cluster.ts'
import { brokerSuite, type ClusterUnderTest } from './broker-suite.ts'
import { groupSuite } from './group-suite.ts'

const here = { step: () => undefined }

function clusterUnder(broker: VirtualBroker): ClusterUnderTest {
  let topics = 0
  return {
    connect: () => kafkaCluster(broker.transport(here), broker.bootstrap),
    async newTopic() {
      const topic = `topic-${topics++}`
      broker.createTopic(topic, 1)
      return topic
    },
    letTimePass: async () => broker.timeOut(),
    async committed(of) {
      // Without requests no time passes here.
      broker.settle()
      return broker.committed(of).map(({ value }) => new TextDecoder().decode(value))
    },
  }
}

for (const transactionVersion of [1, 2] as const) {
  for (const nodes of [1, 3]) {
    const name = `${nodes} in memory, transactions ${transactionVersion}`
    const under = () => clusterUnder(virtualBroker({ transactionVersion, nodes }))
    brokerSuite(name, under, { seconds: 30, transactionVersion, nodes })
    groupSuite(name, under, 30)
  }
}

test('the same seed gives the same brokers, and a twin goes its own way', async () => {
  const [one, other] = [virtualBroker({ seed: 3 }), virtualBroker({ seed: 3 })]
  for (const broker of [one, other]) {
    broker.createTopic('in', 1)
    broker.append({ topic: 'in', partition: 0 }, [Uint8Array.of(1), Uint8Array.of(2)])
  }
  expect(one.state()).toBe(other.state())
  const twin = one.twin()
  one.append({ topic: 'in', partition: 0 }, [Uint8Array.of(3)])
  expect(twin.state()).toBe(other.state())
  expect(one.state()).not.toBe(other.state())
})
