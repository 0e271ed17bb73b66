import type { Value } from '../../src/batch/value.ts'
import type { Micros } from '../../src/core/units.ts'
import type { EpochHeader, Position } from '../../src/flow/message.ts'
import {
  inputsOf,
  type LogicalPlan,
  type SaveMode,
  type Watermark,
} from '../../src/plan/logical.ts'
import { createOracle } from '../oracles/evaluate.ts'
import type { EpochRows } from '../oracles/oracle-node.ts'
import { type InputRows, scansOf } from './stream-run.ts'

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
): Expected {
  const oracle = createOracle(plan, mode)
  const epochs = headers.map((header) => oracle.epoch(header, rowsOfEpoch(header, inputs)))
  const lenient = createOracle(plan, mode)
  const all = headers.map((header) =>
    lenient.epoch({ ...header, lateWatermark: -1 as Micros }, rowsOfEpoch(header, inputs)),
  )
  const lateRows = oracle.lateRows.length
  // The partner of a late row may be gone, so that letting the row in would not have made a difference.
  const lost = oracle.lost || !isDeepEqual(all, epochs) || (lateRows > 0 && hasJoin(plan))
  return { epochs, lateRows, lost }
}

function hasJoin(plan: LogicalPlan): boolean {
  return plan.kind === 'join' || inputsOf(plan).some(hasJoin)
}

function isDeepEqual(left: unknown, right: unknown): boolean {
  if (!Array.isArray(left) || !Array.isArray(right)) return Object.is(left, right)
  return left.length === right.length && left.every((item, at) => isDeepEqual(item, right[at]))
}

/** The rows of a decided epoch, by source; of one partition if asked for. */
function rowsOfEpoch(
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
    const times = nodes.map((node) => node(header))
    if (times.length > 0) reached = Math.max(reached, Math.min(...times))
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

function watermarksOf(plan: LogicalPlan): readonly Watermark[] {
  if (plan.kind === 'scan') return []
  const below = inputsOf(plan).flatMap(watermarksOf)
  return plan.kind === 'watermark' ? [plan, ...below] : below
}

/** Takes in one epoch after the other and says the watermark of the node, by the smallest partition. */
function nodeClock(
  node: Watermark,
  inputs: ReadonlyMap<string, InputRows>,
): (header: EpochHeader) => number {
  const sources = [...new Set(scansOf(node).map(({ source }) => source))]
  const largest = new Map<string, number>()
  return (header) => {
    for (const source of sources) {
      const count = inputs.get(source)?.partitions.length ?? 0
      for (let partition = 0; partition < count; partition++) {
        const rows = rowsOfEpoch(header, inputs, partition)
        const only: EpochRows = (name) => (name === source ? rows(name) : [])
        for (const row of createOracle(node, 'append').epoch(header, only)) {
          const time = row[node.column]
          if (typeof time !== 'number') continue
          const mark = Math.floor((time - node.delayMicros) / 1000) * 1000
          const name = `${source}/${partition}`
          largest.set(name, Math.max(largest.get(name) ?? 0, mark))
        }
      }
    }
    return largest.size === 0 ? 0 : Math.min(...largest.values())
  }
}
