import type { DataType, Schema } from '../batch/schema.ts'
import { StreamError, unreachable } from '../core/error.ts'
import type { Expression } from '../expr/expression.ts'
import type { AggregateSpec, Bucketing } from '../operators/aggregate/spec.ts'
import {
  type Aggregate,
  eventTimeColumns,
  type Generate,
  type LogicalPlan,
  type SaveMode,
  type Scan,
  schemaOf,
  type WindowAssign,
} from '../plan/logical.ts'
import type { Exchange, PhysicalPlan, StageInput, Step } from './physical.ts'

export interface BuildOptions {
  readonly mode: SaveMode
  /** Deliver late rows of the first aggregation with all their columns. */
  readonly lateRows: boolean
}

/** Cuts a logical plan into stages, wherever rows must change their task. */
export function buildPhysical(plan: LogicalPlan, options: BuildOptions): PhysicalPlan {
  const builder = new Builder(options)
  const result = builder.build(plan)
  return builder.finish(result, schemaOf(plan))
}

/** A stage that steps are still added to. */
interface OpenStage {
  readonly id: number
  readonly source?: Scan
  readonly inputs: readonly StageInput[]
  readonly steps: Step[]
  output: Schema
  readonly single: boolean
}

class Builder {
  readonly #stages: OpenStage[] = []
  readonly #options: BuildOptions
  #aggregates = 0
  #late: number | undefined

  constructor(options: BuildOptions) {
    this.#options = options
  }

  finish(result: OpenStage, output: Schema): PhysicalPlan {
    const stages = this.#stages.map((stage) => ({ ...stage, steps: [...stage.steps] }))
    return {
      stages,
      result: result.id,
      output,
      ...(this.#late === undefined ? {} : { late: this.#late }),
    }
  }

  build(plan: LogicalPlan): OpenStage {
    switch (plan.kind) {
      case 'scan':
        return this.#open({ source: plan, inputs: [], output: schemaOf(plan), single: false })
      case 'filter': {
        const stage = this.build(plan.input)
        const schema = schemaOf(plan.input)
        return addCompute(stage, schema, plan.predicate, allColumns(schema), schema)
      }
      case 'project': {
        const stage = this.build(plan.input)
        const columns = plan.columns.map(({ expression }) => expression)
        return addCompute(stage, schemaOf(plan.input), undefined, columns, schemaOf(plan))
      }
      case 'watermark': {
        const { node, column, delayMicros } = plan
        const spec = { node, column, delayMicros }
        return addStep(this.build(plan.input), { kind: 'watermark', spec }, schemaOf(plan))
      }
      case 'generate':
        return addGenerate(this.build(plan.input), plan)
      case 'window':
        return addWindow(this.build(plan.input), plan)
      case 'aggregate':
        return this.#aggregate(plan)
      case 'union': {
        const inputs = plan.inputs.map((input) => this.build(input))
        return this.#open({
          inputs: inputs.map((stage) => ({ from: stage.id, exchange: { kind: 'forward' } })),
          output: schemaOf(plan),
          single: inputs.every((stage) => stage.single),
        })
      }
      case 'sort': {
        const stage = this.#gathered(this.build(plan.input))
        const schema = schemaOf(plan)
        const keys = plan.keys.map((key, index) => ({
          column: schema.length + index,
          type: key.expression.type,
          descending: key.descending,
          nullsFirst: key.nullsFirst,
        }))
        const columns = [...allColumns(schema), ...plan.keys.map((key) => key.expression)]
        addCompute(stage, schema, undefined, columns, [...schema, ...fieldsOf(plan.keys)])
        const spec = { keys, kept: schema.length, output: schema }
        return addStep(stage, { kind: 'sort', spec }, schema)
      }
      case 'limit': {
        const stage = this.#gathered(this.build(plan.input))
        return addStep(stage, { kind: 'limit', count: plan.count }, schemaOf(plan))
      }
      default:
        return unreachable(plan)
    }
  }

  #open(stage: Omit<OpenStage, 'id' | 'steps'>): OpenStage {
    const open = { ...stage, id: this.#stages.length, steps: [] }
    this.#stages.push(open)
    return open
  }

  /** All rows in one task. */
  #gathered(stage: OpenStage): OpenStage {
    if (stage.single) return stage
    return this.#open({
      inputs: [{ from: stage.id, exchange: { kind: 'single' } }],
      output: stage.output,
      single: true,
    })
  }

  #aggregate(plan: Aggregate): OpenStage {
    const window = fusedWindow(plan)
    const below = window === undefined ? plan.input : window.node.input
    const inputSchema = schemaOf(below)
    const columns = new ColumnList()
    const keys = plan.keys
      .filter((_, index) => index !== window?.key)
      .map(({ expression }) => ({ column: columns.add(expression), type: expression.type }))
    const aggregates = plan.aggregates.map(({ call }) => ({
      call,
      args: call.args.map((arg) => columns.add(arg)),
      filter: call.filter === undefined ? undefined : columns.add(call.filter),
    }))
    const { bucketing, watermarked } = bucketingOf(plan, window, columns)
    const spec: AggregateSpec = {
      operator: `aggregate-${this.#aggregates++}`,
      mode: this.#options.mode,
      keys,
      aggregates,
      bucketing,
      watermarked,
      output: schemaOf(plan),
      global: plan.keys.length === 0,
    }
    const before = this.build(below)
    const wantsLate = this.#options.lateRows && watermarked && this.#late === undefined
    const lateFrom = columns.expressions.length
    const extra = wantsLate ? allColumns(inputSchema) : []
    const all = [...columns.expressions, ...extra]
    addCompute(before, inputSchema, undefined, all, all.map(fieldOfExpression))
    const exchange: Exchange = keys.length === 0 ? { kind: 'single' } : { kind: 'hash', keys }
    const stage = this.#open({
      inputs: [{ from: before.id, exchange }],
      output: schemaOf(plan),
      single: keys.length === 0,
    })
    addStep(stage, { kind: 'aggregate', spec }, schemaOf(plan))
    if (wantsLate) this.#late = this.#lateStage(stage.id, all, lateFrom, inputSchema)
    return stage
  }

  /** Brings late rows back to the columns they had before the aggregation. */
  #lateStage(
    from: number,
    columns: readonly Expression[],
    lateFrom: number,
    schema: Schema,
  ): number {
    const stage = this.#open({
      inputs: [{ from, exchange: { kind: 'single' }, side: 'late' }],
      output: schema,
      single: true,
    })
    const picked = columns.slice(lateFrom).map((expression, index) => ({
      kind: 'column' as const,
      index: lateFrom + index,
      name: schema[index]?.name ?? '',
      type: expression.type,
      nullable: true,
    }))
    addCompute(stage, columns.map(fieldOfExpression), undefined, picked, schema)
    return stage.id
  }
}

/** Expressions to be computed before an exchange, each once. */
class ColumnList {
  readonly expressions: Expression[] = []
  readonly #seen = new Map<string, number>()

  add(expression: Expression): number {
    const key = JSON.stringify(expression, plainJson)
    const known = this.#seen.get(key)
    // Functions of users are not compared: two of them may differ in what they close over.
    if (known !== undefined && !key.includes('"kind":"udf"')) return known
    this.expressions.push(expression)
    this.#seen.set(key, this.expressions.length - 1)
    return this.expressions.length - 1
  }
}

function plainJson(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value
}

function fusedWindow(
  plan: Aggregate,
): { readonly node: WindowAssign; readonly key: number } | undefined {
  const node = plan.input
  if (node.kind !== 'window') return undefined
  const index = schemaOf(node.input).length
  const isWindow = (expression: Expression): boolean =>
    expression.kind === 'column' && expression.index === index
  const keys = plan.keys.flatMap(({ expression }, at) => (isWindow(expression) ? [at] : []))
  const [key] = keys
  if (key === undefined || keys.length > 1) return undefined
  const others = [
    ...plan.keys.filter((_, at) => at !== key).map(({ expression }) => expression),
    ...plan.aggregates.flatMap(({ call }) => [...call.args, ...(call.filter ? [call.filter] : [])]),
  ]
  return others.some((expression) => mentions(expression, index)) ? undefined : { node, key }
}

function mentions(expression: Expression, index: number): boolean {
  switch (expression.kind) {
    case 'column':
      return expression.index === index
    case 'literal':
    case 'now':
      return false
    case 'call':
    case 'udf':
      return expression.args.some((arg) => mentions(arg, index))
    case 'cast':
    case 'field':
      return mentions(expression.input, index)
    case 'case':
      return [
        ...expression.branches.flatMap(({ when, then }) => [when, then]),
        ...(expression.otherwise === undefined ? [] : [expression.otherwise]),
      ].some((part) => mentions(part, index))
    default:
      return unreachable(expression)
  }
}

function bucketingOf(
  plan: Aggregate,
  window: ReturnType<typeof fusedWindow>,
  columns: ColumnList,
): { readonly bucketing: Bucketing; readonly watermarked: boolean } {
  const eventTimes = eventTimeColumns(plan.input)
  if (window !== undefined) {
    const { sizeMicros, slideMicros, startMicros, time } = window.node
    const index = schemaOf(window.node.input).length
    return {
      bucketing: {
        kind: 'window',
        timeColumn: columns.add(time),
        windows: { sizeMicros, slideMicros, startMicros },
        position: window.key,
      },
      watermarked: eventTimes.some((column) => column.index === index),
    }
  }
  const found = plan.keys.flatMap(({ expression }, key) => {
    if (expression.kind !== 'column') return []
    const column = eventTimes.find(({ index }) => index === expression.index)
    return column === undefined ? [] : [{ key, kind: column.kind }]
  })
  const [first] = found
  if (first === undefined) return { bucketing: { kind: 'none' }, watermarked: false }
  if (found.length > 1) {
    throw new StreamError('STREAMING_UNSUPPORTED', {
      what: 'Grouping by two event-time columns',
      fix: 'Group by one of them; the watermark of the other can be dropped by casting the column.',
    })
  }
  const kind = first.kind === 'window' ? 'windowKey' : 'timeKey'
  return { bucketing: { kind, key: first.key }, watermarked: true }
}

/** Adds a computation, merged with a filter that stands right before it. */
function addCompute(
  stage: OpenStage,
  input: Schema,
  filter: Expression | undefined,
  columns: readonly Expression[],
  output: Schema,
): OpenStage {
  const last = stage.steps.at(-1)
  const isFilterOnly =
    last?.kind === 'compute' && last.filter !== undefined && passesAll(last.columns, last.input)
  if (filter === undefined && isFilterOnly) {
    stage.steps.pop()
    return addStep(stage, { ...last, columns, output }, output)
  }
  if (filter === undefined && passesAll(columns, input)) {
    // Nothing is computed: the columns go on as they are, under the names they have now.
    const names = input.map(({ name }) => name).join('\n')
    if (names === output.map(({ name }) => name).join('\n')) return stage
  }
  return addStep(stage, { kind: 'compute', input, filter, columns, output }, output)
}

function passesAll(columns: readonly Expression[], input: Schema): boolean {
  return (
    columns.length === input.length &&
    columns.every((column, index) => column.kind === 'column' && column.index === index)
  )
}

function addStep(stage: OpenStage, step: Step, output: Schema): OpenStage {
  stage.steps.push(step)
  stage.output = output
  return stage
}

function addGenerate(stage: OpenStage, plan: Generate): OpenStage {
  const schema = schemaOf(plan.input)
  const { column, stage: ready } = withColumn(stage, schema, plan.expression)
  const { outer, withPosition } = plan
  const spec = { column, kept: schema.length, outer, withPosition, output: schemaOf(plan) }
  return addStep(ready, { kind: 'generate', spec }, schemaOf(plan))
}

function addWindow(stage: OpenStage, plan: WindowAssign): OpenStage {
  const schema = schemaOf(plan.input)
  const { column, stage: ready } = withColumn(stage, schema, plan.time)
  const { sizeMicros, slideMicros, startMicros } = plan
  const spec = {
    timeColumn: column,
    kept: schema.length,
    windows: { sizeMicros, slideMicros, startMicros },
    output: schemaOf(plan),
  }
  return addStep(ready, { kind: 'window', spec }, schemaOf(plan))
}

/** The column that holds an expression, computed behind the others if it is not one of them. */
function withColumn(
  stage: OpenStage,
  schema: Schema,
  expression: Expression,
): { readonly column: number; readonly stage: OpenStage } {
  if (expression.kind === 'column') return { column: expression.index, stage }
  const columns = [...allColumns(schema), expression]
  const output = [...schema, fieldOfExpression(expression, schema.length)]
  return {
    column: schema.length,
    stage: addCompute(stage, schema, undefined, columns, output),
  }
}

function allColumns(schema: Schema): Expression[] {
  return schema.map(({ name, type, nullable }, index) => ({
    kind: 'column',
    index,
    name,
    type,
    nullable,
  }))
}

function fieldOfExpression(
  expression: Expression,
  index: number,
): { readonly name: string; readonly type: DataType; readonly nullable: boolean } {
  const name = expression.kind === 'column' ? expression.name : `_${index}`
  return { name, type: expression.type, nullable: true }
}

function fieldsOf(keys: readonly { readonly expression: Expression }[]): Schema {
  return keys.map(({ expression }, index) => fieldOfExpression(expression, index))
}
