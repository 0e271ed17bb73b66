import { StreamError } from '../core/error.ts'
import { eventTimeColumns } from './event-time.ts'
import { inputsOf, isStreaming, type LogicalPlan, schemaOf } from './logical.ts'

/**
 * Refuses a streaming query that would remember something for ever (rule D3). Aggregations without a
 * watermark may grow without bound too, but there the answer needs all of it.
 * @throws StreamError `STATE_UNBOUNDED`
 */
export function checkStateBounds(plan: LogicalPlan): void {
  if (!isStreaming(plan)) return
  if (plan.kind === 'deduplicate' && plan.within === undefined) {
    const times = eventTimeColumns(plan.input)
    if (!times.some(({ index }) => plan.keys.includes(index))) {
      const schema = schemaOf(plan)
      const keys = plan.keys.map((index) => schema[index]?.name).join(', ')
      const [time] = times
      throw new StreamError('STATE_UNBOUNDED', {
        operator: `dropDuplicates(${keys})`,
        why:
          time === undefined
            ? 'there is no watermark below it'
            : `the event time ${schema[time.index]?.name} is not among its columns`,
        fix:
          time === undefined
            ? "Call withWatermark('eventTime', '10 minutes') first and use dropDuplicatesWithinWatermark"
            : 'Add the event time to its columns, or use dropDuplicatesWithinWatermark',
      })
    }
  }
  for (const input of inputsOf(plan)) checkStateBounds(input)
}
