import type { FrozenState } from '../../state/frozen.ts'
import type { Batch } from '../batch/batch.ts'
import type { Micros } from '../core/units.ts'
import type { EpochHeader } from './message.ts'

/** `undefined` = go on at once; a promise = wait for it. Avoids a turn of the event loop per batch. */
export type Wait = Promise<void> | undefined

/** Where an operator puts its results. Waiting for the returned promise is how back-pressure reaches it. */
export interface Output {
  emit(batch: Batch): Wait
  /** A side output, such as the late rows of an aggregation; dropped when nobody reads it. */
  emitSide(name: string, batch: Batch): Wait
}

/** What an operator found out while it handled an epoch; the coordinator decides the next header from it. */
export interface EpochReport {
  /** Largest event time minus delay, per watermark node and source partition; only what moved. */
  readonly watermarks?: Readonly<Record<string, Readonly<Record<string, Micros>>>>
  /** The smallest watermark at which this operator would emit or forget something. */
  readonly nextWatermark?: Micros
  /** The smallest processing time at which this operator has something to do. */
  readonly nextTimer?: Micros
  /** Figures for the progress of the query, by operator name. */
  readonly progress?: Readonly<Record<string, OperatorProgress>>
  /** Event-time statistics of the rows of this epoch, microseconds; for progress only. */
  readonly eventTime?: {
    readonly min: number
    readonly max: number
    readonly sum: number
    readonly count: number
  }
}

/** Figures of one operator over one epoch; totals are as of its end. */
export interface OperatorProgress {
  /** Spark's operator name, such as `stateStoreSave`; absent for stateless operators. */
  readonly stateName?: string
  readonly rowsIn: number
  readonly rowsTotal?: number
  readonly rowsUpdated?: number
  readonly rowsRemoved?: number
  readonly rowsDroppedByWatermark?: number
  readonly memoryUsedBytes?: number
  /** Bytes of state that lies outside of memory only, about. */
  readonly storedBytes?: number
  readonly custom?: Readonly<Record<string, number>>
  /** Rows of the epoch that it could not work with, if any. */
  readonly badRows?: BadRowCount
  /** For operators that live by the watermark. */
  readonly watermarks?: OperatorWatermarks
}

/** Rows that were left out because they are bad, and how many of them went to the dead letters. */
export interface BadRowCount {
  readonly rows: number
  readonly deadLetters: number
}

/** The watermarks of one operator in one epoch, which joins below may hold back (rule W7); microseconds. */
export interface OperatorWatermarks {
  readonly late: number
  readonly evict: number
  /** How far it is behind the watermark of the query. */
  readonly shift: number
  /** The same for what reads its output. */
  readonly outputShift: number
}

/**
 * One step of a stage. Its task calls it one call at a time and in channel order, so an operator
 * holds no lock and starts no timer; `mapAsync` alone does, and gives out rows between these calls too,
 * until the end of `closeEpoch`. What an operator keeps per key lives in its `OperatorState`.
 *
 * Life: `open(N)`, any number of `process`, `closeEpoch(N)`, `freeze(N)`, then `open(N+1)`.
 */
export interface Operator {
  readonly name: string
  open(header: EpochHeader): void
  /** `input` counts the inputs of operators that have more than one; 0 otherwise. */
  process(input: number, batch: Batch, output: Output): Wait
  /** The barrier: emits what closes, forgets what is over, and reports. */
  closeEpoch(header: EpochHeader, output: Output): EpochReport | Promise<EpochReport>
  /** Sets aside what changed in the epoch, without waiting; `undefined` when it keeps no state. */
  freeze(): readonly FrozenState[] | undefined
  /** The attempt is being torn down: calls that wait for the world outside have to end, with an error. */
  abort?(): void
  /** The task has ended; lets go of what the user's code holds. */
  close?(): void
}

/** Merges what the operators of a chain, or the tasks of an epoch, report. */
export function mergeReports(reports: readonly EpochReport[]): EpochReport {
  const watermarks: Record<string, Record<string, Micros>> = {}
  const progress: Record<string, OperatorProgress> = {}
  let nextWatermark: Micros | undefined
  let nextTimer: Micros | undefined
  let eventTime: EpochReport['eventTime']
  for (const report of reports) {
    for (const [node, partitions] of Object.entries(report.watermarks ?? {})) {
      const known = watermarks[node] ?? {}
      watermarks[node] = known
      for (const [partition, time] of Object.entries(partitions)) {
        known[partition] = larger(known[partition], time)
      }
    }
    for (const [name, figures] of Object.entries(report.progress ?? {})) {
      const known = progress[name]
      progress[name] = known === undefined ? figures : addProgress(known, figures)
    }
    nextWatermark = smaller(nextWatermark, report.nextWatermark)
    nextTimer = smaller(nextTimer, report.nextTimer)
    eventTime = addEventTime(eventTime, report.eventTime)
  }
  return {
    watermarks,
    progress,
    ...(nextWatermark === undefined ? {} : { nextWatermark }),
    ...(nextTimer === undefined ? {} : { nextTimer }),
    ...(eventTime === undefined ? {} : { eventTime }),
  }
}

function larger(left: Micros | undefined, right: Micros): Micros {
  return left === undefined || right > left ? right : left
}

function smaller(left: Micros | undefined, right: Micros | undefined): Micros | undefined {
  if (left === undefined) return right
  return right !== undefined && right < left ? right : left
}

function addEventTime(
  left: EpochReport['eventTime'],
  right: EpochReport['eventTime'],
): EpochReport['eventTime'] {
  if (left === undefined) return right
  if (right === undefined) return left
  return {
    min: Math.min(left.min, right.min),
    max: Math.max(left.max, right.max),
    sum: left.sum + right.sum,
    count: left.count + right.count,
  }
}

function addProgress(left: OperatorProgress, right: OperatorProgress): OperatorProgress {
  const custom: Record<string, number> = { ...left.custom }
  for (const [name, value] of Object.entries(right.custom ?? {})) {
    custom[name] = (custom[name] ?? 0) + value
  }
  // Steps before a stateful operator may count what they keep from it.
  const stateName = left.stateName ?? right.stateName
  const watermarks = left.watermarks ?? right.watermarks
  const badRows = addBadRows(left.badRows, right.badRows)
  return {
    ...(stateName === undefined ? {} : { stateName }),
    rowsIn: left.rowsIn + right.rowsIn,
    rowsTotal: (left.rowsTotal ?? 0) + (right.rowsTotal ?? 0),
    rowsUpdated: (left.rowsUpdated ?? 0) + (right.rowsUpdated ?? 0),
    rowsRemoved: (left.rowsRemoved ?? 0) + (right.rowsRemoved ?? 0),
    rowsDroppedByWatermark:
      (left.rowsDroppedByWatermark ?? 0) + (right.rowsDroppedByWatermark ?? 0),
    memoryUsedBytes: (left.memoryUsedBytes ?? 0) + (right.memoryUsedBytes ?? 0),
    storedBytes: (left.storedBytes ?? 0) + (right.storedBytes ?? 0),
    custom,
    ...(watermarks === undefined ? {} : { watermarks }),
    ...(badRows === undefined ? {} : { badRows }),
  }
}

/** The sum of two counts, either of which may be missing. */
export function addBadRows(
  left: BadRowCount | undefined,
  right: BadRowCount | undefined,
): BadRowCount | undefined {
  if (left === undefined || right === undefined) return left ?? right
  return { rows: left.rows + right.rows, deadLetters: left.deadLetters + right.deadLetters }
}
