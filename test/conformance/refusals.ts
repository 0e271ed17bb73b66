import type { ErrorCode } from '../../src/core/error.ts'
import { families } from './refusal-families.ts'

/** What an error must be to say what a neutral reason of the cases means; wording is free. */
export interface Refusal {
  readonly codes: readonly ErrorCode[]
  /** A word that tells the reason apart from others with the same code. */
  readonly about?: RegExp
}

const refusals: Readonly<Record<string, Refusal>> = {
  negative_watermark_delay: {
    codes: ['WATERMARK_INVALID', 'DURATION_INVALID'],
    about: /negative|delay|duration/i,
  },
  watermark_column_not_timestamp: {
    codes: ['WATERMARK_INVALID', 'DATATYPE_MISMATCH'],
    about: /timestamp/i,
  },
  redefining_watermark_disallowed: { codes: ['WATERMARK_INVALID'], about: /already|twice|second/i },
  dedup_within_watermark_needs_watermark: { codes: ['WATERMARK_INVALID'], about: /no watermark/i },
  dedup_within_watermark_unsupported_in_batch: {
    codes: ['STREAMING_UNSUPPORTED'],
    about: /dropDuplicatesWithinWatermark/,
  },
  limit_unsupported_in_update_mode: { codes: ['STREAMING_UNSUPPORTED'], about: /limit.*update/i },
  non_time_window_unsupported: {
    codes: ['STREAMING_UNSUPPORTED'],
    about: /window function row_number\(\) over all rows/,
  },
  global_session_window_unsupported: {
    codes: ['STREAMING_UNSUPPORTED'],
    about: /without another key/,
  },
  injected_failure: { codes: ['USER_FUNCTION_FAILED'], about: /injected failure/ },
  emitted_row_older_than_watermark: { codes: ['OUTPUT_OLDER_THAN_WATERMARK'] },
  user_function_failed: { codes: ['USER_FUNCTION_FAILED'] },
  max_files_per_trigger_not_positive_integer: {
    codes: ['CONFIG_INVALID'],
    about: /maxFilesPerTrigger/i,
  },
}

/** What an error must be for a reason: as listed, or as the first family it belongs to has it. */
export function refusalOf(reason: string): Refusal | undefined {
  return refusals[reason] ?? families.find((family) => family.reason.test(reason))
}

/** Refusals of Spark that are lifted here: such a query runs instead. */
export function isLifted(reason: string): boolean {
  return /distinct_aggregat|count_distinct|left_anti/.test(reason)
}
