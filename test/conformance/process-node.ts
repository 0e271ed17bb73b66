import type { DataFrame } from '../../src/dataframe/data-frame.ts'
import type { StatefulProcessor } from '../../src/streaming.ts'
import type { CaseColumn, CaseRow, PlanNode } from './case.ts'
import { columnFrom } from './expression.ts'
import type { Fault } from './fault.ts'
import type { ProgramParts, Row } from './program.ts'
import { processorProgram } from './programs.ts'
import { asGroupCall } from './programs-single.ts'

/** What a `process` node needs of the case. */
export interface ProcessParts {
  readonly fault: Fault
  /** Whether an aggregation comes after the node. */
  readonly isAggregated: boolean
  readonly outputMode: string
  constant(columns: readonly CaseColumn[], rows: readonly CaseRow[]): DataFrame
}

const timeModes = { none: 'none', processing: 'processingTime', event: 'eventTime' } as const

/** A `process` node as calls of the public API. */
export function processFrom(node: PlanNode, from: DataFrame, parts: ProcessParts): DataFrame {
  const name = node.program ?? ''
  const input = withKeys(node, from)
  const made: ProgramParts = {
    params: node.params ?? {},
    timeMode: timeModes[node.time_mode ?? 'none'],
    timeColumn: input.dtypes.find(([, type]) => type === 'timestamp')?.[0] ?? '',
  }
  const keys = (node.keys ?? []).map((key) => (typeof key === 'string' ? key : key.as))
  const program = processorProgram(name, made)
  const keyTypes = keys.map((key) => input.dtypes.find(([column]) => column === key)?.[1])
  const output = (node.columns ?? [])
    .map((column, index) => {
      const type = program.output[index]
      const written = type === 'key' ? keyTypes[0] : type
      return `\`${typeof column === 'string' ? column : column.as}\` ${written}`
    })
    .join(', ')
  const [first = '', second, ...others] = keys
  const dataset = input.as()
  const keyed =
    second === undefined ? dataset.groupByKey(first) : dataset.groupByKey(first, second, ...others)
  if (node.style === 'group_state') {
    const call = asGroupCall(name, made)
    const mayChange = parts.outputMode === 'update' && !parts.isAggregated
    const guarded: typeof call = (key, rows, state) => {
      parts.fault.strike('function')
      return call(key, rows, state)
    }
    const options = { output, state: 'BIGINT', timeout: made.timeMode } as const
    // A program that answers each call with a row is what mapGroupsWithState is for.
    const isMap = mayChange && made.params['emit_on_reset'] !== undefined
    const frame = isMap
      ? keyed.mapGroupsWithState(
          (key, rows, state) => rowFrom(node, guarded(key, rows, state)[0]),
          options,
        )
      : keyed.flatMapGroupsWithState(
          (key, rows, state) => guarded(key, rows, state).map((row) => rowFrom(node, row)),
          { ...options, outputMode: mayChange ? 'update' : 'append' },
        )
    return frame.toDF()
  }
  const initial = node.initial_state === undefined ? undefined : initialFrom(node, parts)
  return keyed
    .transformWithState(() => guardedProcessor(node, program.processor(), parts.fault), {
      output,
      timeMode: made.timeMode,
      ...(node.output_event_time === undefined ? {} : { eventTimeColumn: node.output_event_time }),
      ...(initial === undefined ? {} : { initialState: initial }),
    })
    .toDF()
}

/** Keys that are written as expressions become columns. */
function withKeys({ keys = [] }: PlanNode, from: DataFrame): DataFrame {
  return keys.reduce(
    (frame, key) =>
      typeof key === 'string' ? frame : frame.withColumn(key.as, columnFrom(key.expr)),
    from,
  )
}

/** The program with rows by column name, and with the fault of the case. */
function guardedProcessor(
  node: PlanNode,
  processor: StatefulProcessor<unknown, Row, unknown, Row>,
  fault: Fault,
): StatefulProcessor<unknown, Row, Row, Row> {
  return {
    init: (handle) => processor.init(handle),
    handleInputRows(key, rows, timers) {
      fault.strike('function')
      return rowsFrom(node, processor.handleInputRows(key, rows, timers))
    },
    handleExpiredTimer(key, timers, info) {
      fault.strike('function')
      return rowsFrom(node, processor.handleExpiredTimer?.(key, timers, info))
    },
    handleInitialState(key, row, timers) {
      fault.strike('function')
      processor.handleInitialState?.(key, row, timers)
    },
  }
}

function rowsFrom(node: PlanNode, emitted: unknown): readonly Row[] {
  const rows = Array.isArray(emitted) ? emitted : []
  return rows.map((row) => rowFrom(node, Array.isArray(row) ? row : []))
}

/** A row by column name, of cells in order. */
function rowFrom(node: PlanNode, cells: readonly unknown[] = []): Row {
  const names = (node.columns ?? []).map((column) =>
    typeof column === 'string' ? column : column.as,
  )
  return Object.fromEntries(names.map((name, index) => [name, cells[index]]))
}

function initialFrom(node: PlanNode, parts: ProcessParts) {
  const rows = node.initial_state ?? []
  const isText = rows.some((row) => typeof row[1] === 'string')
  const columns: readonly CaseColumn[] = [
    ['key', 'string'],
    ['v', isText ? 'string' : 'double'],
    ['l', 'array<double>'],
    ['m', 'array<struct<k: double, c: double>>'],
  ]
  const width = Math.max(...rows.map((row) => row.length), 1)
  return parts.constant(columns.slice(0, width), rows).as().groupByKey('key')
}
