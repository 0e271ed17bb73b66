import { StreamError } from '../core/error.ts'
import {
  hasAggregate,
  inputsOf,
  isRestated,
  isStreaming,
  type LogicalPlan,
  type Process,
  type SaveMode,
} from './logical.ts'

/**
 * What custom state may stand for in an output mode; `above` are the nodes that read its rows, nearest
 * first.
 * @throws StreamError `OUTPUT_MODE_UNSUPPORTED`, `STREAMING_UNSUPPORTED`
 */
export function checkProcess(plan: Process, mode: SaveMode, above: readonly LogicalPlan[]): void {
  const isAggregated = above.some(({ kind }) => kind === 'aggregate' || kind === 'topN')
  if (mode !== 'append' && isRestated(plan.input)) {
    const before = hasAggregate(plan.input) ? 'an aggregation' : 'a ranking'
    throw refused(
      mode,
      `${styleNames[plan.style]} follows ${before}, whose rows are given out again each time they change`,
      `Use outputMode('append'), with withWatermark before ${before}.`,
    )
  }
  if (plan.style === 'processor') return checkProcessor(plan, mode, isAggregated)
  checkEarlierGroups(plan)
  if (plan.timeMode === 'eventTime' && above.some(isStateful)) {
    throw new StreamError('STREAMING_UNSUPPORTED', {
      what: 'Groups with state in event time before another stateful step',
      fix: 'Use transformWithState with an eventTimeColumn, which tells later steps the time of its rows.',
    })
  }
  if (plan.style === 'mapGroups') return checkMapGroups(mode, isAggregated)
  checkFlatMapGroups(plan, mode, isAggregated)
}

function checkProcessor({ outputMode }: Process, mode: SaveMode, isAggregated: boolean): void {
  if (isAggregated && outputMode !== 'update') return
  if (isAggregated) {
    throw refused(
      mode,
      'the processor changes rows that it gave out (outputMode update), and an aggregation would count them again',
      "Give it outputMode 'append', or aggregate in the processor.",
    )
  }
  if (outputMode !== undefined && mode !== 'complete' && outputMode !== mode) {
    throw refused(
      mode,
      `the processor was given outputMode ${outputMode}`,
      `Use outputMode('${outputMode}').`,
    )
  }
}

function checkMapGroups(mode: SaveMode, isAggregated: boolean): void {
  if (mode === 'update' && !isAggregated) return
  throw refused(
    mode,
    isAggregated
      ? 'an aggregation follows mapGroupsWithState, and would count a group again each time it changes'
      : 'mapGroupsWithState gives out a changed row of a group each time',
    isAggregated
      ? "Use flatMapGroupsWithState with outputMode 'append'."
      : "Use outputMode('update'), or flatMapGroupsWithState.",
  )
}

function checkFlatMapGroups({ outputMode }: Process, mode: SaveMode, isAggregated: boolean): void {
  if (outputMode === 'update') {
    if (mode === 'update' && !isAggregated) return
    throw refused(
      mode,
      isAggregated
        ? 'an aggregation follows flatMapGroupsWithState in update mode, and would count rows again'
        : 'flatMapGroupsWithState was given outputMode update',
      isAggregated ? "Give it outputMode 'append'." : "Use outputMode('update').",
    )
  }
  if (mode === 'append' || isAggregated) return
  throw refused(
    mode,
    'flatMapGroupsWithState was given outputMode append',
    "Use outputMode('append').",
  )
}

/** Groups that change what they gave out may not be the input of others: each change would be a row. */
function checkEarlierGroups(plan: Process): void {
  for (const style of groupStyles(plan.input)) {
    if (style === 'flatMapGroups' && style === plan.style && plan.outputMode !== 'update') continue
    throw new StreamError('STREAMING_UNSUPPORTED', {
      what:
        style === plan.style
          ? `${styleNames[style]} twice in one query`
          : 'mapGroupsWithState together with flatMapGroupsWithState',
      fix: "Use flatMapGroupsWithState with outputMode 'append' for all of them, or transformWithState.",
    })
  }
}

function groupStyles(plan: LogicalPlan): readonly Process['style'][] {
  const own = plan.kind === 'process' && plan.style !== 'processor' ? [plan.style] : []
  return [...own, ...inputsOf(plan).flatMap(groupStyles)]
}

const styleNames: Readonly<Record<Process['style'], string>> = {
  processor: 'transformWithState',
  mapGroups: 'mapGroupsWithState',
  flatMapGroups: 'flatMapGroupsWithState',
}

function isStateful(plan: LogicalPlan): boolean {
  if (plan.kind === 'join') return isStreaming(plan.left) && isStreaming(plan.right)
  return ['aggregate', 'topN', 'deduplicate', 'process', 'own'].includes(plan.kind)
}

function refused(mode: string, why: string, fix: string): StreamError {
  return new StreamError('OUTPUT_MODE_UNSUPPORTED', { mode, why, fix })
}
