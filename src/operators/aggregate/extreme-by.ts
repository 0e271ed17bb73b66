import { isValid } from '../../batch/batch.ts'
import { compareValues } from '../../batch/compare.ts'
import { valueAt } from '../../batch/read.ts'
import type { DataType } from '../../batch/schema.ts'
import type { Value } from '../../batch/value.ts'
import { encodeValue } from '../../batch/value-codec.ts'
import {
  type Arrived,
  arrivedAt,
  compareArrivals,
  decodeArrived,
  encodeArrived,
} from './arrived.ts'
import { validityOf } from './column-numbers.ts'
import type { Folding } from './folding.ts'

/** The best order so far, and the value of the first row that came with it. */
export interface Best extends Arrived {
  readonly order: Value
}

/** `min_by` and `max_by`: rows without an order do not count; of equal ones the first in order of arrival wins. */
export function extremeByFolding(
  value: DataType,
  order: DataType,
  which: 'min_by' | 'max_by',
): Folding<Best | undefined> {
  const sign = which === 'max_by' ? 1 : -1
  return {
    zero: () => undefined,
    adder({ args: [values, orders], arrival }) {
      if (values === undefined || orders === undefined) return (known) => known
      const validity = validityOf(orders)
      return (known, row) => {
        if (!isValid(validity, row)) return known
        const offered = valueAt(orders, order, row)
        if (known !== undefined && compareValues(order, offered, known.order) * sign <= 0) {
          return known
        }
        return { ...arrivedAt(valueAt(values, value, row), row, arrival), order: offered }
      }
    },
    merge(into, from) {
      if (into === undefined || from === undefined) return into ?? from
      const comparison = compareValues(order, from.order, into.order) * sign
      return comparison > 0 || (comparison === 0 && compareArrivals(from, into) < 0) ? from : into
    },
    finish: (known) => known?.value ?? null,
    encode(known, writer) {
      writer.byte(known === undefined ? 0 : 1)
      if (known === undefined) return
      encodeValue(writer, order, known.order)
      encodeArrived(writer, value, known)
    },
    decode(reader) {
      if (reader.byte() === 0) return undefined
      const known = reader.value(order)
      return { ...decodeArrived(reader, value), order: known }
    },
    byteLength: (known) => (known === undefined ? 0 : 136),
  }
}
