import { isValid } from '../../batch/batch.ts'
import { compareValues } from '../../batch/compare.ts'
import { valueAt } from '../../batch/read.ts'
import type { DataType } from '../../batch/schema.ts'
import type { Value } from '../../batch/value.ts'
import { encodeValue } from '../../batch/value-codec.ts'
import {
  type ArrivedList,
  append,
  decodeList,
  emptyList,
  encodeList,
  listBytes,
  mergeLists,
} from './arrived.ts'
import { numbersOf, validityOf } from './column-numbers.ts'
import type { Folding } from './folding.ts'

/** `collect_list`: the non-null values in order of arrival. */
export function listFolding(element: DataType): Folding<ArrivedList> {
  return {
    zero: emptyList,
    adder({ args: [column], arrival }) {
      if (column === undefined) return (list) => list
      return (list, row) => {
        const value = valueAt(column, element, row)
        if (value !== null) append(list, value, row, arrival)
        return list
      }
    },
    merge: mergeLists,
    finish: ({ values }) => values,
    encode: (list, writer) => encodeList(writer, element, list),
    decode: (reader) => decodeList(reader, element),
    byteLength: listBytes,
  }
}

/** The largest order so far, and the values that came with it. */
export interface RowsWithMax {
  readonly best: Value
  readonly list: ArrivedList
}

/** `rows_with_max(value, order)`: every value whose order is the largest, in order of arrival. */
export function rowsWithMaxFolding(value: DataType, order: DataType): Folding<RowsWithMax> {
  const merge = (into: RowsWithMax, from: RowsWithMax): RowsWithMax => {
    if (from.best === null) return into
    const comparison = into.best === null ? 1 : compareValues(order, from.best, into.best)
    if (comparison < 0) return into
    const list = comparison > 0 ? emptyList() : into.list
    return { best: from.best, list: mergeLists(list, from.list) }
  }
  return {
    zero: () => ({ best: null, list: emptyList() }),
    adder({ args: [values, orders], arrival }) {
      if (values === undefined || orders === undefined) return (state) => state
      const numbers = numbersOf(orders)
      const validity = validityOf(orders)
      return (state, row) => {
        if (!isValid(validity, row)) return state
        const { best, list } = state
        // Most rows lose; a comparison of plain numbers spares them the reading of a value.
        if (numbers !== undefined && best !== null && Number(best) > (numbers[row] as number)) {
          return state
        }
        const offered = valueAt(orders, order, row)
        const comparison = best === null ? 1 : compareValues(order, offered ?? best, best)
        if (comparison < 0) return state
        const kept = comparison > 0 ? emptyList() : list
        append(kept, valueAt(values, value, row), row, arrival)
        return comparison > 0 ? { best: offered, list: kept } : state
      }
    },
    merge,
    finish: ({ list }) => list.values,
    encode({ best, list }, writer) {
      encodeValue(writer, order, best)
      encodeList(writer, value, list)
    },
    decode(reader) {
      const best = reader.value(order)
      return { best, list: decodeList(reader, value) }
    },
    byteLength: ({ list }) => 64 + listBytes(list),
  }
}
