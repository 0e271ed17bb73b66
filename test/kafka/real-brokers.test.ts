import { afterAll, beforeAll, describe } from 'vitest'
import { kafkaCluster } from '../../src/connectors/kafka/cluster.ts'
import { kafkajsTransport } from '../../src/connectors/kafka/kafkajs-transport.ts'
import { brokerSuite, type ClusterUnderTest } from './broker-suite.ts'
import {
  type BrokerOptions,
  missingForBrokers,
  type RealBrokers,
  realBrokers,
} from './real-brokers.ts'

const client = { clientId: 'test', connectTimeoutMs: 5_000, requestTimeoutMs: 30_000 }
const missing = missingForBrokers()
if (missing !== undefined) {
  if (process.env['CI'] === 'true') throw new Error(missing)
  process.stdout.write(`real brokers of Kafka are left out: ${missing}\n`)
}

/** One cluster each, for all the checks of a suite. */
const clusters: readonly (BrokerOptions & { readonly transactionVersion: 1 | 2 })[] = [
  { nodes: 1, transactionVersion: 1, features: ['transaction.version=0'] },
  { nodes: 3, transactionVersion: 2 },
]
/** Maven may have to bring everything first. */
const startMs = 300_000

for (const { transactionVersion, ...options } of clusters) {
  const { nodes = 1 } = options
  const name = `${nodes} of Kafka, transactions ${transactionVersion}`
  describe.skipIf(missing !== undefined)(name, () => {
    let brokers: RealBrokers | undefined
    beforeAll(async () => {
      brokers = await realBrokers(options)
    }, startMs)
    afterAll(() => brokers?.stop())
    const under = (): ClusterUnderTest => {
      if (brokers === undefined) throw new Error('the brokers did not start')
      return clusterUnder(brokers)
    }
    brokerSuite(name, under, { seconds: 60, transactionVersion, nodes })
  })
}

let topics = 0

function clusterUnder(brokers: RealBrokers): ClusterUnderTest {
  const addresses = brokers.bootstrap.split(',').map((each) => {
    const [host = '', port] = each.split(':')
    return { host, port: Number(port) }
  })
  return {
    connect: () => kafkaCluster(kafkajsTransport(client), addresses),
    async newTopic() {
      const topic = `topic-${topics++}`
      await brokers.createTopic(topic, 1)
      return topic
    },
    letTimePass: () => new Promise((resolve) => setTimeout(resolve, 1_500)),
    async committed({ topic }) {
      const records = await brokers.read(topic)
      return records.map(({ value }) => new TextDecoder().decode(value))
    },
  }
}
