import { type DataType, type Schema, typeText } from '../batch/schema.ts'
import type { Json } from '../core/json.ts'
import { aggregateText, expressionText } from '../expr/print.ts'
import type { AggregateColumns, AggregateSpec } from '../operators/aggregate/spec.ts'
import type { DeduplicateSpec } from '../operators/deduplicate.ts'
import type { AsofJoinSpec } from '../operators/join/asof-join.ts'
import type { JoinSpec } from '../operators/join/spec.ts'
import { shapeOfProcess } from '../operators/process/process-operator.ts'
import { shapeText } from '../operators/process/state-shape.ts'
import type { SessionSpec } from '../operators/session/spec.ts'
import { rowsOperatorOf, type TopNSpec } from '../operators/top-n/spec.ts'
import type { Scan } from '../plan/logical.ts'
import type { ReadAfter } from '../plan/read-after.ts'
import { type OperatorPlace, placeOf } from './operator-place.ts'
import type { PhysicalPlan, Step } from './physical.ts'
import { layoutsOf, type StateLayout } from './state-layout.ts'

/** What of a plan its checkpoint depends on. Plain data, kept in every manifest. */
export interface PlanFingerprint {
  /** By name of the stateful operator: everything its state is made of. */
  readonly operators: Readonly<Record<string, string>>
  /** By the same names. */
  readonly places: Readonly<Record<string, OperatorPlace>>
  /** By name of the stateful operator: how its state is read without the program. */
  readonly layouts: Readonly<Record<string, StateLayout>>
  readonly sources: readonly string[]
  /** The paths of sources without a name of their own, which are told apart by their order only; `''` without one. */
  readonly origins?: Readonly<Record<string, string>>
  /** Which sources are read after which; absent when none waits for another. */
  readonly readAfter?: ReadAfter
  /** Settings that are fixed at the first start. */
  readonly shards: number
  readonly watermarkPolicy: 'min' | 'max'
  /** How many tasks shared the state; may change at any start. Absent from old ones. */
  readonly lanes?: number
}

/** The fingerprint of a plan. */
export function fingerprintOf(
  plan: PhysicalPlan,
  fixed: Pick<PlanFingerprint, 'shards' | 'watermarkPolicy' | 'lanes'>,
): PlanFingerprint {
  const operators: Record<string, string> = {}
  const places: Record<string, OperatorPlace> = {}
  for (const stage of plan.stages) {
    for (const step of stage.steps) {
      for (const [operator, shape] of Object.entries(shapesOf(step))) {
        operators[operator] = shape
        places[operator] = placeOf(plan, stage, step)
      }
    }
  }
  const scans = plan.stages.flatMap(({ source }) => source ?? [])
  const sources = scans.map(({ source }) => source)
  const origins = Object.fromEntries(scans.flatMap(originOf))
  const { readAfter = {} } = plan
  const order = Object.keys(readAfter).length === 0 ? {} : { readAfter }
  const layouts = layoutsOf(plan)
  const named = [...new Set(sources)].sort()
  return { operators, places, layouts, sources: named, origins, ...order, ...fixed }
}

/** What the states of a step are made of, by the names they are kept under. */
function shapesOf(step: Step): Readonly<Record<string, string>> {
  switch (step.kind) {
    case 'aggregate':
      return { [step.spec.operator]: aggregateShape(step.spec) }
    case 'own': {
      const { name, operator, keys } = step.spec
      return { [name]: `version ${operator.version}: [${typesText(keys)}]` }
    }
    case 'process':
      return { [step.spec.operator]: shapeText(shapeOfProcess(step.spec)) }
    case 'sessions':
      return { [step.spec.operator]: sessionShape(step.spec) }
    case 'deduplicate':
      return { [step.spec.operator]: deduplicateShape(step.spec) }
    case 'limit': {
      const { operator, count } = step
      return operator === undefined ? {} : { [operator]: `first ${count} rows` }
    }
    case 'topN':
      return topNShapes(step.spec)
    case 'join':
      return { [step.spec.operator]: joinShape(step.spec) }
    case 'asofJoin':
      return { [step.spec.operator]: asofShape(step.spec) }
    default:
      return {}
  }
}

function aggregateShape(spec: AggregateSpec): string {
  const { mode, early, keys, aggregates, bucketing } = spec
  const times = JSON.stringify(
    bucketing.kind === 'window' ? bucketing.windows : { kind: bucketing.kind },
  )
  // How often is free to change; whether what was not given out is marked is not.
  const marks = early === undefined ? '' : ' with early results'
  return `${mode}${marks}: [${typesText(keys)}] ${times}${closedText(spec)} → ${callsText(aggregates)}`
}

/** Without the gap: what is in state are sessions, and another gap only makes later rows longer or shorter ones. */
function sessionShape(spec: SessionSpec): string {
  const { mode, keys, aggregates } = spec
  return `${mode}: [${typesText(keys)}] sessions${closedText(spec)} → ${callsText(aggregates)}`
}

/** Groups that a watermark has closed are in the state for some time and count as gone. */
function closedText({ watermarked }: { readonly watermarked: boolean }): string {
  return watermarked ? ' until the watermark' : ''
}

function callsText(aggregates: readonly AggregateColumns[]): string {
  return aggregates
    .map(({ call }) => {
      const args = call.args.map((arg) => `${expressionText(arg)}: ${typeText(arg.type)}`)
      const filter =
        call.filter === undefined ? '' : ` FILTER (WHERE ${expressionText(call.filter)})`
      return `${aggregateText(call, args)}${filter}`
    })
    .join(', ')
}

/** Rows are kept as they come in, so the columns of both sides are part of what must stay. */
function joinShape({ type, keyTypes, nullSafe, pairs, written, left, right }: JoinSpec): string {
  const side = (name: 'left' | 'right', { due }: JoinSpec['left']): string => {
    const until = due === undefined ? '' : ` until #${due.column} + ${due.offsetMicros} µs`
    return `[${columnsText(pairs[name])}]${until}`
  }
  // An inner join keeps rows whatever the condition: it is like a filter behind it.
  const where = type === 'inner' || written === undefined ? '' : ` where ${written}`
  return `${type} on [${keysText(keyTypes, nullSafe)}]: ${side('left', left)} with ${side('right', right)}${where}`
}

function asofShape({ type, keyTypes, nullSafe, pairs, ...rest }: AsofJoinSpec): string {
  const side = (name: 'left' | 'right'): string =>
    `[${columnsText(pairs[name])}] at #${rest[name].time}`
  const { toleranceMicros } = rest
  const within = toleranceMicros === undefined ? '' : ` within ${toleranceMicros} µs`
  return `${type} as of on [${keysText(keyTypes, nullSafe)}]: ${side('left')} with ${side('right')}${within}`
}

function keysText(types: readonly DataType[], nullSafe: readonly boolean[]): string {
  return types
    .map((type, at) => `${nullSafe[at] === true ? '<=> ' : ''}${typeText(type)}`)
    .join(', ')
}

function columnsText(schema: Schema): string {
  return schema.map(({ name, type }) => `${name}: ${typeText(type)}`).join(', ')
}

/** Only the best rows are kept: another order or a higher number would miss those that were let go. */
function topNShapes(spec: TopNSpec): Readonly<Record<string, string>> {
  const { operator, mode, limit, keys, order, output, timeColumn, identity = [] } = spec
  const by = order.map(
    ({ type, descending, nullsFirst }) =>
      `${typeText(type)}${descending ? ' desc' : ''} nulls ${nullsFirst ? 'first' : 'last'}`,
  )
  const closing = keys.findIndex(({ column }) => column === timeColumn)
  const until = timeColumn === undefined ? '' : ` until key ${closing}`
  // Rows are kept column by column, in this order.
  const row = output
    .slice(0, -1)
    .map(({ name, type }) => `${name}: ${typeText(type)}`)
    .join(', ')
  const lists = `${mode}: first ${limit} of [${typesText(keys)}] by [${by.join(', ')}]${until}: [${row}]`
  const rows = rowsOperatorOf(spec)
  if (rows === undefined) return { [operator]: lists }
  return {
    [operator]: `${lists}, which change`,
    [rows]: `[${typesText([...keys, ...identity])}]${until}: [${row}]`,
  }
}

function deduplicateShape({ keys, timeColumn, withinMicros }: DeduplicateSpec): string {
  const until =
    withinMicros !== undefined
      ? ` within ${withinMicros} µs`
      : timeColumn !== undefined
        ? ` until key ${keys.findIndex(({ column }) => column === timeColumn)}`
        : ''
  return `first of [${typesText(keys)}]${until}`
}

function typesText(keys: readonly { readonly type: DataType }[]): string {
  return keys.map(({ type }) => typeText(type)).join(', ')
}

/** What fingerprints did not always have. */
type Later = 'places' | 'layouts'

/** Reads a fingerprint from a manifest; `undefined` if it is none. */
export function readFingerprint(json: Json): PlanFingerprint | undefined {
  if (typeof json !== 'object' || json === null || !('operators' in json)) return undefined
  // Written by `fingerprintOf`; the checksum of the log entry vouches for it. Old ones lack what came later.
  const found = json as unknown as Omit<PlanFingerprint, Later> & Partial<PlanFingerprint>
  const { places = {}, layouts = {} } = found
  return { ...found, places, layouts }
}

function originOf({ source, format, options }: Scan): readonly (readonly [string, string])[] {
  const { path } = options
  // The form of the names that sources are given where the user gave none.
  const isNumbered =
    source.startsWith(`${format}-`) && /^\d+$/.test(source.slice(format.length + 1))
  return isNumbered ? [[source, path ?? '']] : []
}
