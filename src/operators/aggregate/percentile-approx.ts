import { isValid } from '../../batch/batch.ts'
import type { ByteWriter } from '../../batch/byte-writer.ts'
import { valueAt } from '../../batch/read.ts'
import type { DataType } from '../../batch/schema.ts'
import type { Value } from '../../batch/value.ts'
import type { ByteReader } from '../../batch/value-codec.ts'
import type { AggregateCall } from '../../expr/aggregates.ts'
import { numbersOf, validityOf } from './column-numbers.ts'
import type { Folding } from './folding.ts'
import {
  compressed,
  exactSummary,
  mergeSummaries,
  type QuantileSummary,
  quantileOf,
} from './quantile-summary.ts'

/** Numbers not yet sorted, and a summary of the others. */
export interface Quantiles {
  summary: QuantileSummary
  pending: number[]
}

const empty = exactSummary([])
const pendingMin = 1000

/**
 * `percentile_approx`: a value of the group whose rank is wrong by at most rows ÷ accuracy, and not at
 * all while the group has fewer rows than half the accuracy. A group keeps a few times `accuracy`
 * numbers at most. Values are doubles inside, so a LONG beyond 2^53 comes back rounded (as in Spark).
 */
export function percentileApproxFolding(
  input: DataType,
  { percentages = [], accuracy = 10_000, type }: AggregateCall,
): Folding<Quantiles> {
  const pendingMax = Math.max(pendingMin, accuracy)
  const scale = input.kind === 'decimal' ? 10 ** input.scale : 1
  const flushed = ({ summary, pending }: Quantiles): QuantileSummary => {
    const merged = pending.length === 0 ? summary : mergeSummaries(summary, exactSummary(pending))
    return merged.values.length > accuracy ? compressed(merged, accuracy) : merged
  }
  const settled = (state: Quantiles): Quantiles => {
    if (state.pending.length < pendingMax) return state
    return { summary: flushed(state), pending: [] }
  }
  const asValue = (number: number): Value => {
    if (input.kind === 'long') return number >= 2 ** 63 ? 2n ** 63n - 1n : BigInt(number)
    return input.kind === 'decimal' ? BigInt(Math.round(number * scale)) : number
  }
  return {
    zero: () => ({ summary: empty, pending: [] }),
    adder({ args: [column] }) {
      if (column === undefined) return (state) => state
      const numbers = numbersOf(column)
      const validity = validityOf(column)
      return (state, row) => {
        if (!isValid(validity, row)) return state
        const number = numbers?.[row] ?? Number(valueAt(column, input, row))
        state.pending.push(number / scale)
        return settled(state)
      }
    },
    merge(into, from) {
      if (from.summary.count === 0) {
        for (const number of from.pending) into.pending.push(number)
        return settled(into)
      }
      const summary = mergeSummaries(flushed(into), flushed(from))
      return { summary: compressed(summary, accuracy), pending: [] }
    },
    finish(state) {
      const summary = flushed(state)
      if (summary.count === 0) return null
      const values = percentages.map((each) => asValue(quantileOf(summary, each)))
      return type.kind === 'array' ? values : (values[0] ?? null)
    },
    encode({ summary, pending }, writer) {
      writer.f64(summary.count)
      writer.u32(summary.values.length)
      for (const column of [summary.values, summary.low, summary.high]) writeAll(writer, column)
      writer.u32(pending.length)
      writeAll(writer, pending)
    },
    decode(reader) {
      const count = reader.f64()
      const length = reader.u32()
      const [values, low, high] = [0, 1, 2].map(() => Float64Array.from(readAll(reader, length)))
      const summary = values && low && high ? { values, low, high, count } : empty
      return { summary, pending: readAll(reader, reader.u32()) }
    },
    byteLength: ({ summary, pending }) => 128 + summary.values.length * 24 + pending.length * 8,
  }
}

function writeAll(writer: ByteWriter, numbers: Iterable<number>): void {
  for (const number of numbers) writer.f64(number)
}

function readAll(reader: ByteReader, length: number): number[] {
  return Array.from({ length }, () => reader.f64())
}
