import type { Mode } from './cell.ts'
import type { Operator } from './operators.ts'

/**
 * Whether Spark 4.3 takes two stateful steps behind each other, from what its checks were found to do;
 * written down apart from ours. The input of the first has a watermark on its time.
 */
export function sparkTakes(below: Operator, above: Operator, mode: Mode): boolean {
  const both = [below, above]
  const has = (test: (operator: Operator) => boolean): boolean => both.some(test)
  const isAggregate = ({ kind }: Operator): boolean => kind === 'aggregate'
  const timeAbove = below.keepsTime

  // What needs a watermark on its input and finds none.
  const needsTime = above.kind === 'process' || above.timesOut === true || above.isOuter === true
  if (!timeAbove && (needsTime || above.name === 'distinct for a time')) return false
  if (!timeAbove && above.name === 'left semi join') return false

  if (mode === 'append' && has(isAggregate)) {
    // Of several the last one decides.
    const last = isAggregate(above) ? above : below
    if (!last.usesTime || (last === above && !timeAbove)) return false
  }
  if (mode === 'update') {
    const last = isAggregate(above) ? above : below
    if (last.isSession === true) return false
  }
  if (mode === 'complete' && !has(isAggregate)) return false

  // Once each session is complete, nothing may change it.
  const programs = both.filter(({ kind }) => kind === 'mapGroups' || kind === 'flatMapGroups')
  if (
    !programs.every((program) => takesProgram(program, programs.length, has(isAggregate), mode))
  ) {
    return false
  }
  if (new Set(programs.map(({ kind }) => kind)).size === 2) return false

  if (has(({ kind }) => kind === 'join')) {
    if (mode === 'complete') return false
    if (mode === 'update' && has(({ isOuter }) => isOuter === true)) return false
  }
  if (mode === 'update' && has(({ kind }) => kind === 'limit')) return false
  if (below.kind === 'sort') return false
  if (above.kind === 'sort' && !(mode === 'complete' && isAggregate(below))) return false

  // Rows that would come too late for the second step.
  const changesRows = isAggregate(below) && mode !== 'append'
  const keepsState = !['limit', 'sort'].includes(above.kind) && above.name !== 'distinct users'
  return !((changesRows || below.timesOut === true) && keepsState)
}

function takesProgram(
  { kind, outputMode }: Operator,
  programs: number,
  aggregated: boolean,
  mode: Mode,
): boolean {
  if (kind === 'mapGroups') return programs === 1 && mode === 'update'
  if (programs > 1 && (mode !== 'append' || outputMode !== 'append')) return false
  return aggregated ? outputMode === 'append' : outputMode === mode
}
