import type { Value } from '../../src/batch/value.ts'
import type { Micros } from '../../src/core/units.ts'
import type { EpochHeader, Position } from '../../src/flow/message.ts'
import {
  inputsOf,
  type LogicalPlan,
  type SaveMode,
  scansOf,
  type Watermark,
} from '../../src/plan/logical.ts'
import { createOracle } from '../oracles/evaluate.ts'
import type { EpochRows, LateRow } from '../oracles/oracle-node.ts'
import type { InputRows } from './stream-run.ts'

type Row = readonly Value[]

/** What the reference says to a list of decided epochs. */
export interface Expected {
  /** The output of each epoch, in no particular order. */
  readonly epochs: readonly (readonly Row[])[]
  /** Rows that were late in all their windows. */
  readonly lateRows: number
  /** True if some row was kept out of some window. */
  readonly lost: boolean
}

/** Feeds the oracle with the epochs that were decided, over the inputs by source name. */
export function expectedEpochs(
  plan: LogicalPlan,
  mode: SaveMode,
  headers: readonly EpochHeader[],
  inputs: ReadonlyMap<string, InputRows>,
  options: { readonly dropsBad?: boolean } = {},
): Expected {
  const oracle = createOracle(plan, mode, options)
  const epochs = headers.map((header) => oracle.epoch(header, rowsOfEpoch(header, inputs)))
  const lenient = createOracle(plan, mode, options)
  const all = headers.map((header) =>
    lenient.epoch({ ...header, lateWatermark: -1 as Micros }, rowsOfEpoch(header, inputs)),
  )
  // Letting a late row in need not make a difference: its partner or its group may be gone, its result filtered out.
  const lost = oracle.lost || !isDeepEqual(all, epochs)
  return { epochs, lateRows: oracle.lateRows.length, lost }
}

/** The rows that come too late for the steps of a plan, over the epochs that were decided. */
export function lateRowsOf(
  plan: LogicalPlan,
  mode: SaveMode,
  headers: readonly EpochHeader[],
  inputs: ReadonlyMap<string, InputRows>,
  options: { readonly dropsBad?: boolean } = {},
): readonly LateRow[] {
  const oracle = createOracle(plan, mode, options)
  for (const header of headers) oracle.epoch(header, rowsOfEpoch(header, inputs))
  return oracle.lateRows
}

function isDeepEqual(left: unknown, right: unknown): boolean {
  if (!Array.isArray(left) || !Array.isArray(right)) return Object.is(left, right)
  return left.length === right.length && left.every((item, at) => isDeepEqual(item, right[at]))
}

/** The rows of a decided epoch, by source; of one partition if asked for. */
export function rowsOfEpoch(
  { ranges = {} }: EpochHeader,
  inputs: ReadonlyMap<string, InputRows>,
  only?: number,
): EpochRows {
  return (source) => {
    const range = ranges[source]
    const { partitions } = inputs.get(source) ?? { partitions: [] }
    if (range === undefined) return []
    return partitions.flatMap((rows, index) =>
      only === undefined || only === index
        ? rows.slice(numberIn(range.from, index), numberIn(range.to, index))
        : [],
    )
  }
}

function numberIn(position: Position, partition: number): number {
  const value = position[String(partition)]
  if (typeof value === 'number') return value
  throw new Error(`no number for partition ${partition} in ${JSON.stringify(position)}`)
}

/**
 * Checks the watermarks of decided epochs against a second calculation of their own, and that the
 * ranges cover the inputs without gap or overlap. Without this an engine that is wrong about time would
 * only hand its error on to the oracle.
 * @throws Error that names the epoch
 */
export function checkHeaders(
  plan: LogicalPlan,
  headers: readonly EpochHeader[],
  inputs: ReadonlyMap<string, InputRows>,
): void {
  checkRanges(headers, inputs)
  checkTurns(plan, headers, inputs)
  checkProcessingTimes(headers)
  const histories = partsOf(plan).flatMap((parts) => parts.slice(0, -1).flat())
  const nodes = watermarksOf(plan).map((node) => nodeClock(node, inputs))
  let reached = 0
  let evicted = 0
  for (const header of headers) {
    const { epoch, skipped, flush, lateWatermark, evictWatermark } = header
    // An epoch that was passed over did what it would have done: forgot up to the watermark.
    const late = skipped === undefined ? evicted : reached
    const evict = flush === true ? Number.MAX_SAFE_INTEGER : reached
    mustBe(`the late watermark of epoch ${epoch}`, lateWatermark, late)
    mustBe(`the eviction watermark of epoch ${epoch}`, evictWatermark, evict)
    evicted = evict
    // After the end of time there is no earlier one.
    reached = Math.max(reached, evict)
    const clocks = nodes.map((node) => node(header))
    const ended = histories.filter((source) => isRead(source, headers.slice(0, epoch + 1), inputs))
    if (ended.length < histories.length) continue
    const time = timeOf(clocks, ended)
    if (time !== undefined) reached = Math.max(reached, time)
  }
}

/** The largest times of a watermark by source and partition, and the sources below it. */
interface Clock {
  readonly sources: readonly string[]
  readonly largest: ReadonlyMap<string, { readonly source: string; readonly mark: number }>
}

/**
 * What the clocks say together: those of streams that go on; where none of its streams has said anything,
 * what the histories came to.
 */
function timeOf(clocks: readonly Clock[], ended: readonly string[]): number | undefined {
  const marks = (clock: Clock, over: boolean): number[] =>
    [...clock.largest.values()].flatMap(({ source, mark }) =>
      ended.includes(source) === over ? [mark] : [],
    )
  const past = clocks.flatMap((clock) => marks(clock, true))
  const running = clocks.filter(({ sources }) => sources.some((source) => !ended.includes(source)))
  const times = running.map((clock) => {
    const own = marks(clock, false)
    if (own.length > 0) return Math.min(...own)
    return past.length > 0 ? Math.min(...past) : 0
  })
  return times.length === 0 ? undefined : Math.min(...times)
}

/** For each `followedBy` of a plan, the sources of its parts in turn. */
function partsOf(plan: LogicalPlan): readonly (readonly (readonly string[])[])[] {
  if (plan.kind === 'scan') return []
  const below = inputsOf(plan).flatMap(partsOf)
  if (plan.kind !== 'union' || plan.inTurn !== true) return below
  return [plan.inputs.map((input) => scansOf(input).map(({ source }) => source)), ...below]
}

/** Nothing of a part is read before every row of the parts before it was. */
function checkTurns(
  plan: LogicalPlan,
  headers: readonly EpochHeader[],
  inputs: ReadonlyMap<string, InputRows>,
): void {
  for (const parts of partsOf(plan)) {
    for (const [at, header] of headers.entries()) {
      const read = parts.findLastIndex((part) => part.some((name) => header.ranges?.[name]))
      for (const source of parts.slice(0, Math.max(0, read)).flat()) {
        if (isRead(source, headers.slice(0, at), inputs)) continue
        throw new Error(`epoch ${header.epoch} reads part ${read} before the end of ${source}`)
      }
    }
  }
}

/** Whether these epochs read every row of a source. */
function isRead(
  source: string,
  headers: readonly EpochHeader[],
  inputs: ReadonlyMap<string, InputRows>,
): boolean {
  const last = headers.findLast(({ ranges }) => ranges?.[source] !== undefined)?.ranges?.[source]
  const { partitions } = inputs.get(source) ?? { partitions: [] }
  return partitions.every((rows, index) => {
    const reached = last === undefined ? 0 : numberIn(last.to, index)
    return reached === rows.length
  })
}

/** Processing time never goes back, whatever the wall clock does, and an epoch knows that of the one before. */
function checkProcessingTimes(headers: readonly EpochHeader[]): void {
  for (const [at, { epoch, processingTime, previousTime }] of headers.entries()) {
    const before = headers[at - 1]?.processingTime
    if (previousTime !== before) {
      throw new Error(`the time before epoch ${epoch} is ${previousTime} and should be ${before}`)
    }
    if (before !== undefined && processingTime < before) {
      throw new Error(`the time of epoch ${epoch} is ${processingTime}, behind ${before}`)
    }
  }
}

function mustBe(what: string, actual: number, expected: number): void {
  if (actual !== expected) throw new Error(`${what} is ${actual} and should be ${expected}`)
}

function checkRanges(
  headers: readonly EpochHeader[],
  inputs: ReadonlyMap<string, InputRows>,
): void {
  for (const [source, { partitions }] of inputs) {
    partitions.forEach((rows, partition) => {
      let reached = 0
      for (const { epoch, ranges } of headers) {
        const range = ranges?.[source]
        if (range === undefined) continue
        const place = `of ${source}/${partition} in epoch ${epoch}`
        mustBe(`the begin ${place}`, numberIn(range.from, partition), reached)
        reached = numberIn(range.to, partition)
      }
      mustBe(`the end of ${source}/${partition}`, reached, rows.length)
    })
  }
}

/** Every watermark of a plan. */
export function watermarksOf(plan: LogicalPlan): readonly Watermark[] {
  if (plan.kind === 'scan') return []
  const below = inputsOf(plan).flatMap(watermarksOf)
  return plan.kind === 'watermark' ? [plan, ...below] : below
}

/** Takes in one epoch after the other and says how far the times of a watermark have come. */
function nodeClock(
  node: Watermark,
  inputs: ReadonlyMap<string, InputRows>,
): (header: EpochHeader) => Clock {
  const sources = [...new Set(scansOf(node).map(({ source }) => source))]
  const largest = new Map<string, { readonly source: string; readonly mark: number }>()
  return (header) => {
    for (const source of sources) {
      const count = inputs.get(source)?.partitions.length ?? 0
      for (let partition = 0; partition < count; partition++) {
        const rows = rowsOfEpoch(header, inputs, partition)
        const only: EpochRows = (name) => (name === source ? rows(name) : [])
        const oracle = createOracle(node, 'append', { dropsBad: true })
        for (const row of oracle.epoch(header, only)) {
          const time = row[node.column]
          if (typeof time !== 'number') continue
          const name = `${source}/${partition}`
          const known = largest.get(name)?.mark ?? 0
          const mark = Math.floor((time - node.delayMicros) / 1000) * 1000
          largest.set(name, { source, mark: Math.max(known, mark) })
        }
      }
    }
    return { sources, largest: new Map(largest) }
  }
}
