import { StreamError } from '../core/error.ts'
import type { PhysicalPlan, Stage, Step } from './physical.ts'

/** Where a stateful operator stands in its plan: what its keys are made of, and which sources it reads. */
export interface OperatorPlace {
  /** As text, in order. Two plans whose keys have one type and different names mean different things. */
  readonly keys: readonly string[]
  readonly sources: readonly string[]
}

/** The place of a stateful step of a stage. */
export function placeOf(plan: PhysicalPlan, stage: Stage, step: Step): OperatorPlace {
  return { keys: keysOf(plan, stage, step), sources: sourcesBelow(plan, stage.id) }
}

/** The sources that rows of a stage come from, each once. */
export function sourcesBelow(plan: PhysicalPlan, id: number): readonly string[] {
  const stage = plan.stages[id]
  if (stage === undefined) return []
  if (stage.source !== undefined) return [stage.source.source]
  const below = stage.inputs.flatMap(({ from }) => sourcesBelow(plan, from))
  return [...new Set(below)].sort()
}

function keysOf(plan: PhysicalPlan, stage: Stage, step: Step): readonly string[] {
  const named = ({ column }: { readonly column: number }) => nameOf(plan, stage, 0, column)
  switch (step.kind) {
    case 'aggregate': {
      const { keys, bucketing } = step.spec
      const time = bucketing.kind === 'window' ? [named({ column: bucketing.timeColumn })] : []
      return [...keys.map(named), ...time.map((text) => `window over ${text}`)]
    }
    case 'sessions':
    case 'process':
    case 'own':
      return step.spec.keys.map(named)
    case 'topN': {
      const { keys, order } = step.spec
      return [...keys.map(named), ...order.map((key) => `by ${named(key)}`)]
    }
    case 'deduplicate': {
      const { keys, timeColumn } = step.spec
      const time = timeColumn === undefined ? [] : [`until ${named({ column: timeColumn })}`]
      return [...keys.map(named), ...time]
    }
    case 'join':
    case 'asofJoin': {
      const { left, right } = step.spec
      return left.keys.map((column, at) => {
        const other = right.keys[at] ?? 0
        return `${nameOf(plan, stage, 0, column)} = ${nameOf(plan, stage, 1, other)}`
      })
    }
    default:
      return []
  }
}

/** What a column of an input is called: computed ones are called as they are written. */
function nameOf(plan: PhysicalPlan, stage: Stage, input: number, column: number): string {
  const from = plan.stages[stage.inputs[input]?.from ?? -1]
  const name = from?.output[column]?.name
  if (name !== undefined) return name
  throw new StreamError('INTERNAL', { what: `no column ${column} for stage ${stage.id}` })
}
