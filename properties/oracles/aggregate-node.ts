import { equalValues } from '../../src/batch/compare.ts'
import type { DataType } from '../../src/batch/schema.ts'
import { interpret } from '../../src/expr/interpret.ts'
import type { EpochHeader } from '../../src/flow/message.ts'
import { eventTimeColumns } from '../../src/plan/event-time.ts'
import { type Aggregate, type SaveMode, schemaOf } from '../../src/plan/logical.ts'
import { aggregated } from './aggregates.ts'
import { heldBackBy, watermarkDelay } from './join-time.ts'
import { contextOf, type Evaluate, type Late, type Row } from './oracle-node.ts'
import { isKeyOnly, type SeenRow, see } from './seen-rows.ts'

interface Group {
  readonly keys: Row
  readonly rows: Row[]
  /** Early results: changed since it was last given out. */
  unsent: boolean
}

/** Every row of every open group is kept, and each result computed anew. */
export function aggregateNode(
  plan: Aggregate,
  mode: SaveMode,
  input: Evaluate,
  late: Late,
): Evaluate {
  const types = plan.keys.map(({ expression }) => expression.type)
  const closing = closingTimeOf(plan)
  const groups: Group[] = []
  const delay = watermarkDelay(plan.input)
  /** Early results: the interval of the clock that the last epoch was in. */
  let spoken: number | undefined
  // Without its window a row is the same one in all its windows.
  const isOnce = plan.input.kind === 'window' && isKeyOnly(plan, schemaOf(plan.input).length - 1)
  const schema = isOnce ? schemaOf(plan.input).slice(0, -1) : schemaOf(plan.input)

  return (given, rows) => {
    const header = heldBackBy(delay, given)
    const context = contextOf(header)
    const changed = new Set<Group>()
    const seen: SeenRow[] = []
    for (const row of input(given, rows)) {
      const keys = plan.keys.map(({ expression }) =>
        interpret(expression, (index) => row[index] ?? null, context),
      )
      const end = closing(keys)
      const isLate = mode !== 'complete' && end !== undefined && end <= header.lateWatermark
      see(seen, isOnce ? row.slice(0, -1) : row, { isLate, window: row.at(-1) ?? null })
      if (isLate) {
        late.lost()
        continue
      }
      let group = groups.find((each) => sameKeys(types, each.keys, keys))
      if (group === undefined) {
        group = { keys, rows: [], unsent: false }
        groups.push(group)
      }
      group.rows.push(row)
      group.unsent = true
      changed.add(group)
    }
    for (const { row, isLate, count, windows } of seen) {
      const times = isOnce ? count / windows.size : count
      for (let time = 0; isLate && time < times; time++) late.late(row, { plan, schema })
    }
    const interval = Math.floor(header.processingTime / (plan.early?.everyMicros ?? 0))
    const speaks = plan.early?.everyMicros === 0 || interval !== spoken
    spoken = interval
    return emit({ plan, mode, groups, changed, closing, header, speaks })
  }
}

function emit({
  plan,
  mode,
  groups,
  changed,
  closing,
  header,
  speaks,
}: {
  readonly plan: Aggregate
  readonly mode: SaveMode
  readonly groups: Group[]
  readonly changed: ReadonlySet<Group>
  readonly closing: (keys: Row) => number | undefined
  readonly header: EpochHeader
  /** Early results: open groups may be given out in this epoch. */
  readonly speaks: boolean
}): readonly Row[] {
  const result = (group: Group): Row => [
    ...group.keys,
    ...plan.aggregates.map(({ call }) => aggregated(call, group.rows, contextOf(header))),
    ...(plan.early === undefined ? [] : [closed.includes(group)]),
  ]
  const closed: Group[] = []
  const isGlobal = plan.keys.length === 0
  const nobody: Group = { keys: [], rows: [], unsent: false }
  if (mode === 'complete') {
    if (isGlobal && groups.length === 0) return [result(nobody)]
    return groups.map(result)
  }
  const isClosed = (group: Group): boolean => {
    if (header.flush === true) return true
    const end = closing(group.keys)
    return end !== undefined && end <= header.evictWatermark
  }
  closed.push(...groups.filter(isClosed))
  const due = speaks ? groups.filter((group) => group.unsent && !closed.includes(group)) : []
  const early = plan.early === undefined ? [...changed] : [...closed, ...due]
  const output = (mode === 'append' ? closed : early).map(result)
  if (plan.early !== undefined) for (const group of due) group.unsent = false
  if (isGlobal && mode === 'append' && header.flush === true && groups.length === 0) {
    closed.push(nobody)
    output.push(result(nobody))
  }
  for (const group of closed) groups.splice(groups.indexOf(group), 1)
  return output
}

/** When a group closes: the end of its window, or its time; `undefined` = never. */
function closingTimeOf(plan: Aggregate): (keys: Row) => number | undefined {
  const times = eventTimeColumns(plan.input)
  const found = plan.keys.flatMap(({ expression }, key) => {
    const column = times.find(
      ({ index }) => expression.kind === 'column' && expression.index === index,
    )
    return column === undefined ? [] : [{ key, kind: column.kind }]
  })
  const [first] = found
  if (first === undefined) return () => undefined
  return (keys) => {
    const key = keys[first.key] ?? null
    if (key === null) return undefined
    return first.kind === 'window' ? ((key as Row)[1] as number) : (key as number)
  }
}

function sameKeys(types: readonly DataType[], left: Row, right: Row): boolean {
  return types.every((type, index) => equalValues(type, left[index] ?? null, right[index] ?? null))
}
