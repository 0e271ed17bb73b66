import type { Figure } from './scope.ts'
import type { StateShape } from './state-shape.ts'

const figures: readonly Figure[] = [
  'numRegisteredTimers',
  'numDeletedTimers',
  'numExpiredTimers',
  'numValuesRemovedDueToTTLExpiry',
]

const kinds = [
  ['value', 'Value'],
  ['list', 'List'],
  ['map', 'Map'],
] as const

/**
 * Spark's figures of a stateful program. Those of all tasks are summed up, so what is true of the whole
 * operator is told by one task only (`isFirst`).
 */
export function processMetrics(
  counts: ReadonlyMap<Figure, number>,
  shape: StateShape,
  isFirst: boolean,
): Readonly<Record<string, number>> {
  const metrics: Record<string, number> = {}
  for (const figure of figures) metrics[figure] = counts.get(figure) ?? 0
  if (!isFirst) return metrics
  for (const [kind, label] of kinds) {
    const some = shape.variables.filter((variable) => variable.kind === kind)
    metrics[`num${label}StateVars`] = some.length
    metrics[`num${label}StateWithTTLVars`] = some.filter(
      ({ ttlMicros }) => ttlMicros !== undefined,
    ).length
  }
  metrics['numDeletedStateVars'] = shape.deleted.length
  return metrics
}
