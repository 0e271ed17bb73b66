import type { RegistryWorld } from '../codecs/registry/exchange.ts'
import { unreachable } from '../core/error.ts'
import type { Operator } from '../flow/operator.ts'
import { aggregateOperator } from '../operators/aggregate/aggregate.ts'
import { mapAsyncOperator } from '../operators/async/map-async.ts'
import { chain } from '../operators/chain.ts'
import { computeOperator } from '../operators/compute.ts'
import type { StateContext } from '../operators/context.ts'
import { deduplicateOperator } from '../operators/deduplicate.ts'
import { generateOperator } from '../operators/generate.ts'
import { asofJoinOperator } from '../operators/join/asof-join.ts'
import { staticJoinOperator } from '../operators/join/static-join.ts'
import { streamJoinOperator } from '../operators/join/stream-join.ts'
import { withLateRows } from '../operators/late-rows.ts'
import { limitOperator } from '../operators/limit.ts'
import { mapRowsOperator } from '../operators/map-rows.ts'
import { ownOperator } from '../operators/own-state.ts'
import { processOperator } from '../operators/process/process-operator.ts'
import { rejectedOperator } from '../operators/rejected.ts'
import { sessionOperator } from '../operators/session/session-aggregate.ts'
import { sessionAssignOperator } from '../operators/session-assign.ts'
import { settleOperator } from '../operators/settle.ts'
import { sortOperator } from '../operators/sort.ts'
import { streamLimitOperator } from '../operators/stream-limit.ts'
import { changingTopNOperator } from '../operators/top-n/changing-top-n.ts'
import { numberRowsOperator } from '../operators/top-n/number-rows.ts'
import { rowsOperatorOf, type TopNSpec } from '../operators/top-n/spec.ts'
import { topNOperator } from '../operators/top-n/top-n.ts'
import { watermarkOperator } from '../operators/watermark.ts'
import { windowAssignOperator } from '../operators/window-assign.ts'
import type { Stage, Step } from '../physical/physical.ts'
import type { Opened } from './opened.ts'
import type { StaticSides } from './static-sides.ts'

/** Where the operators of a stage find their state; asked once per stateful step. */
export type StateFor = (operator: string) => StateContext

/** What the operators of a stage need around them. */
export interface StageContext {
  readonly stateFor: StateFor
  readonly statics: StaticSides
  /** One task reads everything, so that rows come in the order of their source. */
  readonly isSettled: boolean
  readonly world: RegistryWorld
  /** Closes the operators, each by itself, whether or not the others could be made. */
  readonly opened: Pick<Opened, 'add'>
}

/** The running operator of one stage in one task. State is loaded when the promise resolves. */
export async function instantiateStage(stage: Stage, context: StageContext): Promise<Operator> {
  const operators: Operator[] = []
  for (const step of stage.steps) {
    const operator = await instantiateStep(step, context)
    context.opened.add({ close: async () => operator.close?.() })
    const late = 'late' in step ? step.late : undefined
    operators.push(late === undefined ? operator : withLateRows(operator, late))
  }
  return chain(operators)
}

function instantiateStep(
  step: Step,
  { stateFor, statics, isSettled, world }: StageContext,
): Operator | Promise<Operator> {
  switch (step.kind) {
    case 'compute':
      return computeOperator(step, world)
    case 'rejected':
      return rejectedOperator(step.spec)
    case 'watermark':
      return watermarkOperator(step.spec)
    case 'generate':
      return generateOperator(step.spec)
    case 'window':
      return windowAssignOperator(step.spec)
    case 'session':
      return sessionAssignOperator(step.spec)
    case 'aggregate':
      return aggregateOperator(step.spec, stateFor(step.spec.operator))
    case 'sessions':
      return sessionOperator(step.spec, stateFor(step.spec.operator))
    case 'deduplicate':
      return deduplicateOperator(step.spec, stateFor(step.spec.operator))
    case 'join':
      return streamJoinOperator(step.spec, stateFor(step.spec.operator))
    case 'asofJoin':
      return asofJoinOperator(step.spec, stateFor(step.spec.operator))
    case 'staticJoin':
      return staticJoinOperator(step.spec, statics(step.spec, step.other))
    case 'mapRows':
      return mapRowsOperator(step.spec)
    case 'mapAsync':
      return mapAsyncOperator(step.spec, world)
    case 'own':
      return ownOperator(step.spec, stateFor(step.spec.name))
    case 'process':
      return processOperator(step.spec, stateFor(step.spec.operator))
    case 'sort':
      return sortOperator(step.spec)
    case 'rowNumber':
      return numberRowsOperator(step.spec)
    case 'topN':
      return topN(step.spec, stateFor)
    case 'settle':
      return settleOperator(isSettled)
    case 'limit':
      return step.operator === undefined
        ? limitOperator(step.count)
        : streamLimitOperator(step.operator, step.count, stateFor(step.operator))
    default:
      return unreachable(step)
  }
}

function topN(spec: TopNSpec, stateFor: StateFor): Promise<Operator> {
  const lists = stateFor(spec.operator)
  const rows = rowsOperatorOf(spec)
  return rows === undefined
    ? topNOperator(spec, lists)
    : changingTopNOperator(spec, { lists, rows: stateFor(rows) })
}

/** Names of the stateful operators of a stage; their state lies under these. */
export function statefulOperators(stage: Stage): readonly string[] {
  return stage.steps.flatMap((step) => {
    switch (step.kind) {
      case 'aggregate':
      case 'sessions':
      case 'deduplicate':
      case 'join':
      case 'asofJoin':
      case 'process':
      case 'topN':
        return [step.spec.operator]
      case 'own':
        return [step.spec.name]
      case 'limit':
        return step.operator === undefined ? [] : [step.operator]
      default:
        return []
    }
  })
}

/** The watermark nodes of a stage. */
export function watermarkNodes(stage: Stage): readonly string[] {
  return stage.steps.flatMap((step) => (step.kind === 'watermark' ? [step.spec.node] : []))
}
