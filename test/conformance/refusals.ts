import type { ErrorCode } from '../../src/core/error.ts'

/** The codes that say what each neutral reason of the cases means; wording is free. */
export const refusals: Readonly<Record<string, readonly ErrorCode[]>> = {
  negative_watermark_delay: ['WATERMARK_INVALID', 'DURATION_INVALID'],
  watermark_column_not_timestamp: ['WATERMARK_INVALID', 'DATATYPE_MISMATCH'],
  redefining_watermark_disallowed: ['WATERMARK_INVALID'],
  injected_failure: ['USER_FUNCTION_FAILED'],
  user_function_failed: ['USER_FUNCTION_FAILED'],
  max_files_per_trigger_not_positive_integer: ['CONFIG_INVALID'],
}
