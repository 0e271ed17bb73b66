import type { Batch } from '../../src/batch/batch.ts'
import { compareValues } from '../../src/batch/compare.ts'
import { type EdgeRow, fromRow, toRow } from '../../src/batch/edge-row.ts'
import { rowsOf } from '../../src/batch/read.ts'
import type { Value } from '../../src/batch/value.ts'
import { unreachable } from '../../src/core/error.ts'
import type { EvaluationContext, Expression } from '../../src/expr/expression.ts'
import { interpret } from '../../src/expr/interpret.ts'
import type { EpochHeader } from '../../src/flow/message.ts'
import {
  inputsOf,
  isRestated,
  isStreaming,
  type LogicalPlan,
  type SaveMode,
  schemaOf,
} from '../../src/plan/logical.ts'
import { sessionKeyOf } from '../../src/plan/session-columns.ts'
import { aggregateNode } from './aggregate-node.ts'
import { aggregated } from './aggregates.ts'
import { asofNode } from './asof-join.ts'
import { deduplicateNode } from './deduplicate.ts'
import { joinNode } from './join.ts'
import { heldBackBy, watermarkDelay } from './join-time.ts'
import {
  contextOf,
  type EpochRows,
  type Evaluate,
  type Late,
  type LateRow,
  type Row,
} from './oracle-node.ts'
import { exploded, hasGoodTime, windowsOf } from './row-steps.ts'
import { sessionNode, sessionOf } from './session.ts'
import { processNode } from './stateful.ts'
import { topNNode } from './top-n.ts'

/**
 * What a plan must answer, worked out row by row on plain lists, without state stores, panes, columns,
 * actors or checkpoints: the reference that the engine is held to. It keeps every row of every open
 * group and computes each result anew. Rules: semantics W3, W4, E1 to E4.
 */
export interface Oracle {
  /** The rows that the epoch puts out, in no particular order. */
  epoch(header: EpochHeader, rows: EpochRows): readonly Row[]
  /** Rows dropped as late so far, once per row. */
  readonly lateRows: readonly LateRow[]
  /** Whether any row was kept out of any window so far. */
  readonly lost: boolean
}

/**
 * The reference answer of a plan in an output mode, epoch by epoch. With `dropsBad` rows for which a
 * function or an expression raises an error are left out; otherwise it raises that error.
 */
export function createOracle(
  plan: LogicalPlan,
  mode: SaveMode,
  { dropsBad = false }: { readonly dropsBad?: boolean } = {},
): Oracle {
  const lateRows: LateRow[] = []
  let lost = false
  let current: EpochHeader | undefined
  const evaluate = nodeOf(plan, mode, {
    late(row, of) {
      lost = true
      if (current === undefined) throw new Error('a row is late in no epoch')
      const delay = Math.max(...inputsOf(of.plan).map(watermarkDelay))
      const watermark = heldBackBy(delay, current).lateWatermark
      lateRows.push({ row, ...of, epoch: current.epoch, watermark })
    },
    lost() {
      lost = true
    },
    dropsBad,
  })
  return {
    epoch(header, rows) {
      current = header
      return evaluate(header, rows)
    },
    lateRows,
    get lost() {
      return lost
    },
  }
}

function nodeOf(plan: LogicalPlan, mode: SaveMode, late: Late): Evaluate {
  switch (plan.kind) {
    case 'scan': {
      const { columns } = plan
      const own = plan.streaming ? [] : rowsOfHandle(plan.handle)
      return (_header, given) => {
        const rows = own.length > 0 ? own : given(plan.source)
        return columns === undefined
          ? rows
          : rows.map((row) => columns.map((index) => row[index] ?? null))
      }
    }
    case 'union': {
      const inputs = plan.inputs.map((input) => nodeOf(input, mode, late))
      return (header, rows) => inputs.flatMap((input) => input(header, rows))
    }
    case 'aggregate': {
      const input = nodeOf(plan.input, mode, late)
      const session = sessionKeyOf(plan)
      if (session === undefined) return aggregateNode(plan, mode, input, late)
      const below = plan.input.kind === 'session' ? plan.input.input : plan.input
      const schema = schemaOf(below)
      return sessionNode({ plan, session, mode, aggregated }, input, (row) =>
        late.late(row.slice(0, schema.length), { plan, schema }),
      )
    }
    case 'join':
    case 'asofJoin': {
      const left = nodeOf(plan.left, mode, late)
      const right = nodeOf(plan.right, mode, late)
      const aside = (row: Row, side: 'left' | 'right') =>
        late.late(row, { plan, schema: schemaOf(plan[side]), side })
      return plan.kind === 'join'
        ? joinNode(plan, left, right, aside)
        : asofNode(plan, left, right, aside)
    }
    case 'mapAsync':
      throw new RangeError(`only a call of ${plan.function.name} says what it answers`)
    case 'own':
      throw new RangeError(`the rules say nothing of the operator ${plan.operator.name}`)
    case 'process':
      return processNode(plan, nodeOf(plan.input, mode, late), (row) => {
        const schema = schemaOf(plan.input).slice(0, plan.shown)
        late.late(row.slice(0, plan.shown), { plan, schema })
      })
    case 'deduplicate':
      return deduplicateNode(plan, nodeOf(plan.input, mode, late), (row) => {
        late.late(row, { plan, schema: schemaOf(plan) })
      })
    case 'watermark': {
      const input = nodeOf(plan.input, mode, late)
      return (header, rows) =>
        input(header, rows).filter((row) => {
          const isGood = hasGoodTime(plan, row, header)
          if (!isGood) late.lost()
          return isGood
        })
    }
    case 'topN': {
      const below = (node: LogicalPlan): Evaluate => nodeOf(node, mode, late)
      const schema = schemaOf(plan.input)
      const tell = (row: Row): void => late.late(row, { plan, schema })
      return topNNode(plan, mode, { evaluate: below(plan.input), nodeOf: below }, tell)
    }
    case 'limit': {
      const input = nodeOf(plan.input, mode, late)
      if (!isStreaming(plan) || (mode === 'complete' && isRestated(plan))) {
        return (header, rows) => input(header, rows).slice(0, plan.count)
      }
      let left = plan.count
      return (header, rows) => {
        const taken = input(header, rows).slice(0, left)
        left -= taken.length
        return taken
      }
    }
    default: {
      const input = nodeOf(plan.input, mode, late)
      const isByRow = plan.kind === 'filter' || plan.kind === 'project' || plan.kind === 'mapRows'
      return (header, rows) => {
        const given = input(header, rows)
        const context = contextOf(header)
        if (!late.dropsBad || !isByRow) return stateless(plan, given, context)
        return given.flatMap((row) => orNone(() => stateless(plan, [row], context), late))
      }
    }
  }
}

/** Nothing for a row that raises an error. */
function orNone(work: () => readonly Row[], late: Late): readonly Row[] {
  try {
    return work()
  } catch {
    late.lost()
    return []
  }
}

/** Rows that a plan was built with. */
function rowsOfHandle(handle: object | undefined): readonly Row[] {
  return handle !== undefined && isBatch(handle) ? rowsOf(handle) : []
}

function isBatch(handle: object): handle is Batch {
  return 'rowCount' in handle && 'columns' in handle && 'schema' in handle
}

function stateless(
  plan: Exclude<
    LogicalPlan,
    {
      kind:
        | 'scan'
        | 'union'
        | 'aggregate'
        | 'join'
        | 'deduplicate'
        | 'topN'
        | 'limit'
        | 'process'
        | 'own'
        | 'watermark'
        | 'mapAsync'
        | 'asofJoin'
    }
  >,
  rows: readonly Row[],
  context: EvaluationContext,
): readonly Row[] {
  const value = (expression: Expression, row: Row): Value =>
    interpret(expression, (index) => row[index] ?? null, context)
  switch (plan.kind) {
    case 'filter':
      return rows.filter((row) => value(plan.predicate, row) === true)
    case 'project':
      return rows.map((row) => plan.columns.map(({ expression }) => value(expression, row)))
    case 'mapRows': {
      const { function: given, output } = plan
      const schema = schemaOf(plan.input)
      return rows.flatMap((row) =>
        [...given.call(toRow(schema, row, given.edge))].map((made) =>
          fromRow(output, made as EdgeRow),
        ),
      )
    }
    case 'generate':
      return rows.flatMap((row) => exploded(plan, row, value(plan.expression, row)))
    case 'session':
      return rows.flatMap((row) => sessionOf(plan, row, value))
    case 'window':
      return rows.flatMap((row) => windowsOf(plan, value(plan.time, row)).map((w) => [...row, w]))
    case 'sort':
      return [...rows].sort((left, right) => {
        for (const { expression, descending, nullsFirst } of plan.keys) {
          const a = value(expression, left)
          const b = value(expression, right)
          if (a === null || b === null) {
            if (a !== b) return (a === null) === nullsFirst ? -1 : 1
          } else {
            const order = compareValues(expression.type, a, b)
            if (order !== 0) return descending ? -order : order
          }
        }
        return 0
      })
    default:
      return unreachable(plan)
  }
}
