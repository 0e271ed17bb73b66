import {
  booleanType,
  type DataType,
  type Field,
  intType,
  longType,
  type Schema,
  stringType,
  timestampType,
} from '../../src/batch/schema.ts'
import type { Value } from '../../src/batch/value.ts'
import type { Expression } from '../../src/expr/expression.ts'
import { type LogicalPlan, type Scan, schemaOf } from '../../src/plan/logical.ts'

/** `name TYPE` pairs as a schema of nullable columns. */
export function schema(columns: Readonly<Record<string, DataType>>): Schema {
  return Object.entries(columns).map(([name, type]): Field => ({ name, type, nullable: true }))
}

export const clicks = schema({ user: stringType, at: timestampType, price: intType })

export function arrayType(element: DataType): DataType {
  return { kind: 'array', element, containsNull: true }
}

/** A scan under its own name. */
export function scan(name: string, columns: Schema = clicks, streaming = true): Scan {
  return { kind: 'scan', source: name, format: 'json', options: {}, schema: columns, streaming }
}

/** The rows that a source may not leave out, by what the scan wants of it. */
export function wantedRows(
  from: Scan | undefined,
  rows: readonly (readonly Value[])[],
): readonly (readonly Value[])[] {
  const { schema: columns = [], wanted = [] } = from ?? {}
  return rows.filter((row) =>
    wanted.every(({ column: name, values }) =>
      values.includes(row[columns.findIndex((field) => field.name === name)] ?? null),
    ),
  )
}

/** A column of a plan by name, as an expression. */
export function column(plan: LogicalPlan, name: string): Expression {
  const columns = schemaOf(plan)
  const index = columns.findIndex((field) => field.name === name)
  const field = columns[index]
  if (field === undefined) throw new Error(`no column ${name}`)
  return { kind: 'column', index, name, type: field.type, nullable: field.nullable }
}

export function constant(value: Value, type: DataType = intType): Expression {
  return { kind: 'literal', value, type }
}

/** A call whose type is the caller's word. */
export function call(name: string, args: readonly Expression[], type: DataType): Expression {
  return { kind: 'call', name, args, type, nullable: true }
}

export function greater(left: Expression, right: Expression): Expression {
  return call('>', [left, right], booleanType)
}

export function filter(input: LogicalPlan, predicate: Expression): LogicalPlan {
  return { kind: 'filter', input, predicate }
}

export function watermark(input: LogicalPlan, name: string): LogicalPlan {
  const index = schemaOf(input).findIndex((field) => field.name === name)
  return {
    kind: 'watermark',
    input,
    column: index,
    delayMicros: 10_000_000,
    node: `${name}@x`,
    rules: { late: 'output', nullTime: 'drop' },
  }
}

/** Sessions with a gap of a minute over a column. */
export function sessions(input: LogicalPlan, name: string): LogicalPlan {
  const gap = constant(60_000_000n, longType)
  return { kind: 'session', input, time: column(input, name), gap, name: 'session' }
}

/** Ten-minute windows over a column. */
export function windowed(input: LogicalPlan, name: string): LogicalPlan {
  const sizeMicros = 600_000_000
  const time = column(input, name)
  return {
    kind: 'window',
    input,
    time,
    sizeMicros,
    slideMicros: sizeMicros,
    startMicros: 0,
    name: 'window',
  }
}

/** `count(1)` by the named columns. */
export function counted(input: LogicalPlan, ...keys: readonly string[]): LogicalPlan {
  return {
    kind: 'aggregate',
    input,
    keys: keys.map((name) => ({ name, expression: column(input, name) })),
    aggregates: [
      {
        name: 'count',
        call: { name: 'count', args: [constant(1)], type: longType, nullable: false },
      },
    ],
  }
}

export function project(input: LogicalPlan, ...names: readonly string[]): LogicalPlan {
  const columns = names.map((name) => ({ name, expression: column(input, name) }))
  return { kind: 'project', input, columns }
}

export function sorted(input: LogicalPlan, name: string): LogicalPlan {
  const expression = column(input, name)
  return { kind: 'sort', input, keys: [{ expression, descending: false, nullsFirst: true }] }
}

export function limited(input: LogicalPlan): LogicalPlan {
  return { kind: 'limit', input, count: 5 }
}

export function union(...inputs: readonly LogicalPlan[]): LogicalPlan {
  return { kind: 'union', inputs }
}
