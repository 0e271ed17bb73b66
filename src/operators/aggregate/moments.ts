import { type Column, isValid } from '../../batch/batch.ts'
import type { AggregateName } from '../../expr/aggregates.ts'
import { numbersOf, validityOf } from './column-numbers.ts'
import { StatisticAccumulator } from './statistic.ts'

/** Statistics of the central moments of one column of doubles. */
export type Moment = Extract<
  AggregateName,
  'stddev_samp' | 'stddev_pop' | 'var_samp' | 'var_pop' | 'skewness' | 'kurtosis'
>

/**
 * Variance, skewness and kurtosis from the count, the mean and the sums of powers of the distance to the
 * mean. They are carried along with each row (Welford) and joined pairwise (Chan, Pébay), so that no
 * large squares are taken from each other; merging in another order changes the last digits only.
 */
export class MomentsAccumulator extends StatisticAccumulator {
  readonly #statistic: Moment

  constructor(statistic: Moment) {
    super(statistic === 'kurtosis' ? 5 : statistic === 'skewness' ? 4 : 3)
    this.#statistic = statistic
  }

  override update(
    slots: Int32Array,
    rows: Int32Array | undefined,
    count: number,
    [column]: readonly Column[],
  ): void {
    const values = column === undefined ? undefined : numbersOf(column)
    if (values === undefined) return
    const validity = validityOf(column)
    for (let k = 0; k < count; k++) {
      const row = rows === undefined ? k : (rows[k] as number)
      if (validity !== undefined && !isValid(validity, row)) continue
      this.#add(slots[k] as number, values[row] as number)
    }
  }

  override merge(slot: number, from: this, fromSlot: number): void {
    const [counts, means, squares, cubes, fourths] = this.sums.columns
    const [otherCounts, otherMeans, otherSquares, otherCubes, otherFourths] = from.sums.columns
    const b = at(otherCounts, fromSlot)
    if (b === 0) return
    const a = at(counts, slot)
    const n = a + b
    const distance = at(otherMeans, fromSlot) - at(means, slot)
    const step = distance / n
    const a2 = at(squares, slot)
    const b2 = at(otherSquares, fromSlot)
    const a3 = at(cubes, slot)
    const b3 = at(otherCubes, fromSlot)
    set(counts, slot, n)
    // An empty side has mean 0, which must not move the other's by a rounding.
    set(means, slot, a === 0 ? at(otherMeans, fromSlot) : at(means, slot) + step * b)
    set(squares, slot, a2 + b2 + distance * step * a * b)
    const cube = distance * step * step * a * b * (a - b) + 3 * step * (a * b2 - b * a2)
    set(cubes, slot, a3 + b3 + cube)
    const fourth =
      distance * step ** 3 * a * b * (a * a - a * b + b * b) +
      6 * step * step * (a * a * b2 + b * b * a2) +
      4 * step * (a * b3 - b * a3)
    set(fourths, slot, at(fourths, slot) + at(otherFourths, fromSlot) + fourth)
  }

  #add(slot: number, value: number): void {
    const [counts, means, squares, cubes, fourths] = this.sums.columns
    const n = at(counts, slot) + 1
    const distance = value - at(means, slot)
    const step = distance / n
    const square = distance * step * (n - 1)
    const m2 = at(squares, slot)
    set(counts, slot, n)
    set(means, slot, at(means, slot) + step)
    set(squares, slot, m2 + square)
    if (cubes === undefined) return
    const m3 = at(cubes, slot)
    cubes[slot] = m3 + square * step * (n - 2) - 3 * step * m2
    const fourth = square * step * step * (n * n - 3 * n + 3) + 6 * step * step * m2 - 4 * step * m3
    set(fourths, slot, at(fourths, slot) + fourth)
  }

  /** Spark's rules: NULL of no rows, of one row for samples, and where all values are equal for shapes. */
  protected override result(slot: number): number | undefined {
    const [n = 0, , m2 = 0, m3 = 0, m4 = 0] = this.sums.columns.map((column) => at(column, slot))
    if (n === 0) return undefined
    switch (this.#statistic) {
      case 'var_pop':
        return m2 / n
      case 'stddev_pop':
        return Math.sqrt(m2 / n)
      case 'var_samp':
        return n === 1 ? undefined : m2 / (n - 1)
      case 'stddev_samp':
        return n === 1 ? undefined : Math.sqrt(m2 / (n - 1))
      case 'skewness':
        return m2 === 0 ? undefined : (Math.sqrt(n) * m3) / Math.sqrt(m2 * m2 * m2)
      default:
        return m2 === 0 ? undefined : (n * m4) / (m2 * m2) - 3
    }
  }
}

function at(column: Float64Array | undefined, slot: number): number {
  return column === undefined ? 0 : (column[slot] as number)
}

function set(column: Float64Array | undefined, slot: number, value: number): void {
  if (column !== undefined) column[slot] = value
}
