import { liveRows, rowNumbers, select } from '../batch/batch.ts'
import type { Operator } from '../flow/operator.ts'

/** The first rows of one epoch: of the whole answer in complete mode or of a batch query. */
export function limitOperator(count: number): Operator {
  let left = count
  let rowsIn = 0
  return {
    name: 'limit',

    open() {
      left = count
      rowsIn = 0
    },

    process(_input, batch, output) {
      const rows = liveRows(batch)
      rowsIn += rows
      const taken = Math.min(rows, left)
      left -= taken
      if (taken === 0) return undefined
      if (taken === rows) return output.emit(batch)
      const all = rowNumbers(batch)
      return output.emit(select(batch, all.slice(0, taken)))
    },

    closeEpoch: () => ({ progress: { limit: { rowsIn } } }),

    freeze: () => undefined,
  }
}
