import { type SimulatedSession, simulatedSession } from '../../properties/simulated-session.ts'
import type { VirtualFileSystem } from '../../properties/virtual-file-system.ts'
import type { Random } from '../../src/core/random.ts'
import type { StreamingQuery } from '../../src/dataframe/data-frame.ts'
import type { EpochHeader } from '../../src/flow/message.ts'
import type { MemoryInput, Session } from '../../src/session/session.ts'
import {
  addRows,
  type Cells,
  type InputRow,
  type ModelView,
  type StateCase,
  schema,
} from './state-models.ts'

/** Rows that meet, repeat, come out of order and too late, while time goes on. */
export function randomRows(random: Random, step: number, nulls: boolean): readonly InputRow[] {
  const count = Math.floor(random.next() * 4)
  return Array.from({ length: count }, () => ({
    k: nulls && random.next() < 0.1 ? null : `k${Math.floor(random.next() * 6)}`,
    t: nulls && random.next() < 0.1 ? null : step + Math.floor(random.next() * 10),
    n: Math.floor(random.next() * 10),
  }))
}

/** The state at an epoch as the reader gives it, as sorted texts. */
export async function readBack(
  session: Session,
  { options, text }: ModelView,
  checkpoint: string,
  epoch?: number,
): Promise<readonly string[]> {
  const at = epoch === undefined ? {} : { batchId: epoch }
  const reader = session.read.format('statestore').options({ ...options, ...at })
  const rows = await reader.load(checkpoint).collect()
  return rows.map((row) => text(row['key'] as Cells, row)).sort()
}

/** What the model says after each decided epoch, by view, as sorted texts. */
export function remembered(
  { model }: StateCase,
  headers: readonly EpochHeader[],
  inputs: readonly (readonly InputRow[])[],
): readonly (readonly (readonly string[])[])[] {
  const state = model()
  return headers.map(({ lateWatermark, evictWatermark, ranges = {} }) => {
    const rows = inputs.map((all, index) => {
      const range = ranges[`memory-${index}`]
      return all.slice(Number(range?.from['0'] ?? 0), Number(range?.to['0'] ?? 0))
    })
    state.epoch({ late: lateWatermark / 1e6, evict: evictWatermark / 1e6, rows })
    return state.views().map((some) => some.toSorted())
  })
}

/** The settings of a life that matter for state. */
export interface StateLife {
  readonly seed: number
  readonly life: number
  readonly lanes: number
  readonly shards: number
  readonly stateCache: number
}

/** A process on the disk that the last one left. */
export function stateSession(files: VirtualFileSystem, settings: StateLife): SimulatedSession {
  const { seed, life, lanes, shards, stateCache } = settings
  const config = { lanes, shards, stateCache, minEpochsToRetain: 1000, allowUnbounded: 'true' }
  return simulatedSession({ seed: seed + life, files, life, config })
}

/** A query of a case that runs, over inputs that hold what was given so far. */
export interface RunningCase {
  readonly streams: readonly MemoryInput[]
  readonly query: StreamingQuery
}

export function startCase(
  session: Session,
  one: StateCase,
  given: readonly (readonly InputRow[])[],
  { checkpoint, from }: { readonly checkpoint: string; readonly from?: string },
): RunningCase {
  const streams = given.map((rows) => {
    const stream = session.memoryStream(schema)
    addRows(stream, rows)
    return stream
  })
  const query = one
    .query(streams.map((stream) => stream.toDF()))
    .writeStream.outputMode(one.outputMode)
    .option('checkpointLocation', checkpoint)
    .format('noop')
    .start(from === undefined ? {} : { from })
  return { streams, query }
}

/** Gives every input some random rows and waits for the epochs that take them. */
export async function oneStep(
  { streams, query }: RunningCase,
  given: readonly InputRow[][],
  rows: () => readonly InputRow[],
): Promise<void> {
  for (const [index, stream] of streams.entries()) {
    const some = rows()
    given[index]?.push(...some)
    addRows(stream, some)
  }
  await query.processAllAvailable()
}
