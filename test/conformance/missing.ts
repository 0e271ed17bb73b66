import { aggregateNames } from './aggregates.ts'
import {
  type Case,
  type CaseExpression,
  type CaseSource,
  expressionsOf,
  nodesOf,
  type PlanNode,
  type Step,
} from './case.ts'
import { calls } from './expression.ts'
import { programNames } from './programs.ts'
import { isLifted, refusalOf } from './refusals.ts'

const operators = new Set([
  'source',
  'static',
  'project',
  'filter',
  'join',
  'explode',
  'union',
  'sort',
  'watermark',
  'aggregate',
  'process',
  'dedup',
  'dedup_within_watermark',
  'limit',
  'row_number',
  'session_aggregate',
])

const sourceKinds = new Set<CaseSource['kind'] | undefined>([undefined, 'text_files'])

const steps = new Set([
  'add',
  'add_files',
  'advance_clock',
  'clear_fault',
  'corrupt_checkpoint',
  'crash_before_commit',
  'expect_all',
  'expect_batch_id',
  'expect_batches',
  'expect_data_batches',
  'expect_error',
  'expect_event_time_stats',
  'expect_join_state',
  'expect_last_batch',
  'expect_new',
  'expect_no_error',
  'expect_operator_output_watermark',
  'expect_operator_watermarks',
  'expect_state',
  'expect_watermark',
  'inject_fault',
  'reset_state_counters',
  'restart',
  'run_available_now',
  'run_once',
  'start',
  'stop',
  'trigger',
])

const missingSteps: Readonly<Record<string, string>> = {}

/** What a case needs that the engine or the runner lacks; empty when it can run. */
export function missingFeatures({ query, steps: caseSteps }: Case): readonly string[] {
  const missing = [
    ...nodesOf(query.plan).flatMap(missingInNode),
    ...query.sources.flatMap(({ kind }) =>
      sourceKinds.has(kind) ? [] : [`sources of the kind ${kind}`],
    ),
    ...caseSteps.flatMap(missingInStep),
  ]
  return [...new Set(missing)]
}

function missingInNode(node: PlanNode): readonly string[] {
  const aggregates = (node.op === 'process' ? [] : (node.aggs ?? [])).flatMap(({ fn }) =>
    aggregateNames.includes(fn) ? [] : [`the aggregate ${fn}`],
  )
  const program =
    node.op === 'process' && !programNames.includes(node.program ?? '')
      ? [`the program ${node.program}`]
      : []
  return [
    ...program,
    ...(operators.has(node.op) ? [] : [`the operator ${node.op}`]),
    ...aggregates,
    ...expressionsOf(node).flatMap(missingInExpression),
  ]
}

function missingInExpression(expression: CaseExpression): readonly string[] {
  if (typeof expression !== 'object' || expression === null) return []
  const [name, ...args] = expression
  if (name === 'lit' || name === 'col') return []
  if (name === 'case') return caseBranches(args).flatMap(missingInExpression)
  const own = typeof name === 'string' && name in calls ? [] : [`the function ${name}`]
  return [...own, ...args.flatMap(missingInExpression)]
}

/** Conditions and values of a CASE, without the lists around them. */
function caseBranches([branches, otherwise = null]: readonly CaseExpression[]): CaseExpression[] {
  const pairs = Array.isArray(branches) ? branches : []
  return [...pairs.flatMap((pair) => (Array.isArray(pair) ? pair : [])), otherwise]
}

function missingInStep(step: Step): readonly string[] {
  if (!steps.has(step.do)) return [missingSteps[step.do] ?? `the step ${step.do}`]
  const { do: kind, reason = '' } = step
  const isKnown = kind !== 'expect_error' || isLifted(reason) || refusalOf(reason) !== undefined
  return isKnown ? [] : [`the refusal ${reason}`]
}
