import { StreamError } from '../core/error.ts'
import { positionOf } from './analyze-select.ts'
import { checkKeys } from './compared-types.ts'
import { eventTimeColumns } from './event-time.ts'
import { inputsOf, isStreaming, type LogicalPlan, type Process, schemaOf } from './logical.ts'
import type { Analyzed } from './scope.ts'
import type { UnresolvedProcess } from './unresolved-plan.ts'

/**
 * Finds the columns of a stateful program.
 * @throws StreamError `COLUMN_NOT_FOUND`; `DATATYPE_MISMATCH` for keys that hold maps;
 * `WATERMARK_INVALID` for event time without one watermark below;
 * `CONFIG_INVALID` for an event-time column of the output that is no time
 */
export function analyzeProcess(input: Analyzed, written: UnresolvedProcess): Analyzed {
  const { keys, eventTimeColumn, ...rest } = written
  const positions = keys.map((name) => positionOf(input, name))
  checkKeys(schemaOf(input.plan), positions, 'groupByKey')
  const plan: Process = { ...rest, input: input.plan, keys: positions }
  if (isStreaming(input.plan)) checkEventTime(written, input.plan)
  if (eventTimeColumn === undefined) return { plan, qualifiers: [] }
  return { plan: { ...plan, outputTime: outputTimeOf(written, eventTimeColumn) }, qualifiers: [] }
}

function checkEventTime(
  { timeMode, eventTimeColumn }: UnresolvedProcess,
  input: LogicalPlan,
): void {
  const times = eventTimeColumns(input)
  const names = times.map(({ index }) => schemaOf(input)[index]?.name ?? '').join(', ')
  const refuse = (why: string): never => {
    throw new StreamError('WATERMARK_INVALID', {
      column: names,
      why,
      fix: "Call withWatermark('eventTime', '10 minutes') first, and keep one event-time column.",
    })
  }
  if (timeMode === 'eventTime' && times.length !== 1) {
    refuse(
      times.length === 0
        ? 'state in event time has no watermark below it, so no timer ever fires'
        : 'state in event time has several event-time columns below it',
    )
  }
  if (eventTimeColumn !== undefined && !hasWatermark(input)) {
    refuse(`the event-time column ${eventTimeColumn} of the output has no watermark below it`)
  }
}

function outputTimeOf({ output, timeMode }: UnresolvedProcess, name: string): number {
  const index = output.findIndex((field) => field.name.toLowerCase() === name.toLowerCase())
  const expected =
    timeMode === 'processingTime'
      ? 'none: a watermark does not pass state in processing time'
      : 'a TIMESTAMP column of the output'
  if (timeMode !== 'processingTime' && output[index]?.type.kind === 'timestamp') return index
  throw new StreamError('CONFIG_INVALID', { option: 'eventTimeColumn', value: name, expected })
}

function hasWatermark(plan: LogicalPlan): boolean {
  return plan.kind === 'watermark' || inputsOf(plan).some(hasWatermark)
}
