import { equalValues } from '../../src/batch/compare.ts'
import type { Value } from '../../src/batch/value.ts'
import type { EvaluationContext } from '../../src/expr/expression.ts'
import { interpret } from '../../src/expr/interpret.ts'
import type { EpochHeader } from '../../src/flow/message.ts'
import { eventTimeColumns } from '../../src/plan/event-time.ts'
import { columnsRead } from '../../src/plan/expressions.ts'
import { isStreaming, type Join, schemaOf } from '../../src/plan/logical.ts'
import { endOf, heldBackBy, isDead, partsOf, watermarkDelay } from './join-time.ts'
import type { Evaluate, Row } from './oracle-node.ts'

interface Kept {
  readonly row: Row
  matched: boolean
}

/** A join by nested loops over every row that is still there (rules J1 to J5, J7 and J8). */
export function joinNode(
  plan: Join,
  left: Evaluate,
  right: Evaluate,
  late: (row: Row, side: 'left' | 'right') => void,
): Evaluate {
  if (!isStreaming(plan.left) || !isStreaming(plan.right)) {
    return (header, rows) =>
      joinedRows(plan, left(header, rows), right(header, rows), contextOf(header))
  }
  const delay = Math.max(watermarkDelay(plan.left), watermarkDelay(plan.right))
  const sides = { left: { input: left, kept: [] }, right: { input: right, kept: [] } }
  const state: Record<'left' | 'right', { input: Evaluate; kept: Kept[] }> = sides
  return (given, rows) => {
    const header = heldBackBy(delay, given)
    const accepted = (side: 'left' | 'right'): Row[] => {
      const [time] = eventTimeColumns(plan[side])
      return state[side].input(given, rows).filter((row) => {
        const at = timeIn(row, time)
        const isLate = at !== undefined && at <= header.lateWatermark
        if (isLate) late(row, side)
        return !isLate
      })
    }
    const output: Row[] = []
    const fresh = { left: accepted('left'), right: accepted('right') }
    for (const side of ['left', 'right'] as const) {
      for (const row of fresh[side]) {
        if (canMatch(plan, side, row, contextOf(header))) {
          state[side].kept.push({ row, matched: false })
        } else if (comesAlone(plan, side)) output.push(alone(plan, side, row))
      }
    }
    matchAll(plan, state, fresh, { output, context: contextOf(header) })
    for (const side of ['left', 'right'] as const) {
      const isOver = ({ row }: Kept): boolean =>
        header.flush === true || isDead(plan, side, row, header.evictWatermark)
      for (const entry of state[side].kept.filter(isOver)) {
        if (!entry.matched && comesAlone(plan, side)) output.push(alone(plan, side, entry.row))
      }
      state[side].kept = state[side].kept.filter((entry) => !isOver(entry))
    }
    return output
  }
}

/** Every pair with a new row in it; semi and anti joins let go of the left rows that have a partner. */
function matchAll(
  plan: Join,
  state: Record<'left' | 'right', { kept: Kept[] }>,
  fresh: { readonly left: readonly Row[]; readonly right: readonly Row[] },
  { output, context }: { readonly output: Row[]; readonly context: EvaluationContext },
): void {
  const isNew = new Set<Row>([...fresh.left, ...fresh.right])
  const chooses = plan.type === 'leftSemi' || plan.type === 'leftAnti'
  for (const left of state.left.kept) {
    for (const right of state.right.kept) {
      if (!isNew.has(left.row) && !isNew.has(right.row)) continue
      if (!isPair(plan, left.row, right.row, context)) continue
      if (!chooses) output.push([...left.row, ...right.row])
      else if (plan.type === 'leftSemi' && !left.matched) output.push(left.row)
      left.matched = true
      right.matched = true
    }
  }
  if (chooses) state.left.kept = state.left.kept.filter(({ matched }) => !matched)
}

/** The join of two lists of rows that are complete. */
function joinedRows(
  plan: Join,
  lefts: readonly Row[],
  rights: readonly Row[],
  context: EvaluationContext,
): readonly Row[] {
  const output: Row[] = []
  const met = new Set<Row>()
  for (const left of lefts) {
    const partners = rights.filter((right) => isPair(plan, left, right, context))
    for (const right of partners) met.add(right)
    if (plan.type === 'leftSemi') output.push(...(partners.length > 0 ? [left] : []))
    else if (plan.type !== 'leftAnti') {
      output.push(...partners.map((right) => [...left, ...right]))
    }
    if (partners.length === 0 && comesAlone(plan, 'left')) output.push(alone(plan, 'left', left))
  }
  for (const right of rights) {
    if (!met.has(right) && comesAlone(plan, 'right')) output.push(alone(plan, 'right', right))
  }
  return output
}

function contextOf({ processingTime }: EpochHeader): EvaluationContext {
  return { processingTime }
}

function isPair(plan: Join, left: Row, right: Row, context: EvaluationContext): boolean {
  const equal = plan.keys.every((key) => {
    const a = interpret(key.left, (index) => left[index] ?? null, context)
    const b = interpret(key.right, (index) => right[index] ?? null, context)
    if (a === null || b === null) return key.nullSafe && a === b
    return equalValues(key.left.type, a, b)
  })
  const both = [...left, ...right]
  const { condition } = plan
  return (
    equal &&
    (condition === undefined ||
      interpret(condition, (index) => both[index] ?? null, context) === true)
  )
}

/** False for a row that fails a condition over its own columns alone. */
function canMatch(
  plan: Join,
  side: 'left' | 'right',
  row: Row,
  context: EvaluationContext,
): boolean {
  const width = schemaOf(plan.left).length
  const offset = side === 'left' ? 0 : width
  return partsOf(plan.condition).every((part) => {
    const read = [...columnsRead(part)]
    const own = read.every((index) => (side === 'left' ? index < width : index >= width))
    if (read.length === 0 || !own) return true
    return interpret(part, (index) => row[index - offset] ?? null, context) === true
  })
}

function comesAlone({ type }: Join, side: 'left' | 'right'): boolean {
  if (side === 'right') return type === 'rightOuter' || type === 'fullOuter'
  return type === 'leftOuter' || type === 'fullOuter' || type === 'leftAnti'
}

function alone(plan: Join, side: 'left' | 'right', row: Row): Row {
  if (plan.type === 'leftAnti') return row
  const nulls = schemaOf(side === 'left' ? plan.right : plan.left).map((): Value => null)
  return side === 'left' ? [...row, ...nulls] : [...nulls, ...row]
}

/** The event time of a row; the end of a window. */
function timeIn(
  row: Row,
  column: { readonly index: number; readonly kind: 'time' | 'window' } | undefined,
): number | undefined {
  const value = column === undefined ? null : (row[column.index] ?? null)
  return value === null ? undefined : endOf(value)
}
