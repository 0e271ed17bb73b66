import { StreamError } from '../../core/error.ts'
import type { StatefulProcessor } from '../../flow/stateful-processor.ts'
import { initProcessor } from './processor-handle.ts'
import { type StateScope, scopeOf, type VariableParts } from './scope.ts'
import type { ProcessSpec } from './spec.ts'
import type { StateShape } from './state-shape.ts'

/** A processor that a task runs, and what its variables stand for. */
export interface Instance {
  readonly processor: StatefulProcessor<unknown, unknown, unknown>
  readonly scope: StateScope
  readonly variables: ReadonlyMap<string, VariableParts>
}

/**
 * Makes the processor of a task and lets it declare its state.
 * @throws StreamError `STATE_VARIABLE_INVALID` if it declares something else than when it was planned
 */
export function makeInstance(
  { program, timeMode, declarations: planned }: ProcessSpec,
  shape: StateShape,
): Instance {
  const { source, edge } = program
  const processor = typeof source === 'function' ? source() : source
  const { declarations, variables } = initProcessor(processor, { timeMode, edge, shape })
  if (JSON.stringify(declarations) !== JSON.stringify(planned)) {
    throw new StreamError('STATE_VARIABLE_INVALID', {
      variable: program.name,
      why: 'init does not declare the same each time',
      fix: 'Let init depend on nothing but the code.',
    })
  }
  return { processor, scope: scopeOf(processor), variables }
}
