import { valueAt } from '../../batch/read.ts'
import type { DataType } from '../../batch/schema.ts'
import {
  type ArrivedList,
  append,
  decodeList,
  emptyList,
  encodeList,
  listBytes,
  mergeLists,
} from './arrived.ts'
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
