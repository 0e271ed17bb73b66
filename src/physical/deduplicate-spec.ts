import type { DeduplicateSpec } from '../operators/deduplicate.ts'
import { eventTimeColumns } from '../plan/event-time.ts'
import { type Deduplicate, schemaOf } from '../plan/logical.ts'
import { shiftOf } from './join-specs.ts'

/** The removal of duplicates of a plan. */
export function deduplicateSpec(plan: Deduplicate, operator: string): DeduplicateSpec {
  const schema = schemaOf(plan)
  const keys = plan.keys.flatMap((column) => {
    const field = schema[column]
    return field === undefined ? [] : [{ column, name: field.name, type: field.type }]
  })
  const time =
    plan.within?.time ?? eventTimeColumns(plan.input).find(({ index }) => plan.keys.includes(index))
  return {
    operator,
    keys,
    ...(time === undefined ? {} : { timeColumn: time.index }),
    ...(plan.within === undefined ? {} : { withinMicros: plan.within.delayMicros }),
    watermarkShift: shiftOf(plan.input),
  }
}
