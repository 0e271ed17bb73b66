import { batchOf } from '../src/batch/build.ts'
import { toEdge } from '../src/batch/edge-row.ts'
import { rowsOf } from '../src/batch/read.ts'
import { binaryType, intType, type Schema } from '../src/batch/schema.ts'
import { decodeMarker, type EpochMarker } from '../src/connectors/kafka/epoch-marker.ts'
import { kafkaSinkOver } from '../src/connectors/kafka/sink.ts'
import type { TopicPartition } from '../src/connectors/kafka/transaction-requests.ts'
import { checkOptions, type SinkContext, type SinkMode } from '../src/connectors/registry.ts'
import { type Epoch, initialEpoch } from '../src/core/units.ts'
import type { CheckpointName, Sink } from '../src/flow/connector.ts'
import { packUserValue, unpackUserValue } from '../src/operators/user-state-codec.ts'
import type { LogEntry, Manifest } from '../state/manifest.ts'
import type { CrashSurroundings, SinkUnderCrash } from './laws/own-parts.ts'
import { logEntries } from './logged-epochs.ts'
import type { VirtualBroker } from './virtual-broker.ts'
import type { CommittedRecord } from './virtual-broker-records.ts'

/** A row as it lies in the topic. */
interface SentRow {
  readonly epoch: Epoch
  readonly values: readonly unknown[]
}

const topic = 'out'
const partitions = 2

/** The partition that the word of the sink is committed for. */
const markerPartition: TopicPartition = { topic, partition: 0 }

/**
 * Kafka's sink over a virtual broker. A look at its rows also makes sure that no transaction is open and that the marker
 * names the newest checkpoint of the log.
 */
export function brokerSink(
  broker: VirtualBroker,
  { checkpoint = 'checkpoint' }: { readonly checkpoint?: string } = {},
): BrokerSink {
  broker.createTopic(topic, partitions)
  return sinkOver(broker, checkpoint, { mode: 'append', id: '' })
}

/** The sink, with every word that it has given. */
export interface BrokerSink extends SinkUnderCrash {
  /** Oldest first; the last one stands. */
  markers(): readonly (EpochMarker | undefined)[]
}

/** The query that writes, as the sink was told. */
interface WritingQuery {
  mode: SinkMode
  id: string
}

function sinkOver(broker: VirtualBroker, checkpoint: string, query: WritingQuery): BrokerSink {
  const markers = (): readonly (EpochMarker | undefined)[] => {
    const group = `millrace.${query.id}.eos`
    return broker.markers({ group, ...markerPartition }).map((found) => decodeMarker(group, found))
  }
  return {
    markers,
    factory: (here) => ({
      format: 'broker',
      options: [],
      modes: ['append', 'update', 'complete'],
      async create(context) {
        query.mode = context.mode
        const sink = await transactionalSink(broker, here, context)
        return {
          ...sink,
          fence(attempt) {
            query.id = attempt.queryId
            return sink.fence?.(attempt) ?? Promise.resolve(undefined)
          },
        }
      },
    }),
    async visible(files) {
      broker.settle()
      const standing = standingManifests(await logEntries(files, checkpoint))
      mustBeMarked(broker, markers(), standing)
      const newest = standing.at(-1)?.epoch ?? initialEpoch
      const rows = Array.from({ length: partitions }, (_, partition) =>
        broker.committed({ topic, partition }),
      )
      const sent = rows.flat().map(sentRow)
      const early = sent.find(({ epoch }) => epoch > newest)
      if (early !== undefined) throw new Error(`rows of epoch ${early.epoch} beyond the marker`)
      // Each epoch replaces what those before it wrote.
      const shown = query.mode === 'complete' ? sent.filter(({ epoch }) => epoch === newest) : sent
      return shown.map(({ values }) => values)
    },
    twin: () => sinkOver(broker.twin(), checkpoint, { ...query }),
    state: () => broker.state(),
  }
}

/** What a row was when it was sent. */
export function sentRow({ value }: Pick<CommittedRecord, 'value'>): SentRow {
  return unpackUserValue(value ?? new Uint8Array()) as SentRow
}

/**
 * The markers named checkpoints that stand, in their order, and the last one names the newest; no transaction is left
 * open. The beginning of the log may be pruned.
 */
export function mustBeMarked(
  broker: VirtualBroker,
  markers: readonly (EpochMarker | undefined)[],
  standing: readonly CheckpointName[],
): void {
  const open = broker.open()
  if (open.length > 0) throw new Error(`transactions were left open: ${open.join(', ')}`)
  const ids = markers.map((marker) => marker?.snapshotId)
  const wanted = standing.map(({ snapshotId }) => snapshotId)
  // A marker may be passed over when that of the next epoch is heard of first.
  const places = ids.map((id) => wanted.indexOf(id ?? ''))
  const known = places.slice(places.findIndex((place) => place >= 0))
  const isInOrder = known.every((place, at) => place >= (known[at - 1] ?? 0))
  const isWhole = standing[0]?.epoch !== initialEpoch || known.length === places.length
  if (!isInOrder || !isWhole || known.at(-1) !== wanted.length - 1) {
    throw new Error(
      `the markers were\n${ids.join('\n')}\nand the checkpoints\n${wanted.join('\n')}`,
    )
  }
}

/** The checkpoints of a log that were not taken back. */
function standingManifests(entries: readonly LogEntry[]): readonly Manifest[] {
  let standing: Manifest[] = []
  for (const entry of entries) {
    if (entry.type === 'manifest') standing.push(entry.manifest)
    if (entry.type === 'void') standing = standing.filter(({ epoch }) => epoch <= entry.epoch)
  }
  return standing
}

const sentSchema: Schema = [
  { name: 'value', type: binaryType, nullable: false },
  { name: 'partition', type: intType, nullable: false },
]

/** Kafka's own sink, whose records are rows of a query with the number of their epoch. */
async function transactionalSink(
  broker: VirtualBroker,
  here: CrashSurroundings,
  context: SinkContext,
): Promise<Sink> {
  const factory = kafkaSinkOver(() => broker.transport(here))
  const options = checkOptions(factory, {
    'kafka.bootstrap.servers': broker.bootstrap.map(({ host, port }) => `${host}:${port}`).join(),
    topic,
  })
  const inner = await factory.create({ ...context, schema: sentSchema, options })
  let sent = 0
  return {
    ...inner,
    async write(batch, epoch) {
      const rows = Array.from(rowsOf(batch), (row) => {
        const values = context.schema.map(({ type }, at) => toEdge(type, row[at] ?? null))
        return [packUserValue({ epoch, values } satisfies SentRow), sent++ % partitions]
      })
      if (rows.length > 0) await inner.write(batchOf(sentSchema, rows), epoch)
    },
  }
}
