import type { DataType } from '../batch/schema.ts'
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

/**
 * Whether which of equal rows is kept cannot show: all columns are compared, and none holds numbers of
 * which equal ones may look different, as 0.0 and -0.0 do.
 */
export function comparesWholeRows(plan: Deduplicate): boolean {
  return schemaOf(plan).every(({ type }, index) => plan.keys.includes(index) && isExact(type))
}

function isExact(type: DataType): boolean {
  switch (type.kind) {
    case 'float':
    case 'double':
      return false
    case 'array':
      return isExact(type.element)
    case 'map':
      return isExact(type.key) && isExact(type.value)
    case 'struct':
      return type.fields.every((field) => isExact(field.type))
    default:
      return true
  }
}
