import { StreamError } from '../core/error.ts'
import { inputsOf, type LogicalPlan, type Process, type SaveMode } from './logical.ts'

/**
 * What custom state may stand for in an output mode; `above` are the nodes that read its rows, nearest
 * first.
 * @throws StreamError `OUTPUT_MODE_UNSUPPORTED`, `STREAMING_UNSUPPORTED`
 */
export function checkProcess(plan: Process, mode: SaveMode, above: readonly LogicalPlan[]): void {
  const isAggregated = above.some(({ kind }) => kind === 'aggregate')
  if (plan.style === 'processor') return checkProcessor(plan, mode, isAggregated)
  if (plan.style === 'mapGroups' && hasMapGroups(plan.input)) {
    throw new StreamError('STREAMING_UNSUPPORTED', {
      what: 'mapGroupsWithState twice in one query',
      fix: 'Use flatMapGroupsWithState, or transformWithState.',
    })
  }
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

function hasMapGroups(plan: LogicalPlan): boolean {
  if (plan.kind === 'process' && plan.style === 'mapGroups') return true
  return inputsOf(plan).some(hasMapGroups)
}

function isStateful({ kind }: LogicalPlan): boolean {
  return kind === 'aggregate' || kind === 'deduplicate' || kind === 'process'
}

function refused(mode: string, why: string, fix: string): StreamError {
  return new StreamError('OUTPUT_MODE_UNSUPPORTED', { mode, why, fix })
}
