import type { DataType, Schema } from '../batch/schema.ts'
import { isOrdered } from '../expr/aggregates.ts'
import type { Expression } from '../expr/expression.ts'
import { expressionText } from '../expr/print.ts'
import type { SessionAssignSpec } from '../operators/session-assign.ts'
import {
  type Aggregate,
  type Generate,
  type MapAsync,
  type MapRows,
  type Project,
  type Scan,
  type SessionAssign,
  type Sort,
  schemaOf,
  type WindowAssign,
} from '../plan/logical.ts'
import type { StageInput, Step } from './physical.ts'

/** A stage that steps are still added to. */
export interface OpenStage {
  readonly id: number
  readonly source?: Scan
  readonly inputs: readonly StageInput[]
  readonly steps: Step[]
  output: Schema
  readonly single: boolean
}

/** Adds a computation, merged with a filter that stands right before it. */
export function addCompute(
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

export function addStep(stage: OpenStage, step: Step, output: Schema): OpenStage {
  stage.steps.push(step)
  stage.output = output
  return stage
}

export function addProject(stage: OpenStage, plan: Project): OpenStage {
  const columns = plan.columns.map(({ expression }) => expression)
  return addCompute(stage, schemaOf(plan.input), undefined, columns, schemaOf(plan))
}

export function addGenerate(stage: OpenStage, plan: Generate): OpenStage {
  const schema = schemaOf(plan.input)
  const { column, stage: ready } = withColumn(stage, schema, plan.expression)
  const { outer, withPosition } = plan
  const spec = { column, kept: schema.length, outer, withPosition, output: schemaOf(plan) }
  return addStep(ready, { kind: 'generate', spec }, schemaOf(plan))
}

export function addWindow(stage: OpenStage, plan: WindowAssign): OpenStage {
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

export function addSession(stage: OpenStage, plan: SessionAssign): OpenStage {
  const schema = schemaOf(plan.input)
  const output = schemaOf(plan)
  const { gap, time } = plan
  const constant = gap.kind === 'literal'
  // Both are computed in one step, so that none stands between the columns and the session.
  const computed = [time, ...(constant ? [] : [gap])].filter(({ kind }) => kind !== 'column')
  const columns = [...allColumns(schema), ...computed]
  const fields = computed.map(fieldOfExpression)
  const ready =
    computed.length === 0
      ? stage
      : addCompute(stage, schema, undefined, columns, [...schema, ...fields])
  const columnOf = (expression: Expression): number =>
    expression.kind === 'column' ? expression.index : schema.length + computed.indexOf(expression)
  const spec: SessionAssignSpec = {
    timeColumn: columnOf(time),
    gap: constant
      ? { kind: 'constant', micros: Number(gap.value) }
      : { kind: 'column', column: columnOf(gap) },
    kept: schema.length,
    output,
  }
  return addStep(ready, { kind: 'session', spec }, output)
}

export function addMapRows(stage: OpenStage, plan: MapRows): OpenStage {
  const { function: given, output } = plan
  const spec = { input: schemaOf(plan.input), function: given, output }
  return addStep(stage, { kind: 'mapRows', spec }, output)
}

export function addMapAsync(stage: OpenStage, plan: MapAsync, operator: string): OpenStage {
  const { function: given, limits, output } = plan
  const spec = { operator, input: schemaOf(plan.input), function: given, limits, output }
  return addStep(stage, { kind: 'mapAsync', spec }, output)
}

/** Rows that the last assignment of sessions drops are counted in the progress of that operator. */
export function countedBy(operator: string, stage: OpenStage): OpenStage {
  const at = stage.steps.findLastIndex(({ kind }) => kind === 'session')
  const step = stage.steps[at]
  if (step?.kind === 'session') stage.steps[at] = { ...step, spec: { ...step.spec, operator } }
  return stage
}

/** The column that holds an expression, computed behind the others if it is not one of them. */
export function withColumn(
  stage: OpenStage,
  schema: Schema,
  expression: Expression,
): { readonly column: number; readonly stage: OpenStage } {
  if (expression.kind === 'column') return { column: expression.index, stage }
  const columns = [...allColumns(schema), expression]
  const output = [...schema, fieldOfExpression(expression)]
  return {
    column: schema.length,
    stage: addCompute(stage, schema, undefined, columns, output),
  }
}

export function allColumns(schema: Schema): Expression[] {
  return schema.map(({ name, type, nullable }, index) => ({
    kind: 'column',
    index,
    name,
    type,
    nullable,
  }))
}

export function fieldOfExpression(expression: Expression): {
  readonly name: string
  readonly type: DataType
  readonly nullable: boolean
} {
  return { name: expressionText(expression), type: expression.type, nullable: true }
}

function fieldsOf(keys: readonly { readonly expression: Expression }[]): Schema {
  return keys.map(({ expression }) => fieldOfExpression(expression))
}

export function addSort(stage: OpenStage, plan: Sort): OpenStage {
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

/** Aggregates such as `first` need the rows in the order of their sources. */
export function settleFor(stage: OpenStage, plan: Aggregate): void {
  if (!plan.aggregates.some(({ call }) => isOrdered(call))) return
  addStep(stage, { kind: 'settle' }, stage.output)
}
