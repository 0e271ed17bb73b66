import { StreamError } from '../src/core/error.ts'
import type { Json } from '../src/core/json.ts'
import type { Epoch } from '../src/core/units.ts'
import type { EpochHeader } from '../src/flow/message.ts'
import { type EpochReport, mergeReports } from '../src/flow/operator.ts'
import type { TaskStateHandle } from '../state/manifest.ts'
import type { Ack, Passed } from './control.ts'
import { type Due, dueOf, type EpochTime, encodeTime } from './epoch-time.ts'
import type { EpochCheckpoint, EpochProgress } from './job.ts'
import { movedRanges, type Positions } from './planning.ts'
import type { TaskId } from './task-id.ts'
import { type Turns, turnOf } from './turns.ts'

/** Everything the coordinator gathers about one epoch until it is over. */
export interface EpochEntry {
  header: EpochHeader
  readonly from: Positions
  to: Positions
  readonly latest: Positions | undefined
  readonly replayed: boolean
  readonly triggerStartMs: number
  /** The time after the epoch, as far as watermarks go; set before the next header is made. */
  time: EpochTime | undefined
  /** Set when its manifest stands. */
  snapshotId: string | undefined
  readonly passed: Map<TaskId, Passed>
  readonly handles: Map<TaskId, TaskStateHandle>
  readonly committables: Map<TaskId, Json>
  /** When its steps happened, by `Clock.monotonic`. */
  readonly marks: Map<Mark, number>
  readonly latestTookMs: number
}

export type Mark =
  | 'trigger'
  | 'begun'
  | 'opened'
  | 'decided'
  | 'passed'
  | 'acked'
  | 'published'
  | 'committed'
  | 'noted'

/** Keeps an entry per epoch under way. */
export interface EpochLedger {
  begin(
    entry: Pick<
      EpochEntry,
      'header' | 'from' | 'to' | 'latest' | 'replayed' | 'triggerStartMs' | 'latestTookMs'
    >,
  ): EpochEntry
  entry(epoch: Epoch): EpochEntry
  find(epoch: Epoch): EpochEntry | undefined
  end(epoch: Epoch): void
}

/** An empty ledger. */
export function createLedger(): EpochLedger {
  const entries = new Map<Epoch, EpochEntry>()
  return {
    begin(start) {
      const entry: EpochEntry = {
        ...start,
        time: undefined,
        snapshotId: undefined,
        passed: new Map(),
        handles: new Map(),
        committables: new Map(),
        marks: new Map(),
      }
      entries.set(start.header.epoch, entry)
      return entry
    },
    entry(epoch) {
      const entry = entries.get(epoch)
      if (entry !== undefined) return entry
      throw new StreamError('INTERNAL', { what: `epoch ${epoch} is not under way` })
    },
    find: (epoch) => entries.get(epoch),
    end: (epoch) => void entries.delete(epoch),
  }
}

/** Takes in an ack. */
export function recordAck(entry: EpochEntry, ack: Ack): void {
  if (ack.handle !== undefined) entry.handles.set(ack.task, ack.handle)
  if (ack.committable !== undefined) entry.committables.set(ack.task, ack.committable)
}

/** What all tasks that have passed the epoch say together. */
export function reportOf(entry: EpochEntry): EpochReport {
  return mergeReports([...entry.passed.values()].map(({ report }) => report))
}

/** What is due after an epoch that every task has passed. */
export function dueAfter(entry: EpochEntry): Due {
  return dueOf(reportOf(entry))
}

/** What the manifest is made from, once all tasks have acked. */
export function checkpointOf(
  entry: EpochEntry,
  sinkNames: ReadonlyMap<TaskId, string>,
): EpochCheckpoint {
  const { header, time, to, handles } = entry
  if (time === undefined) throw new StreamError('INTERNAL', { what: 'publish before watermarks' })
  const committables: Record<string, Json> = {}
  for (const [task, committable] of entry.committables) {
    const name = sinkNames.get(task)
    if (name !== undefined) committables[name] = committable
  }
  return {
    epoch: header.epoch,
    header,
    positions: to,
    time: encodeTime({ ...time, due: dueAfter(entry) }),
    handles,
    committables,
  }
}

/** The finished epoch as listeners see it. */
export function progressOf(
  entry: EpochEntry,
  facts: {
    readonly committedMs: number
    readonly watermark: number
    readonly sourceNames: ReadonlyMap<TaskId, string>
    readonly turns: Turns
  },
): EpochProgress {
  const { header, passed } = entry
  const rowsBySource: Record<string, number> = {}
  for (const name of Object.keys(entry.from)) rowsBySource[name] = 0
  for (const { task, rowsIn } of passed.values()) {
    const name = facts.sourceNames.get(task)
    if (name !== undefined) rowsBySource[name] = (rowsBySource[name] ?? 0) + rowsIn
  }
  return {
    epoch: header.epoch,
    header,
    snapshotId: entry.snapshotId ?? '',
    triggerStartMs: entry.triggerStartMs,
    committedMs: facts.committedMs,
    durationMs: durations(entry),
    report: reportOf(entry),
    tasks: [...passed.values()].map(({ task, rowsIn, rowsOut }) => ({ task, rowsIn, rowsOut })),
    rowsBySource,
    ranges: rangesOf(entry),
    ...(entry.latest === undefined ? {} : { latest: entry.latest }),
    replayed: entry.replayed,
    ...turnsIn(entry, facts.turns),
    watermark: facts.watermark,
  }
}

function turnsIn({ from }: EpochEntry, turns: Turns): Pick<EpochProgress, 'turns'> {
  if (Object.keys(turns.after).length === 0) return {}
  const each = Object.keys(from).map((name) => [name, turnOf(name, from, turns)] as const)
  return { turns: Object.fromEntries(each) }
}

function rangesOf(entry: EpochEntry): EpochProgress['ranges'] {
  const ranges: Record<string, EpochProgress['ranges'][string]> = movedRanges(entry.from, entry.to)
  for (const [source, position] of Object.entries(entry.from)) {
    ranges[source] ??= { from: position, to: position }
  }
  return ranges
}

/** Spark's keys. `addBatch` is the run of the epoch up to the last ack. */
function durations({ marks, latestTookMs }: EpochEntry): Record<string, number> {
  const between = (from: Mark, to: Mark): number => {
    const start = marks.get(from)
    const end = marks.get(to)
    return start === undefined || end === undefined ? 0 : Math.max(0, Math.round(end - start))
  }
  const isLate = (marks.get('decided') ?? 0) > (marks.get('opened') ?? 0)
  return {
    latestOffset: Math.round(latestTookMs),
    queryPlanning: 0,
    getBatch: 0,
    // Under the continuous trigger the decision is written while the epoch runs.
    walCommit: between(isLate ? 'passed' : 'begun', 'decided'),
    addBatch: between('opened', 'acked'),
    commitBatch: between('published', 'committed'),
    commitOffsets: between('acked', 'published') + between('committed', 'noted'),
    triggerExecution: between('trigger', 'noted'),
  }
}
