import { isValid } from '../../batch/batch.ts'
import { ByteWriter } from '../../batch/byte-writer.ts'
import { compareBytes, compareNullable, compareValues } from '../../batch/compare.ts'
import { valueAt } from '../../batch/read.ts'
import type { DataType } from '../../batch/schema.ts'
import type { Value } from '../../batch/value.ts'
import { encodeValue } from '../../batch/value-codec.ts'
import { numbersOf, validityOf } from './column-numbers.ts'
import type { Folding } from './folding.ts'

/** The largest order so far, and the values that came with it. */
export interface RowsWithMax {
  readonly best: Value
  readonly values: Value[]
}

/**
 * `rows_with_max(value, order)`: every value whose order is the largest, sorted, so that the answer does not
 * depend on the order in which rows come.
 */
export function rowsWithMaxFolding(value: DataType, order: DataType): Folding<RowsWithMax> {
  const sort = sorter(value)
  return {
    zero: () => ({ best: null, values: [] }),
    adder({ args: [values, orders] }) {
      if (values === undefined || orders === undefined) return (state) => state
      const numbers = numbersOf(orders)
      const validity = validityOf(orders)
      return (state, row) => {
        if (!isValid(validity, row)) return state
        const { best } = state
        // Most rows lose; a comparison of plain numbers spares them the reading of a value.
        if (numbers !== undefined && best !== null && Number(best) > (numbers[row] as number)) {
          return state
        }
        const offered = valueAt(orders, order, row)
        const comparison = best === null ? 1 : compareValues(order, offered ?? best, best)
        if (comparison < 0) return state
        const given = valueAt(values, value, row)
        if (comparison > 0) return { best: offered, values: [given] }
        state.values.push(given)
        return state
      }
    },
    merge(into, from) {
      if (from.best === null) return into
      const comparison = into.best === null ? 1 : compareValues(order, from.best, into.best)
      if (comparison < 0) return into
      if (comparison > 0) return { best: from.best, values: [...from.values] }
      for (const each of from.values) into.values.push(each)
      return into
    },
    finish: ({ values }) => sort(values),
    encode({ best, values }, writer) {
      encodeValue(writer, order, best)
      writer.u32(values.length)
      for (const each of sort(values)) encodeValue(writer, value, each)
    },
    decode(reader) {
      const best = reader.value(order)
      return { best, values: Array.from({ length: reader.u32() }, () => reader.value(value)) }
    },
    byteLength: ({ values }) => 64 + values.length * 48,
  }
}

/** Sorts values with NULL first; those that compare as equal, such as 0 and −0, by their bytes. */
function sorter(type: DataType): (values: Value[]) => readonly Value[] {
  const bytesOf = (value: Value): Uint8Array => {
    const writer = new ByteWriter()
    encodeValue(writer, type, value)
    return writer.view()
  }
  return (values) =>
    values.length < 2
      ? values
      : values.toSorted(
          (left, right) =>
            compareNullable(type, left, right) || compareBytes(bytesOf(left), bytesOf(right)),
        )
}
