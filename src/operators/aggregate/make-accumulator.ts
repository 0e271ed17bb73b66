import { doubleType } from '../../batch/schema.ts'
import { StreamError, unreachable } from '../../core/error.ts'
import type { AggregateCall } from '../../expr/aggregates.ts'
import type { Accumulator } from './accumulator.ts'
import { ComomentsAccumulator } from './comoments.ts'
import { CountAccumulator } from './count.ts'
import { distinctFolding } from './distinct.ts'
import { ExactExtremeAccumulator } from './exact-extreme.ts'
import { extremeByFolding } from './extreme-by.ts'
import { firstLastFolding } from './first-last.ts'
import { type Folding, FoldingAccumulator } from './folding.ts'
import { hyperLogLogFolding } from './hyper-log-log.ts'
import { listFolding } from './lists.ts'
import { modeFolding } from './mode.ts'
import { MomentsAccumulator } from './moments.ts'
import { isPlainNumber, NumberExtremeAccumulator } from './number-extreme.ts'
import { bitsFolding, productFolding } from './numbers-folding.ts'
import { percentileFolding } from './percentile.ts'
import { percentileApproxFolding } from './percentile-approx.ts'
import { rowsWithMaxFolding } from './rows-with-max.ts'
import { DoubleSumAccumulator, ExactSumAccumulator } from './sums.ts'
import { userFolding } from './user-aggregate.ts'
import { ValueExtremeAccumulator } from './value-extreme.ts'

/** The accumulator that carries out one aggregate call. */
export function makeAccumulator(call: AggregateCall): Accumulator {
  const folded = <State>(folding: Folding<State>): Accumulator =>
    new FoldingAccumulator(folding, call.type)
  if (call.distinct === true) return folded(distinctFolding(call, makeAccumulator))
  const input = call.args[0]?.type ?? doubleType
  const second = call.args[1]?.type ?? doubleType
  switch (call.name) {
    case 'count':
      return new CountAccumulator()
    case 'sum':
    case 'avg':
      return call.type.kind === 'double'
        ? new DoubleSumAccumulator(call.name === 'avg')
        : new ExactSumAccumulator(input, call.type, call.name === 'avg', call.safe)
    case 'min':
    case 'max':
      if (input.kind === 'long' || input.kind === 'decimal') {
        return new ExactExtremeAccumulator(input, call.name)
      }
      return isPlainNumber(input)
        ? new NumberExtremeAccumulator(input, call.name)
        : new ValueExtremeAccumulator(input, call.name)
    case 'var_pop':
    case 'var_samp':
    case 'stddev_pop':
    case 'stddev_samp':
    case 'skewness':
    case 'kurtosis':
      return new MomentsAccumulator(call.name)
    case 'corr':
    case 'covar_pop':
    case 'covar_samp':
      return new ComomentsAccumulator(call.name)
    case 'first':
    case 'last':
      return folded(firstLastFolding(input, call))
    case 'min_by':
    case 'max_by':
      return folded(extremeByFolding(input, second, call.name))
    case 'collect_list':
      return folded(listFolding(input))
    case 'rows_with_max':
      return folded(rowsWithMaxFolding(input, second))
    case 'bit_and':
    case 'bit_or':
    case 'bit_xor':
      return folded(bitsFolding(input, call.name))
    case 'product':
      return folded(productFolding())
    case 'mode':
      return folded(modeFolding(input))
    case 'percentile':
      return folded(percentileFolding(call))
    case 'percentile_approx':
      return folded(percentileApproxFolding(input, call))
    case 'approx_count_distinct':
      return folded(hyperLogLogFolding(input, call.accuracy ?? 9))
    case 'user':
      return folded(userFolding(call, aggregatorOf(call)))
    default:
      return unreachable(call.name)
  }
}

function aggregatorOf({ aggregator }: AggregateCall) {
  if (aggregator !== undefined) return aggregator
  throw new StreamError('INTERNAL', { what: 'a user aggregate without its functions' })
}
