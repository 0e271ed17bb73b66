import { toEdge } from '../src/batch/edge-row.ts'
import { rowsOf } from '../src/batch/read.ts'
import { decodeMarker } from '../src/connectors/kafka/epoch-marker.ts'
import {
  type EpochTransactions,
  epochTransactions,
  type TransactionPlaces,
} from '../src/connectors/kafka/epoch-transactions.ts'
import type { SinkContext, SinkMode } from '../src/connectors/registry.ts'
import { StreamError } from '../src/core/error.ts'
import type { FileSystem } from '../src/core/file-system.ts'
import { type Epoch, initialEpoch } from '../src/core/units.ts'
import type { CheckpointName, Sink } from '../src/flow/connector.ts'
import type { LogEntry, Manifest } from '../state/manifest.ts'
import type { CrashSurroundings, SinkUnderCrash } from './laws/own-parts.ts'
import { logEntries } from './logged-epochs.ts'
import type { VirtualBroker } from './virtual-broker.ts'

/** A row as it lies in the topic. */
interface SentRow {
  readonly epoch: Epoch
  readonly values: readonly unknown[]
}

const topic = 'out'
const partitions = 2
/** As many epochs as a query may have in flight in these laws, and the one that is being committed. */
const slots = 4
const retryMs = 60_000

/** Where its transactions are kept. */
export const brokerPlaces: TransactionPlaces = {
  prefix: 'query/sink',
  group: 'query.sink.eos',
  marker: { topic, partition: 0 },
  slots,
}

/**
 * An authoritative sink over a virtual broker: what a query into Kafka does, without bytes. A look at its rows
 * also makes sure that no transaction is open and that the marker names the newest checkpoint of the log.
 */
export function brokerSink(
  broker: VirtualBroker,
  { checkpoint = 'checkpoint' }: { readonly checkpoint?: string } = {},
): SinkUnderCrash {
  return sinkOver(broker, checkpoint, { mode: 'append' })
}

function sinkOver(
  broker: VirtualBroker,
  checkpoint: string,
  query: { mode: SinkMode },
): SinkUnderCrash {
  return {
    factory: (here) => ({
      format: 'broker',
      options: [],
      modes: ['append', 'update', 'complete'],
      async create(context) {
        query.mode = context.mode
        return transactionalSink(broker, here, context)
      },
    }),
    async visible(files) {
      broker.settle()
      const newest = await markedEpoch(broker, files, checkpoint)
      const rows = Array.from({ length: partitions }, (_, partition) =>
        broker.committed({ topic, partition }),
      )
      const sent = rows.flat().map(({ value }) => value as SentRow)
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

/** The epoch of the newest checkpoint, which the marker names. */
async function markedEpoch(
  broker: VirtualBroker,
  files: FileSystem,
  checkpoint: string,
): Promise<number> {
  const standing = standingManifests(await logEntries(files, checkpoint))
  mustBeMarked(broker, standing)
  return standing.at(-1)?.epoch ?? initialEpoch
}

/**
 * The markers named checkpoints that stand, in their order, and the last one names the newest; no transaction is left
 * open. The beginning of the log may be pruned.
 */
export function mustBeMarked(broker: VirtualBroker, standing: readonly CheckpointName[]): void {
  const open = broker.open()
  if (open.length > 0) throw new Error(`transactions were left open: ${open.join(', ')}`)
  const { group, marker } = brokerPlaces
  const ids = broker
    .markers({ group, ...marker })
    .map((found) => decodeMarker(group, found)?.snapshotId)
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

function transactionalSink(
  broker: VirtualBroker,
  here: CrashSurroundings,
  { clock, schema }: SinkContext,
): Sink {
  const requests = broker.client(here)
  const transactions: EpochTransactions<readonly unknown[]> = epochTransactions({
    requests,
    places: brokerPlaces,
    clock,
    retryMs,
  })
  let snapshotIdOf: ((epoch: Epoch) => string) | undefined
  let sent = 0
  return {
    description: 'broker',
    kind: 'authoritative',
    async fence({ openEpochsMax }) {
      if (openEpochsMax > slots) {
        throw new StreamError('INTERNAL', { what: `${openEpochsMax} epochs for ${slots} slots` })
      }
      return transactions.fence()
    },
    async open(start) {
      snapshotIdOf = start.snapshotIdOf
      await transactions.standOn(start.standsOn)
    },
    async write(batch, epoch) {
      const shares: SentRow[][] = Array.from({ length: partitions }, () => [])
      for (const row of rowsOf(batch)) {
        const values = schema.map(({ type }, at) => toEdge(type, row[at] ?? null))
        shares[sent++ % partitions]?.push({ epoch, values })
      }
      for (const [partition, records] of shares.entries()) {
        if (records.length === 0) continue
        const share = { records, count: records.length }
        await transactions.write(epoch, { topic, partition }, share)
      }
    },
    async prepare(epoch) {
      if (snapshotIdOf === undefined) throw new StreamError('INTERNAL', { what: 'no start' })
      await transactions.prepare({ epoch, snapshotId: snapshotIdOf(epoch) })
      // The transaction is found by the number of its epoch.
      return null
    },
    commit: (epoch) => transactions.commit(epoch),
    abort: (epoch) => transactions.abort(epoch),
    close: async () => undefined,
  }
}
