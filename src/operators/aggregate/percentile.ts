import { isValid } from '../../batch/batch.ts'
import type { AggregateCall } from '../../expr/aggregates.ts'
import { numbersOf, validityOf } from './column-numbers.ts'
import type { Folding } from './folding.ts'

/** `percentile` and `median`: exact, between the two nearest values; a group keeps all its values. */
export function percentileFolding({ percentages = [], type }: AggregateCall): Folding<number[]> {
  return {
    zero: () => [],
    adder({ args: [column] }) {
      const numbers = column === undefined ? undefined : numbersOf(column)
      const validity = validityOf(column)
      return (values, row) => {
        if (numbers !== undefined && isValid(validity, row)) values.push(numbers[row] as number)
        return values
      }
    },
    merge(into, from) {
      for (const value of from) into.push(value)
      return into
    },
    finish(values) {
      if (values.length === 0) return null
      // NaN sorts last, as everywhere in SQL.
      const sorted = Float64Array.from(values).sort()
      const results = percentages.map((percentage) => interpolated(sorted, percentage))
      return type.kind === 'array' ? results : (results[0] ?? null)
    },
    encode(values, writer) {
      writer.u32(values.length)
      for (const value of values) writer.f64(value)
    },
    decode: (reader) => Array.from({ length: reader.u32() }, () => reader.f64()),
    byteLength: (values) => 16 + values.length * 8,
  }
}

function interpolated(sorted: Float64Array, percentage: number): number {
  const position = (sorted.length - 1) * percentage
  const below = sorted[Math.floor(position)] as number
  const above = sorted[Math.ceil(position)] as number
  if (below === above) return below
  const share = position - Math.floor(position)
  return (1 - share) * below + share * above
}
