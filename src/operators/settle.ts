import { type Batch, liveRows, rowNumbers, select } from '../batch/batch.ts'
import { gatherRows } from '../batch/gather.ts'
import { compareNames } from '../core/compare-names.ts'
import type { Operator } from '../flow/operator.ts'
import { orderByValue, rowTexts } from './order-by-value.ts'

/** Rows of one batch that was put together. */
const rowsAtOnce = 4096

/** One row of the epoch, with what decides its place. */
interface Place {
  readonly batch: number
  readonly row: number
  /** The place of the source partition among those of the epoch. */
  readonly origin: number
  readonly ordinal: number
  readonly sibling: number
}

/**
 * Puts the rows of an epoch in one order before an operator whose answer depends on it: by source,
 * source partition and position, however the channels that bring them interleave. Rows that have no
 * place, as they come out of another stateful operator, come last, by their values. Holds the rows until
 * the barrier; under the continuous trigger rows pass in order of arrival, and also when one task reads
 * everything that the query reads (`isSettled`).
 */
export function settleOperator(isSettled: boolean): Operator {
  let batches: Batch[] = []
  let passes = isSettled
  let rowsIn = 0
  return {
    name: 'settle',

    open(header) {
      batches = []
      passes = isSettled || (header.ranges === undefined && header.flush !== true)
      rowsIn = 0
    },

    process(_input, batch, output) {
      rowsIn += liveRows(batch)
      if (passes) return output.emit(batch)
      batches.push(batch)
      return undefined
    },

    async closeEpoch(_header, output) {
      const held = batches
      batches = []
      const placed = held.filter(({ order }) => order !== undefined)
      const unplaced = held.filter(({ order }) => order === undefined)
      for (const runs of [inOrder(placed), gathered(unplaced)]) {
        for (const run of runs) {
          const wait = output.emit(run)
          if (wait !== undefined) await wait
        }
      }
      return { progress: { settle: { rowsIn } } }
    },

    freeze: () => undefined,
  }
}

/** The rows of all batches in order, as batches of rows that lay together. */
function* inOrder(batches: readonly Batch[]): Iterable<Batch> {
  const places = sorted(batches)
  let from = 0
  while (from < places.length) {
    const first = places[from] as Place
    let to = from + 1
    for (let next = places[to]; next !== undefined; next = places[++to]) {
      const before = places[to - 1] as Place
      if (next.batch !== first.batch || next.row <= before.row) break
    }
    const batch = batches[first.batch] as Batch
    yield select(
      batch,
      Int32Array.from(places.slice(from, to), ({ row }) => row),
    )
    from = to
  }
}

/** The rows of all batches by their values. */
function* gathered(batches: readonly Batch[]): Iterable<Batch> {
  if (batches.length === 0) return
  const { which, rows } = orderByValue(batches)
  for (let from = 0; from < rows.length; from += rowsAtOnce) {
    const to = from + rowsAtOnce
    yield gatherRows({ batches, which: which.subarray(from, to), rows: rows.subarray(from, to) })
  }
}

function sorted(batches: readonly Batch[]): readonly Place[] {
  const text = rowTexts(batches)
  const byText = (left: Place, right: Place): number =>
    compareText(text(left.batch, left.row), text(right.batch, right.row))
  const ranks = rankOrigins(batches)
  const places = batches.flatMap((batch, index) => placesOf(batch, index, ranks))
  places.sort(
    (left, right) =>
      left.origin - right.origin ||
      left.ordinal - right.ordinal ||
      left.sibling - right.sibling ||
      left.batch - right.batch ||
      left.row - right.row,
  )
  const result: Place[] = []
  for (let from = 0; from < places.length; ) {
    let to = from + 1
    while (samePlace(places[from], places[to])) to++
    const twins = places.slice(from, to)
    // A row that was read twice, on two ways through the plan.
    const ways = waysOf(twins)
    if (ways.length > 1) ways.sort(([left], [right]) => (left && right ? byText(left, right) : 0))
    for (const way of ways) for (const place of way) result.push(place)
    from = to
  }
  return result
}

/** Rows of one place, by the batch they lie in. */
function waysOf(twins: readonly Place[]): Place[][] {
  const ways: Place[][] = []
  for (const place of twins) {
    const last = ways.at(-1)
    if (last?.[0]?.batch === place.batch) last.push(place)
    else ways.push([place])
  }
  return ways
}

function samePlace(left: Place | undefined, right: Place | undefined): boolean {
  return (
    left !== undefined &&
    right !== undefined &&
    left.origin === right.origin &&
    left.ordinal === right.ordinal &&
    left.sibling === right.sibling
  )
}

/** Every source partition of the epoch by its place. */
function rankOrigins(batches: readonly Batch[]): ReadonlyMap<string, number> {
  const origins = new Set(batches.flatMap(({ order }) => order?.origin ?? []))
  return new Map([...origins].sort(compareNames).map((origin, rank) => [origin, rank]))
}

function placesOf(
  batch: Batch,
  index: number,
  ranks: ReadonlyMap<string, number>,
): readonly Place[] {
  const { order } = batch
  if (order === undefined) return []
  return Array.from(rowNumbers(batch), (row) => ({
    batch: index,
    row,
    origin: ranks.get(order.origin) ?? 0,
    ordinal: order.ordinals[row] as number,
    sibling: order.siblings === undefined ? 0 : (order.siblings[row] as number),
  }))
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
