import {
  nextShape,
  readShape,
  type StateShape,
  shapeDifference,
  shapeText,
} from '../operators/process/state-shape.ts'
import type { PlanFingerprint } from './compatibility.ts'
import type { OperatorPlace } from './operator-place.ts'

/** What becomes of one thing in a checkpoint when another plan goes on from it. */
export interface Change {
  readonly kind: 'operator' | 'source' | 'sink'
  readonly name: string
  /**
   * `kept`: as it is; `migrated`: kept in another form; `added`: begins with nothing; `lost`: given up, as
   * was allowed; `refused`: the plan cannot go on from the checkpoint.
   */
  readonly verdict: 'kept' | 'migrated' | 'added' | 'lost' | 'refused'
  /** What changes, or why it is refused; empty where nothing changes. */
  readonly what: string
}

/** Operators whose state may be given up where it cannot be kept. */
export type Dispensable = ReadonlySet<string>

/** What is known of a checkpoint beside the plan that wrote it, and what may be done with it. */
export interface ChangeOptions {
  readonly dispensable?: Dispensable
  /** Sources that the checkpoint has positions of, also those that went before its last run. */
  readonly positions?: ReadonlySet<string>
}

/**
 * What becomes of everything in a checkpoint. Filters, projections, sinks and triggers may change freely,
 * and sources with names may come and go; stateful operators may not change.
 */
export function planChanges(
  before: PlanFingerprint,
  now: PlanFingerprint,
  { dispensable = new Set(), positions = new Set() }: ChangeOptions = {},
): readonly Change[] {
  const names = Object.keys(before.operators)
  const added = Object.keys(now.operators).filter((name) => before.operators[name] === undefined)
  const operators = [
    ...names.map((name) => operatorChange(before, now, name)),
    ...added.map((name): Change => {
      return { kind: 'operator', name, verdict: 'refused', what: `operator ${name} is new` }
    }),
  ]
  return [
    ...operators.map((change) => (dispensable.has(change.name) ? allowed(change, added) : change)),
    ...before.sources.map((name) => sourceChange(before, now, name)),
    ...now.sources
      .filter((name) => !before.sources.includes(name))
      .map((name) => addedSource(before, now, name, positions.has(name))),
  ]
}

/** The first reason why a plan cannot go on from a checkpoint; `undefined` if it can. */
export function refusalIn(changes: readonly Change[]): string | undefined {
  return changes.find(({ verdict }) => verdict === 'refused')?.what
}

/** Operators of the checkpoint whose state is given up. */
export function lostIn(changes: readonly Change[]): ReadonlySet<string> {
  return new Set(changes.filter(({ verdict }) => verdict === 'lost').map(({ name }) => name))
}

/** The fingerprint of a plan that goes on: state that is kept keeps the ids it is stored under. */
export function continued(
  before: PlanFingerprint,
  now: PlanFingerprint,
  lost: ReadonlySet<string>,
): PlanFingerprint {
  const operators = Object.entries(now.operators).map(([name, shape]) => {
    const old = lost.has(name) ? undefined : readShape(before.operators[name])
    const next = readShape(shape)
    const isKept = old !== undefined && next !== undefined
    return [name, isKept ? shapeText(nextShape(old, next)) : shape] as const
  })
  return { ...now, operators: Object.fromEntries(operators) }
}

function operatorChange(before: PlanFingerprint, now: PlanFingerprint, name: string): Change {
  const shape = before.operators[name] ?? ''
  const other = now.operators[name]
  const change = (verdict: Change['verdict'], what: string): Change => {
    return { kind: 'operator', name, verdict, what }
  }
  if (other === undefined) {
    const twin = Object.entries(now.operators).find(
      ([each, text]) => before.operators[each] === undefined && text === shape,
    )
    const hint = twin === undefined ? '' : `; ${twin[0]} is like it: call it .name('${name}')`
    return change('refused', `operator ${name} (${shape}) is gone${hint}`)
  }
  const difference = operatorDifference(shape, other)
  if (difference !== undefined) {
    const [what, how] = difference
    return change('refused', `${what} ${name} ${how}`)
  }
  const moved = placeDifference(before.places[name], now.places[name], now.sources)
  if (moved !== undefined) return change('refused', `operator ${name} ${moved}`)
  const [old, next] = [readShape(shape), readShape(other)]
  const what = old === undefined || next === undefined ? '' : variableChanges(old, next)
  return what === '' ? change('kept', '') : change('migrated', what)
}

/** What names the operator, and what comes behind its name. */
function operatorDifference(before: string, now: string): readonly [string, string] | undefined {
  const [old, shape] = [readShape(before), readShape(now)]
  if (old === undefined || shape === undefined) {
    return before === now ? undefined : ['operator', `was (${before}) and is (${now})`]
  }
  const difference = shapeDifference(old, shape)
  return difference === undefined ? undefined : ['of operator', difference]
}

/** Keys of one type and other names mean other things; rows of a source that went are still in the state. */
function placeDifference(
  before: OperatorPlace | undefined,
  now: OperatorPlace | undefined,
  sources: readonly string[],
): string | undefined {
  if (before === undefined || now === undefined) return undefined
  const [old, keys] = [before.keys.join(', '), now.keys.join(', ')]
  if (old !== keys) return `went by [${old}] and goes by [${keys}]`
  // One that is gone altogether is no sign that operators have changed places.
  const missing = before.sources.find(
    (name) => sources.includes(name) && !now.sources.includes(name),
  )
  return missing === undefined ? undefined : `read the source ${missing} and does not any more`
}

/** What a change of variables that is allowed does to them. */
function variableChanges(before: StateShape, now: StateShape): string {
  const gone = before.variables.filter(({ name }) => now.deleted.includes(name))
  const changes = [
    ...gone.map(({ name }) => `the values of ${name} are lost`),
    ...now.variables.flatMap((variable) => {
      const { name, type } = variable
      const old = gone.some((one) => one.name === name)
        ? undefined
        : before.variables.find((one) => one.name === name)
      if (old === undefined) return [`${name} is new`]
      return old.type === type ? [] : [`${name} goes from ${old.type} to ${type}`]
    }),
  ]
  return changes.join(', ')
}

/** What was refused, by leave. */
function allowed(change: Change, added: readonly string[]): Change {
  if (change.verdict !== 'refused') return change
  if (added.includes(change.name)) return { ...change, verdict: 'added', what: 'begins empty' }
  return { ...change, verdict: 'lost', what: `its state is given up: ${change.what}` }
}

function sourceChange(before: PlanFingerprint, now: PlanFingerprint, name: string): Change {
  const change = (verdict: Change['verdict'], what: string): Change => {
    return { kind: 'source', name, verdict, what }
  }
  if (!now.sources.includes(name)) {
    return before.origins?.[name] === undefined
      ? change('kept', 'is not read any more; its position stays')
      : change('refused', `source ${name} is gone (one that was given a name may go)`)
  }
  const what = originDifference(before, now, name) ?? orderDifference(before, now, name)
  return what === undefined ? change('kept', '') : change('refused', what)
}

function addedSource(
  before: PlanFingerprint,
  now: PlanFingerprint,
  name: string,
  isKnown: boolean,
): Change {
  const what = orderDifference(before, now, name)
  if (what !== undefined) return { kind: 'source', name, verdict: 'refused', what }
  return isKnown
    ? { kind: 'source', name, verdict: 'kept', what: 'goes on where it was when it went' }
    : { kind: 'source', name, verdict: 'added', what: 'read from its own beginning' }
}

/** Sources without a name of their own are told apart by their order, which their paths give away. */
function originDifference(
  before: PlanFingerprint,
  now: PlanFingerprint,
  name: string,
): string | undefined {
  const [path, other] = [before.origins?.[name], now.origins?.[name]]
  if (path === undefined || other === undefined || other === path) return undefined
  return `source ${name} was ${path} and is ${other} (sources that were given a name may move and change places)`
}

/** The ends of histories were fixed at the first start, so the order of reading has to stay what it was. */
function orderDifference(
  before: PlanFingerprint,
  now: PlanFingerprint,
  name: string,
): string | undefined {
  const orderOf = ({ readAfter = {} }: PlanFingerprint): string =>
    (readAfter[name] ?? []).join(' and ')
  const named = (order: string): string => (order === '' ? 'no other source' : order)
  const [old, order] = [orderOf(before), orderOf(now)]
  if (old === order) return undefined
  return `source ${name} came after ${named(old)} and now after ${named(order)}`
}
