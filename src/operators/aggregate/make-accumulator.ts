import { doubleType } from '../../batch/schema.ts'
import { unreachable } from '../../core/error.ts'
import type { AggregateCall } from '../../expr/aggregates.ts'
import type { Accumulator } from './accumulator.ts'
import { CountAccumulator } from './count.ts'
import { ExactExtremeAccumulator } from './exact-extreme.ts'
import { ListAccumulator, RowsWithMaxAccumulator, ValueExtremeAccumulator } from './generic.ts'
import { isPlainNumber, NumberExtremeAccumulator } from './number-extreme.ts'
import { DoubleSumAccumulator, ExactSumAccumulator } from './sums.ts'

/** The accumulator that carries out one aggregate call. */
export function makeAccumulator(call: AggregateCall): Accumulator {
  const input = call.args[0]?.type ?? doubleType
  switch (call.name) {
    case 'count':
      return new CountAccumulator()
    case 'sum':
      return call.type.kind === 'double'
        ? new DoubleSumAccumulator(false)
        : new ExactSumAccumulator(input, call.type, false)
    case 'avg':
      return call.type.kind === 'double'
        ? new DoubleSumAccumulator(true)
        : new ExactSumAccumulator(input, call.type, true)
    case 'min':
    case 'max':
      if (input.kind === 'long' || input.kind === 'decimal') {
        return new ExactExtremeAccumulator(input, call.name)
      }
      return isPlainNumber(input)
        ? new NumberExtremeAccumulator(input, call.name)
        : new ValueExtremeAccumulator(input, call.name)
    case 'collect_list':
      return new ListAccumulator(input)
    case 'rows_with_max':
      return new RowsWithMaxAccumulator(input, call.args[1]?.type ?? doubleType)
    default:
      return unreachable(call.name)
  }
}
