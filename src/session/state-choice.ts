import { StreamError } from '../core/error.ts'
import type { StateOptions } from '../dataframe/streaming-query.ts'
import type { StateChoice } from '../operators/state/state-view.ts'
import type { OperatorStateAt } from '../runtime/state-reading.ts'

/**
 * What is wanted of the state of an operator.
 * @throws StreamError `CONFIG_INVALID` for an option that is for another kind of operator
 */
export function checkedChoice(
  { operator, layout }: OperatorStateAt,
  { joinSide, stateVarName, flattenCollectionTypes, readRegisteredTimers }: StateOptions,
): StateChoice {
  const misplaced = (option: string, value: string, kind: string): StreamError<'CONFIG_INVALID'> =>
    new StreamError('CONFIG_INVALID', {
      option,
      value,
      expected: `nothing (${operator} is no ${kind})`,
    })
  const hasSides = layout.kind === 'join' || layout.kind === 'asofJoin'
  if (joinSide !== undefined && !hasSides) {
    throw misplaced('joinSide', joinSide, 'join')
  }
  if (layout.kind !== 'process') {
    const kind = 'operator with custom state'
    if (stateVarName !== undefined) throw misplaced('stateVarName', stateVarName, kind)
    if (readRegisteredTimers === true) throw misplaced('readRegisteredTimers', 'true', kind)
  }
  return {
    flatten: flattenCollectionTypes ?? true,
    timers: readRegisteredTimers ?? false,
    ...(joinSide === undefined ? {} : { side: joinSide }),
    ...(stateVarName === undefined ? {} : { variable: stateVarName }),
  }
}
