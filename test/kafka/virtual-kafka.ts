import {
  type BrokerSurroundings,
  type VirtualBroker,
  virtualBroker,
} from '../../properties/virtual-broker.ts'
import { kafkaSinkOver } from '../../src/connectors/kafka/sink.ts'
import { kafkaSourceOver } from '../../src/connectors/kafka/source.ts'
import type { DataStreamWriter } from '../../src/dataframe/data-frame.ts'
import type { Session } from '../../src/session/session.ts'

/** The option that names the first broker of those in memory. */
export const virtualServers = ['kafka.bootstrap.servers', 'virtual:9001'] as const

/** Makes the format `kafka` of a session that over brokers in memory. */
export function overBroker(
  session: Session,
  broker = virtualBroker(),
  here: BrokerSurroundings = { step: () => undefined },
): VirtualBroker {
  const transport = () => broker.transport(here)
  session.register({ source: kafkaSourceOver(transport), sink: kafkaSinkOver(transport) })
  return broker
}

/** A query over such brokers that copies the topic `in` to `out`, a few records at a time. */
export function copyOfTopic(session: Session): DataStreamWriter {
  return session.readStream
    .format('kafka')
    .option(...virtualServers)
    .option('subscribe', 'in')
    .option('startingOffsets', 'earliest')
    .option('maxOffsetsPerTrigger', 4)
    .load()
    .select('value')
    .writeStream.format('kafka')
    .option(...virtualServers)
    .option('topic', 'out')
    .option('checkpointLocation', 'checkpoint')
}
