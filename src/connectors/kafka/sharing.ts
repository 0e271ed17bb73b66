import type { PartitionSharing, SharingOptions } from '../../flow/partition-sharing.ts'
import type { SourceContext } from '../registry.ts'
import { bootstrapServers, requestTimeoutOption } from './client-options.ts'
import { kafkaCluster } from './cluster.ts'
import { groupMembership } from './group-membership.ts'
import { partitionName, partitionOf } from './offsets-json.ts'
import type { Asking } from './partition-offsets.ts'
import { chosenPosition, topicsOf } from './positions.ts'
import { onePartition, sourceSettings } from './source-options.ts'
import type { TopicPartition } from './transaction-requests.ts'
import type { OpenTransport } from './transport.ts'

/** How long brokers may be away before a process gives up, milliseconds. */
const patienceMs = 300_000
/** A broker answers at the end of the longest wait, and not before. */
const answerMs = 10_000

/** Shares out the partitions of a source among the members of a group. */
export async function kafkaSharing(
  open: OpenTransport,
  { options, clock }: Pick<SourceContext, 'options' | 'clock'>,
  sharing: SharingOptions,
): Promise<PartitionSharing> {
  const settings = sourceSettings(options, true)
  // A request to join waits for all members, so nothing else may go over its connections.
  const patient = new Map(options)
  const timeoutMs = Math.max(sharing.rebalanceTimeoutMs, sharing.sessionTimeoutMs) + answerMs
  patient.set(requestTimeoutOption.name.toLowerCase(), String(timeoutMs))
  const clusters = {
    topics: kafkaCluster(await open({ options, clock }), bootstrapServers(options)),
    group: kafkaCluster(await open({ options: patient, clock }), bootstrapServers(options)),
  }
  const asking: Asking = { cluster: clusters.topics, clock, patienceMs }
  const partitions = async (): Promise<readonly TopicPartition[]> =>
    (await topicsOf(asking, settings.topics)).partitions
  return {
    initial: async () => chosenPosition(asking, await partitions(), settings.starting, settings),
    optionsOf: (partition, from) => onePartition(options, partitionOf(partition), from),
    join: (owner) =>
      groupMembership(
        {
          ...sharing,
          cluster: clusters.group,
          clock,
          partitions: async () => (await partitions()).map(partitionName),
          metadataMaxAgeMs: settings.metadataMaxAgeMs,
          patienceMs,
        },
        owner,
      ),
    async close() {
      await Promise.all([clusters.topics.close(), clusters.group.close()])
    },
  }
}
