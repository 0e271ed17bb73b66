import { type Column, isValid } from '../../batch/batch.ts'
import type { AggregateName } from '../../expr/aggregates.ts'
import { numbersOf, validityOf } from './column-numbers.ts'
import { StatisticAccumulator } from './statistic.ts'

/** Statistics of pairs of doubles. */
export type Comoment = Extract<AggregateName, 'corr' | 'covar_pop' | 'covar_samp'>

const [counts, leftMeans, rightMeans, products, leftSquares, rightSquares] = [0, 1, 2, 3, 4, 5]

/** Covariance and correlation of the pairs of which neither is NULL; carried along as `MomentsAccumulator` does. */
export class ComomentsAccumulator extends StatisticAccumulator {
  readonly #statistic: Comoment

  constructor(statistic: Comoment) {
    super(6)
    this.#statistic = statistic
  }

  override update(
    slots: Int32Array,
    rows: Int32Array | undefined,
    count: number,
    [left, right]: readonly Column[],
  ): void {
    const lefts = left === undefined ? undefined : numbersOf(left)
    const rights = right === undefined ? undefined : numbersOf(right)
    if (lefts === undefined || rights === undefined) return
    const leftValidity = validityOf(left)
    const rightValidity = validityOf(right)
    for (let k = 0; k < count; k++) {
      const row = rows === undefined ? k : (rows[k] as number)
      if (!isValid(leftValidity, row) || !isValid(rightValidity, row)) continue
      this.#join(slots[k] as number, 1, lefts[row] as number, rights[row] as number, 0, 0, 0)
    }
  }

  override merge(slot: number, from: this, fromSlot: number): void {
    const [b = 0, x = 0, y = 0, ...moments] = from.sums.columns.map(
      (column) => column[fromSlot] as number,
    )
    this.#join(slot, b, x, y, ...(moments as [number, number, number]))
  }

  /** Joins a side of `b` pairs with the means `x` and `y`; numbers instead of an object, as pairs come one by one. */
  #join(
    slot: number,
    b: number,
    x: number,
    y: number,
    product: number,
    xSquare: number,
    ySquare: number,
  ): void {
    if (b === 0) return
    const sums = this.sums
    const a = sums.at(counts)[slot] as number
    const n = a + b
    const dx = x - (sums.at(leftMeans)[slot] as number)
    const dy = y - (sums.at(rightMeans)[slot] as number)
    const weight = (a * b) / n
    sums.at(counts)[slot] = n
    // An empty side takes the other's mean as it is.
    if (a === 0) {
      sums.at(leftMeans)[slot] = x
      sums.at(rightMeans)[slot] = y
    } else {
      addTo(sums.at(leftMeans), slot, (dx * b) / n)
      addTo(sums.at(rightMeans), slot, (dy * b) / n)
    }
    addTo(sums.at(products), slot, product + dx * dy * weight)
    addTo(sums.at(leftSquares), slot, xSquare + dx * dx * weight)
    addTo(sums.at(rightSquares), slot, ySquare + dy * dy * weight)
  }

  protected override result(slot: number): number | undefined {
    const [n = 0, , , product = 0, xSquare = 0, ySquare = 0] = this.sums.columns.map(
      (column) => column[slot] as number,
    )
    if (n === 0) return undefined
    switch (this.#statistic) {
      case 'covar_pop':
        return product / n
      case 'covar_samp':
        return n === 1 ? undefined : product / (n - 1)
      default:
        // One pair, or a side without spread, has no correlation.
        return n === 1 || xSquare === 0 || ySquare === 0
          ? undefined
          : product / Math.sqrt(xSquare * ySquare)
    }
  }
}

function addTo(values: Float64Array, slot: number, more: number): void {
  values[slot] = (values[slot] as number) + more
}
