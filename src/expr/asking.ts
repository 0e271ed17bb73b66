import { partsOf } from './compile-paths.ts'
import type { Expression } from './expression.ts'
import { findFunction } from './functions.ts'
import { argumentOf } from './typed-call.ts'

/** True when evaluating the expression may ask a schema registry, so that whoever does it has to wait. */
export function mayAsk(expression: Expression): boolean {
  if (expression.kind === 'call') {
    const asks = findFunction(expression.name)?.asks
    if (asks?.(expression.args.map(argumentOf)) === true) return true
  }
  return partsOf(expression).some(mayAsk)
}
