import { type VirtualBroker, virtualBroker } from '../../properties/virtual-broker.ts'
import { kafkaSinkOver } from '../../src/connectors/kafka/sink.ts'
import { kafkaSourceOver } from '../../src/connectors/kafka/source.ts'
import type { Session } from '../../src/session/session.ts'

/** The option that names the first broker of those in memory. */
export const virtualServers = ['kafka.bootstrap.servers', 'virtual:9001'] as const

/** Makes the format `kafka` of a session that over brokers in memory. */
export function overBroker(session: Session, broker = virtualBroker()): VirtualBroker {
  const transport = () => broker.transport({ step: () => undefined })
  session.register({ source: kafkaSourceOver(transport), sink: kafkaSinkOver(transport) })
  return broker
}
