import { StreamError } from '../core/error.ts'
import { expressionText } from '../expr/print.ts'
import { eventTimeColumns } from './event-time.ts'
import {
  hasAggregate,
  hasRanking,
  inputsOf,
  isRestated,
  type LogicalPlan,
  type SaveMode,
  schemaOf,
  type TopN,
} from './logical.ts'
import { isOfKeys, rankedGroups } from './ranked-groups.ts'

/**
 * What may be ranked on a stream in an output mode.
 * @throws StreamError `STREAMING_UNSUPPORTED`, `OUTPUT_MODE_UNSUPPORTED`
 */
export function checkTopN(plan: TopN, mode: SaveMode): void {
  if (plan.limit === undefined && !(mode === 'complete' && isRestated(plan.input))) {
    throw unsupported(
      'The window function row_number() over all rows',
      `Filter the number right after it, for example .filter('${plan.name} <= 10'): then only the best rows of each partition are kept.`,
    )
  }
  const schema = schemaOf(plan.input)
  const times = eventTimeColumns(plan).map(({ index }) => schema[index]?.name ?? '')
  if (times.length > 1) {
    throw unsupported(
      `Ranking within several event-time columns (${times.join(', ')})`,
      'Keep one of them in partitionBy: a partition is finished by one time only.',
    )
  }
  if (mode === 'append' && times.length === 0) throw neverFinished(plan)
  if (mode === 'update') checkChanges(plan)
}

/** An aggregation over a ranking counts a row again each time that its number changes. */
export function aggregatedRanks(mode: SaveMode): StreamError<'OUTPUT_MODE_UNSUPPORTED'> {
  return refused(
    mode,
    'an aggregation follows row_number(), and would count a row again each time its number changes',
    "Use outputMode('append'), with withWatermark below and the window among the columns of partitionBy.",
  )
}

function neverFinished(plan: TopN): StreamError<'OUTPUT_MODE_UNSUPPORTED'> {
  const schema = schemaOf(plan.input)
  const [time] = eventTimeColumns(plan.input).map(({ index }) => schema[index]?.name ?? '')
  const partition = plan.partition.map(expressionText).join(', ')
  return time === undefined
    ? refused(
        'append',
        'row_number() has no watermark below it, so no partition is ever finished',
        "Call withWatermark('eventTime', '10 minutes') and put window('eventTime', …) into partitionBy, or use outputMode('update').",
      )
    : refused(
        'append',
        `the watermark is on ${time}, which is not among the columns of partitionBy [${partition}], so no partition is ever finished`,
        `Put window(${time}, …) or ${time} into partitionBy, or use outputMode('update').`,
      )
}

/** Rows that come again with other values must be known again, and stay in their partition. */
function checkChanges(plan: TopN): void {
  const changing = changingProcess(plan.input)
  if (changing) {
    throw refused(
      'update',
      'row_number() follows custom state that changes rows it gave out, and nothing says which row a change belongs to',
      "Give the custom state outputMode 'append', or rank in it.",
    )
  }
  if (hasRanking(plan.input)) {
    throw refused(
      'update',
      'row_number() follows row_number(), whose rows are given out again each time their number changes',
      "Use outputMode('complete'), or outputMode('append') with a window in partitionBy.",
    )
  }
  if (!hasAggregate(plan.input)) return
  const groups = rankedGroups(plan.input)
  if (groups === undefined) {
    throw refused(
      'update',
      'between the aggregation and row_number() stands a step that does more than choose and compute columns, so that a changed group is not known again',
      "Rank right after the aggregation, or use outputMode('complete').",
    )
  }
  if (groups.aggregate.early !== undefined) {
    throw refused(
      'update',
      'row_number() follows early results, which give out open groups only now and then, so that the numbers would be those of no moment',
      'Leave out emit: in update mode the groups are ranked in every epoch.',
    )
  }
  const moving = plan.partition.find((expression) => !isOfKeys(expression, groups))
  if (moving !== undefined) {
    throw refused(
      'update',
      `the column ${expressionText(moving)} of partitionBy is not a key of the aggregation, so that a group could move from one ranking to another`,
      `Partition by keys of groupBy only, or use outputMode('complete').`,
    )
  }
  groups.steps.forEach((step, at) => {
    if (step.kind !== 'filter' || isOfKeys(step.predicate, groups, at)) return
    throw refused(
      'update',
      `a group that no longer passes the filter ${expressionText(step.predicate)} would have to be taken out of the ranking`,
      "Filter by keys of groupBy only, filter after row_number(), or use outputMode('complete').",
    )
  })
}

function changingProcess(plan: LogicalPlan): boolean {
  if (plan.kind !== 'process') return inputsOf(plan).some(changingProcess)
  return plan.style === 'mapGroups' || plan.outputMode === 'update'
}

function refused(mode: SaveMode, why: string, fix: string): StreamError<'OUTPUT_MODE_UNSUPPORTED'> {
  return new StreamError('OUTPUT_MODE_UNSUPPORTED', { mode, why, fix })
}

function unsupported(what: string, fix: string): StreamError<'STREAMING_UNSUPPORTED'> {
  return new StreamError('STREAMING_UNSUPPORTED', { what, fix })
}
