import { initProcessor } from '../operators/process/processor-handle.ts'
import type { ProcessSpec } from '../operators/process/spec.ts'
import { eventTimeColumns } from '../plan/event-time.ts'
import { type Process, schemaOf } from '../plan/logical.ts'
import { shiftOf } from './join-specs.ts'

/** The operator of a stateful program. Its processor is asked what state it declares. */
export function processSpec(plan: Process, operator: string): ProcessSpec {
  const { program, timeMode, output, outputTime, style } = plan
  const schema = schemaOf(plan.input)
  const keys = plan.keys.flatMap((column) => {
    const field = schema[column]
    return field === undefined ? [] : [{ column, name: field.name, type: field.type }]
  })
  const [time] = eventTimeColumns(plan.input)
  const processor = typeof program.source === 'function' ? program.source() : program.source
  const { edge } = program
  return {
    operator,
    style: style === 'processor' ? 'processor' : 'groupState',
    program,
    declarations: initProcessor(processor, { timeMode, edge }).declarations,
    keys,
    row: schema.slice(0, plan.shown),
    output,
    timeMode,
    ...(time === undefined ? {} : { timeColumn: time.index }),
    ...(outputTime === undefined ? {} : { outputTime }),
    watermarkShift: shiftOf(plan.input),
  }
}
