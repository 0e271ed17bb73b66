import type { DataType } from '../batch/schema.ts'
import { unreachable } from '../core/error.ts'
import {
  type AggregateLayout,
  aggregateLayout,
  aggregateView,
} from '../operators/aggregate/state-view.ts'
import type { StateContext } from '../operators/context.ts'
import {
  type AsofJoinLayout,
  asofJoinLayout,
  asofJoinView,
  type JoinLayout,
  joinLayout,
  joinView,
} from '../operators/join/state-view.ts'
import { readShape } from '../operators/process/state-shape.ts'
import { type ProcessLayout, processLayout, processView } from '../operators/process/state-view.ts'
import { type SessionLayout, sessionLayout, sessionView } from '../operators/session/state-view.ts'
import {
  type DeduplicateLayout,
  deduplicateLayout,
  deduplicateView,
  type LimitLayout,
  limitView,
  type OwnLayout,
  ownLayout,
  ownView,
} from '../operators/state/key-views.ts'
import type { StateChoice, StateView } from '../operators/state/state-view.ts'
import { type TopNLayout, topNLayout, topNView } from '../operators/top-n/state-view.ts'
import type { PhysicalPlan, Step } from './physical.ts'

/** How entries of an operator's state are read without its program. Plain data, kept in every manifest. */
export type StateLayout =
  | AggregateLayout
  | SessionLayout
  | DeduplicateLayout
  | LimitLayout
  | JoinLayout
  | AsofJoinLayout
  | ProcessLayout
  | OwnLayout
  | TopNLayout

/** The layouts of a plan by name of the operator, in the order of its stages. */
export function layoutsOf({ stages }: PhysicalPlan): Readonly<Record<string, StateLayout>> {
  return Object.fromEntries(stages.flatMap(({ steps }) => steps.flatMap(layoutOf)))
}

function layoutOf(step: Step): readonly (readonly [string, StateLayout])[] {
  switch (step.kind) {
    case 'aggregate':
      return [[step.spec.operator, aggregateLayout(step.spec)]]
    case 'sessions':
      return [[step.spec.operator, sessionLayout(step.spec)]]
    case 'deduplicate':
      return [[step.spec.operator, deduplicateLayout(step.spec)]]
    case 'join':
      return [[step.spec.operator, joinLayout(step.spec)]]
    case 'asofJoin':
      return [[step.spec.operator, asofJoinLayout(step.spec)]]
    case 'process':
      return [[step.spec.operator, processLayout(step.spec)]]
    case 'own':
      return [[step.spec.name, ownLayout(step.spec)]]
    case 'limit':
      return step.operator === undefined ? [] : [[step.operator, { kind: 'limit' }]]
    case 'topN':
      return [[step.spec.operator, topNLayout(step.spec)]]
    case 'compute':
    case 'watermark':
    case 'generate':
    case 'window':
    case 'session':
    case 'staticJoin':
    case 'mapRows':
    case 'mapAsync':
    case 'rejected':
    case 'sort':
    case 'settle':
    case 'rowNumber':
      return []
    default:
      return unreachable(step)
  }
}

/** What is needed to show the state of one operator. */
export interface ViewParts {
  readonly layout: StateLayout
  /** What the fingerprint says of the operator. */
  readonly shape: string | undefined
  readonly context: StateContext
  readonly choice: StateChoice
}

/** How the state of an operator is shown. */
export function viewOf({ layout, shape, context, choice }: ViewParts): StateView {
  switch (layout.kind) {
    case 'aggregate':
      return aggregateView(layout, context)
    case 'sessions':
      return sessionView(layout, context)
    case 'deduplicate':
      return deduplicateView(layout, context)
    case 'limit':
      return limitView(context)
    case 'join':
      return joinView(layout, context, choice.side)
    case 'asofJoin':
      return asofJoinView(layout, context, choice.side)
    case 'process': {
      const known = readShape(shape)
      const nothing = { style: '', keys: '', timeMode: '', nextId: 0, variables: [], deleted: [] }
      return processView(layout, known ?? nothing, choice)
    }
    case 'own':
      return ownView(layout, context)
    case 'topN':
      return topNView(layout, context)
    default:
      return unreachable(layout)
  }
}

/** The types of the key columns that decide in which shard an entry lies. */
export function shardKeyTypes(layout: StateLayout): readonly DataType[] {
  return layout.kind === 'limit' ? [] : layout.keys.map(({ type }) => type)
}

/** The name that Spark gives to operators of this kind. */
export function sparkName(layout: StateLayout): string {
  switch (layout.kind) {
    case 'aggregate':
      return 'stateStoreSave'
    case 'sessions':
      return 'sessionWindowStateStoreSaveExec'
    case 'deduplicate':
      return layout.within ? 'dedupeWithinWatermark' : 'dedupe'
    case 'limit':
      return 'globalLimit'
    case 'join':
      return 'symmetricHashJoin'
    case 'asofJoin':
      return 'asofJoin'
    case 'process':
      return 'transformWithStateExec'
    case 'own':
      return 'own'
    case 'topN':
      return 'topN'
    default:
      return unreachable(layout)
  }
}
