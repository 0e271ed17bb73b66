import { valueAt } from '../../batch/read.ts'
import type { DataType } from '../../batch/schema.ts'
import type { AggregateCall } from '../../expr/aggregates.ts'
import {
  type Arrived,
  arrivedAt,
  compareArrivals,
  decodeArrived,
  encodeArrived,
} from './arrived.ts'
import type { Folding } from './folding.ts'

/** `first` and `last`: the value of the row that came first or last, NULL or not unless nulls are ignored. */
export function firstLastFolding(
  type: DataType,
  { name, ignoreNulls }: AggregateCall,
): Folding<Arrived | undefined> {
  const isFirst = name === 'first'
  return {
    zero: () => undefined,
    adder({ args: [column], arrival }) {
      if (column === undefined) return (known) => known
      return (known, row) => {
        if (isFirst && known !== undefined) return known
        const value = valueAt(column, type, row)
        return ignoreNulls === true && value === null ? known : arrivedAt(value, row, arrival)
      }
    },
    merge(into, from) {
      if (into === undefined || from === undefined) return into ?? from
      const order = compareArrivals(from, into)
      const isBetter = isFirst ? order < 0 : order >= 0
      return isBetter ? from : into
    },
    finish: (known) => known?.value ?? null,
    encode(known, writer) {
      writer.byte(known === undefined ? 0 : 1)
      if (known !== undefined) encodeArrived(writer, type, known)
    },
    decode: (reader) => (reader.byte() === 0 ? undefined : decodeArrived(reader, type)),
    byteLength: (known) => (known === undefined ? 0 : 88),
  }
}
