import type { Refusal } from './refusals.ts'

/** Reasons that name the same thing in other words, and what the error must be. */
interface Family extends Refusal {
  readonly reason: RegExp
}

const anyMode = /update|complete|append|output_mode/
const mode = ['OUTPUT_MODE_UNSUPPORTED'] as const
const either = ['OUTPUT_MODE_UNSUPPORTED', 'STREAMING_UNSUPPORTED'] as const

/** What goes wrong while a query runs, or with its options and its checkpoint. */
const running: readonly Family[] = [
  { reason: /inject/, codes: ['USER_FUNCTION_FAILED'], about: /injected failure/ },
  {
    reason: /user_(function|code)|function_(failed|error)|program_failed|task_failure/,
    codes: ['USER_FUNCTION_FAILED'],
  },
  { reason: /emit.*(older|late|behind|watermark)/, codes: ['OUTPUT_OLDER_THAN_WATERMARK'] },
  {
    reason: /files_per_trigger|bytes_per_trigger/,
    codes: ['CONFIG_INVALID'],
    about: /PerTrigger/i,
  },
  { reason: /null|empty_(list|value)/, codes: ['STATE_VALUE_INVALID'], about: /empty|null/i },
  {
    reason: /ttl|time_to_live/,
    codes: ['STATE_VARIABLE_INVALID', 'CONFIG_INVALID'],
    about: /ttl/i,
  },
  {
    reason: /event_time_(mode|timeout|timer).*watermark/,
    codes: ['WATERMARK_INVALID'],
    about: /no watermark/,
  },
  { reason: /timer|timeout/, codes: ['TIMER_INVALID'], about: /timer|timeout/i },
  { reason: /handle|outside_of_handler/, codes: ['STATE_ACCESS_INVALID'] },
  {
    reason:
      /state_schema|schema_(change|not_compatible|incompat)|(key|value)_schema|variable_type|after_restart/,
    codes: ['CHECKPOINT_OTHER_QUERY'],
  },
  { reason: /corrupt|offset_log|commit_log/, codes: ['CHECKPOINT_CORRUPT'] },
  { reason: /data_loss|lost_data|file_(gone|missing|deleted)/, codes: ['SOURCE_LOST_DATA'] },
  { reason: /cast/, codes: ['CAST_INVALID_INPUT'] },
  { reason: /overflow/, codes: ['ARITHMETIC_OVERFLOW'] },
  { reason: /divi(de|sion)/, codes: ['DIVIDE_BY_ZERO'] },
]

/** What is refused of windows, watermarks and columns when a query is made. */
const declaring: readonly Family[] = [
  {
    reason: /dedup.*batch|batch.*dedup/,
    codes: ['STREAMING_UNSUPPORTED'],
    about: /dropDuplicatesWithinWatermark/,
  },
  { reason: /within_watermark/, codes: ['WATERMARK_INVALID'], about: /no watermark/i },
  { reason: /session.*update|update.*session/, codes: mode, about: /sessions?\b.*merge/ },
  {
    reason: /session.*(global|key)|global.*session/,
    codes: ['STREAMING_UNSUPPORTED'],
    about: /without another key/,
  },
  {
    reason: /(multiple|several|two|more_than_one).*event_time/,
    codes: ['STREAMING_UNSUPPORTED'],
    about: /event-time columns/,
  },
  {
    reason: /(multiple|several|two|more_than_one).*window|cartesian/,
    codes: ['EXPRESSION_MISPLACED'],
    about: /two different windows/,
  },
  {
    reason: /window_time/,
    codes: ['DATATYPE_MISMATCH', 'FUNCTION_ARGUMENTS', 'EXPRESSION_MISPLACED'],
    about: /window_time/,
  },
  {
    reason: /(window|session).*(duration|interval|negative|type|slide|offset|start)|slide|gap/,
    codes: ['CONFIG_INVALID', 'DURATION_INVALID', 'DATATYPE_MISMATCH', 'FUNCTION_ARGUMENTS'],
    about: /window|gap/i,
  },
  {
    reason: /(event_time|time)_column.*(not_found|missing|unknown|unresolved|absent|not_in)/,
    codes: ['COLUMN_NOT_FOUND', 'CONFIG_INVALID'],
    about: /no column|eventTimeColumn/,
  },
  {
    reason:
      /(missing|unknown|unresolved|bad)_.*column|column.*(not_found|missing|unknown|unresolved|does_not_exist)/,
    codes: ['COLUMN_NOT_FOUND'],
  },
  {
    reason: /event_time_column.*watermark|watermark.*event_time_column/,
    codes: ['WATERMARK_INVALID'],
    about: /no watermark|without/i,
  },
  {
    reason:
      /redefin|(over(rid|writ)|re_?declar|already|second|twice).*watermark|watermark.*(over(rid|writ)|already|twice|redefin)/,
    codes: ['WATERMARK_INVALID'],
    about: /already|twice|second/i,
  },
  {
    reason: /negative.*(delay|watermark|threshold)|(delay|threshold).*negative/,
    codes: ['WATERMARK_INVALID', 'DURATION_INVALID'],
    about: /negative|less than 0|delay|duration/i,
  },
  {
    reason: /(invalid|unparsable|malformed|bad)_.*(delay|interval|duration|threshold)/,
    codes: ['DURATION_INVALID', 'WATERMARK_INVALID'],
    about: /delay|duration/i,
  },
  {
    reason: /watermark.*(type|timestamp)/,
    codes: ['WATERMARK_INVALID', 'DATATYPE_MISMATCH'],
    about: /timestamp/i,
  },
]

/** What the output mode or the kind of frame rules out. */
const planning: readonly Family[] = [
  { reason: /limit|offset/, codes: either, about: /limit|offset/i },
  { reason: /sort|order/, codes: either, about: /sort/i },
  {
    reason: /non_time_window|row_number|window_function/,
    codes: either,
    about: /row_number|window function/i,
  },
  {
    reason: /group_?s?_?(with_)?state|groupstate|map_?groups|fmgws/,
    codes: either,
    about: /group|without an aggregation|event time/i,
  },
  { reason: /union/, codes: ['STREAMING_UNSUPPORTED', 'UNION_MISMATCH'], about: /union|united/i },
  {
    reason: /join.*(update|complete|append|mode)|(update|complete|append|mode).*join/,
    codes: mode,
    about: /join/i,
  },
  { reason: /join/, codes: ['STREAMING_UNSUPPORTED'], about: /join/i },
  {
    reason: /dedup|duplicate/,
    codes: either,
    about: /dropDuplicates|duplicate|without an aggregation/i,
  },
  {
    reason: /agg.*append|append.*agg|agg.*watermark|watermark.*agg/,
    codes: mode,
    about: /append/i,
  },
  {
    reason: /agg|chain|multiple_stateful|stateful_operators/,
    codes: either,
    about: /aggregat|group|follows|stateful/i,
  },
  { reason: /process|transform|tws/, codes: mode, about: anyMode },
  { reason: /output_mode|function_mode/, codes: mode },
  { reason: /complete/, codes: mode, about: /mode complete/ },
  { reason: /update/, codes: either, about: /update/ },
  { reason: /append/, codes: mode, about: /mode append/ },
  {
    reason:
      /without_streaming|no_streaming|not_streaming|streaming_source|batch_(query|frame|plan)/,
    codes: ['STREAMING_UNSUPPORTED'],
    about: /batch frame/,
  },
  { reason: /action|run_as_batch|needs_start/, codes: ['STREAMING_ACTION'] },
  { reason: /unbounded/, codes: ['STATE_UNBOUNDED'] },
]

/** Families in the order in which they are asked: the first that a reason fits counts. */
export const families: readonly Family[] = [...running, ...declaring, ...planning]
