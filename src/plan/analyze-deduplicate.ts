import { StreamError } from '../core/error.ts'
import { positionOf } from './analyze-select.ts'
import { checkKeys } from './compared-types.ts'
import { eventTimeColumns } from './event-time.ts'
import { type Deduplicate, inputsOf, isStreaming, type LogicalPlan, schemaOf } from './logical.ts'
import type { Analyzed } from './scope.ts'
import type { UnresolvedDeduplicate } from './unresolved-plan.ts'

/**
 * Resolves the columns that are compared.
 * @throws StreamError `COLUMN_NOT_FOUND`; `DATATYPE_MISMATCH` for maps; `STREAMING_UNSUPPORTED` for
 * duplicates within a watermark on rows that end, which have none; `WATERMARK_INVALID` on a stream
 * without a watermark
 */
export function analyzeDeduplicate(input: Analyzed, written: UnresolvedDeduplicate): Analyzed {
  const schema = schemaOf(input.plan)
  const found =
    written.columns.length === 0
      ? [...schema.keys()]
      : written.columns.map((name) => positionOf(input, name))
  const keys = [...new Set(found)].sort((a, b) => a - b)
  checkKeys(schema, keys, 'dropDuplicates')
  const plan: Deduplicate = { kind: 'deduplicate', input: input.plan, keys }
  if (!written.withinWatermark) return { ...input, plan }
  if (!isStreaming(input.plan)) {
    throw new StreamError('STREAMING_UNSUPPORTED', {
      what: 'dropDuplicatesWithinWatermark on rows that end',
      fix: 'Use dropDuplicates: a batch has no watermark.',
    })
  }
  const [time, ...others] = eventTimeColumns(input.plan)
  if (time === undefined || others.length > 0) {
    throw new StreamError('WATERMARK_INVALID', {
      column: schema[time?.index ?? -1]?.name ?? '',
      why:
        time === undefined
          ? 'dropDuplicatesWithinWatermark has no watermark below it, so no row is ever forgotten'
          : 'dropDuplicatesWithinWatermark has several event-time columns below it',
      fix: "Call withWatermark('eventTime', '10 minutes') first, and keep one event-time column.",
    })
  }
  return { ...input, plan: { ...plan, within: { time, delayMicros: delayOf(input.plan) } } }
}

/** The longest delay of the watermarks below. */
function delayOf(plan: LogicalPlan): number {
  const own = plan.kind === 'watermark' ? plan.delayMicros : 0
  return Math.max(own, ...inputsOf(plan).map(delayOf))
}
