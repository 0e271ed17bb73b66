import { parseType } from '../batch/ddl.ts'
import type { EdgeRow } from '../batch/edge-row.ts'
import { plainType } from '../batch/plain-type.ts'
import { type DataType, type Schema, sameType, typeText } from '../batch/schema.ts'
import { badRowPolicy } from '../core/bad-row-policy.ts'
import { StreamError } from '../core/error.ts'
import type { UnresolvedExpression } from '../expr/unresolved.ts'
import type { AsyncCall } from '../flow/async-function.ts'
import type { InitialState, ProcessorSource, StatefulProgram } from '../flow/stateful-processor.ts'
import { initProcessor } from '../operators/process/processor-handle.ts'
import { analyze, analyzePart, columnNamed } from '../plan/analyze.ts'
import { isStreaming, schemaOf } from '../plan/logical.ts'
import { optimize } from '../plan/optimize.ts'
import type { UnresolvedPlan, UnresolvedProcess } from '../plan/unresolved-plan.ts'
import { asyncLimits, type MapAsyncOptions } from './async-options.ts'
import type {
  GroupOptions,
  InitialRows,
  KeyedDataset,
  TransformOptions,
  TypedDataset,
} from './dataset-types.ts'
import { type FunctionOptions, policyOf } from './functions-core.ts'
import { type GroupFunction, groupProcessor } from './group-state.ts'
import type { Launch } from './launch.ts'
import { notProvided } from './not-provided.ts'
import { type SchemaLike, StructType, schemaFrom } from './struct-type.ts'

/** The column that a key function writes. */
const keyColumn = '_key'

/** What every dataset of a frame needs. */
export interface DatasetParts<Frame> {
  readonly launch: Launch
  readonly frame: (plan: UnresolvedPlan) => Frame
}

// Rows are checked against their schemas at run time; types are what callers are promised.
type AnyDataset<Frame> = TypedDataset<EdgeRow, Frame>

/**
 * The rows of a plan as objects of a schema: its columns by name, of just these types.
 * @throws StreamError `COLUMN_NOT_FOUND`, `DATATYPE_MISMATCH`
 */
export function typedDataset<Frame>(
  plan: UnresolvedPlan,
  schema: SchemaLike | undefined,
  parts: DatasetParts<Frame>,
): AnyDataset<Frame> {
  if (schema === undefined) return datasetOf(plan, parts)
  const wanted = schemaFrom(schema)
  const columns = wanted.map(({ name }) => nameOf(name))
  const selected: UnresolvedPlan = { kind: 'select', input: plan, columns }
  schemaOf(analyzePart(selected)).forEach(({ type }, index) => {
    const field = wanted[index]
    if (field === undefined || sameType(type, field.type)) return
    throw new StreamError('DATATYPE_MISMATCH', {
      expression: `as(${field.name})`,
      expected: typeText(field.type).toUpperCase(),
      actual: typeText(type).toUpperCase(),
      suggestion: typeText(field.type),
    })
  })
  const renames = wanted.map(({ name }, index) => ({
    name,
    expression: columns[index] as UnresolvedExpression,
  }))
  const named = renames.map(({ name, expression }) => ({
    kind: 'alias' as const,
    input: expression,
    name,
  }))
  return datasetOf({ kind: 'select', input: plan, columns: named }, parts)
}

function datasetOf<Frame>(plan: UnresolvedPlan, parts: DatasetParts<Frame>): AnyDataset<Frame> {
  const schema = schemaOf(analyzePart(plan))
  const { edge } = parts.launch
  const mapped = (
    name: string,
    call: (row: EdgeRow) => Iterable<unknown>,
    output: SchemaLike,
    options: FunctionOptions,
  ): AnyDataset<Frame> => {
    const given = { name, call, edge, ...policyOf(options) }
    return datasetOf(
      { kind: 'mapRows', input: plan, function: given, output: schemaFrom(output) },
      parts,
    )
  }
  const dataset = {
    plan,
    schema: StructType(schema),
    map: (call: (row: EdgeRow) => unknown, output: SchemaLike, options: FunctionOptions = {}) =>
      mapped(nameOfFunction(call, 'map'), (row) => [call(row)], output, options),
    flatMap: (
      call: (row: EdgeRow) => Iterable<unknown>,
      output: SchemaLike,
      options: FunctionOptions = {},
    ) => mapped(nameOfFunction(call, 'flatMap'), call, output, options),
    mapAsync(
      call: (row: EdgeRow, call: AsyncCall) => Promise<unknown>,
      output: SchemaLike,
      options?: MapAsyncOptions,
    ) {
      const name = nameOfFunction(call, 'mapAsync')
      const limits = asyncLimits(options)
      const made = { function: { name, call, edge }, limits, output: schemaFrom(output) }
      return datasetOf({ kind: 'mapAsync', input: plan, ...made }, parts)
    },
    filter(call: (row: EdgeRow) => unknown, options: FunctionOptions = {}) {
      const called = rowUdf(schema, call, { kind: 'boolean' }, 'filter')
      const predicate = { ...called, ...policyOf(options) }
      return datasetOf({ kind: 'filter', input: plan, predicate }, parts)
    },
    groupByKey(...given: readonly unknown[]) {
      const [call, type] = given
      if (typeof call !== 'function') {
        return keyedDataset(plan, given.map(String), schema.length, parts)
      }
      const keyType = keyTypeOf(type)
      const expression = rowUdf(schema, (row) => call(row), keyType, 'groupByKey')
      const columns = [{ name: keyColumn, expression }]
      const keyed: UnresolvedPlan = { kind: 'withColumns', input: plan, columns }
      return keyedDataset(keyed, [keyColumn], schema.length, parts)
    },
    toDF: () => parts.frame(plan),
  }
  return dataset as unknown as AnyDataset<Frame>
}

function keyedDataset<Frame>(
  plan: UnresolvedPlan,
  keys: readonly string[],
  shown: number,
  parts: DatasetParts<Frame>,
): KeyedDataset<unknown, EdgeRow, Frame> {
  const { launch } = parts
  const processed = (
    source: ProcessorSource<unknown, unknown, unknown>,
    how: Pick<UnresolvedProcess, 'style' | 'timeMode' | 'outputMode' | 'eventTimeColumn'> & {
      readonly name: string
      readonly output: SchemaLike
      readonly initial: InitialRows<unknown> | undefined
      readonly badRows: string | undefined
    },
  ): AnyDataset<Frame> => {
    const { name, output, initial, badRows, ...rest } = how
    const from = initial === undefined ? undefined : initialState(initial, { plan, keys, launch })
    const program: StatefulProgram = {
      name,
      source,
      edge: launch.edge,
      ...(from === undefined ? {} : { initial: from }),
    }
    // Mistakes in declarations are reported by the call that was given the processor.
    const processor = typeof source === 'function' ? source() : source
    if (badRows !== undefined) refuseUnlessFail(badRows, name)
    const { edge } = launch
    initProcessor(processor, { timeMode: rest.timeMode, edge })
    const process = { kind: 'process' as const, input: plan, keys, shown, program, ...rest }
    return datasetOf({ ...process, output: schemaFrom(output) }, parts)
  }
  const grouped = (
    style: 'mapGroups' | 'flatMapGroups',
    call: GroupFunction,
    options: GroupOptions<SchemaLike, DataType | string>,
    outputMode: 'append' | 'update',
  ): AnyDataset<Frame> => {
    const { output, state, timeout = 'none', initialState: initial, badRows } = options
    const make = () => groupProcessor(call, state, timeout)
    const name = nameOfFunction(call, `${style}WithState`)
    const how = { name, output, initial, badRows, style, timeMode: timeout, outputMode }
    return processed(make, how)
  }
  const dataset = {
    plan,
    keys,
    shown,
    transformWithState(
      source: ProcessorSource<unknown, unknown, unknown>,
      options: TransformOptions<SchemaLike, unknown>,
    ) {
      const {
        output,
        timeMode = 'none',
        outputMode,
        eventTimeColumn,
        initialState: initial,
        badRows,
      } = options
      return processed(source, {
        name: nameOfProcessor(source),
        output,
        initial,
        badRows,
        style: 'processor',
        timeMode,
        ...(outputMode === undefined ? {} : { outputMode }),
        ...(eventTimeColumn === undefined ? {} : { eventTimeColumn }),
      })
    },
    mapGroupsWithState: (
      call: (...args: Parameters<GroupFunction>) => unknown,
      options: GroupOptions<SchemaLike, DataType | string>,
    ) => grouped('mapGroups', oneRow(call), options, 'update'),
    flatMapGroupsWithState: (
      call: GroupFunction,
      options: GroupOptions<SchemaLike, DataType | string> & {
        readonly outputMode: 'append' | 'update'
      },
    ) => grouped('flatMapGroups', call, options, options.outputMode),
    ...notProvided(['cogroup'], () => isStreaming(analyzePart(plan))),
  }
  return dataset as unknown as KeyedDataset<unknown, EdgeRow, Frame>
}

/** By the time a handler throws it may have changed a part of its state: leaving out its rows would keep that. */
function refuseUnlessFail(badRows: string, name: string): void {
  const policy = badRowPolicy(badRows)
  if (policy === 'fail') return
  throw new StreamError('STREAMING_UNSUPPORTED', {
    what: `The policy ${policy} for bad rows in ${name}, which keeps state,`,
    fix: 'Catch the error in the handler before state is changed, and give out a row that says so; or leave out bad rows by a filter or map before this step.',
  })
}

function oneRow(call: (...args: Parameters<GroupFunction>) => unknown): GroupFunction {
  const named: GroupFunction = (key, rows, state) => {
    const row = call(key, rows, state)
    return row instanceof Promise ? row.then((waited: unknown) => [waited]) : [row]
  }
  return Object.defineProperty(named, 'name', { value: call.name })
}

/** @throws StreamError `DATATYPE_MISMATCH` if its keys are not those of the query */
function initialState(
  initial: InitialRows<unknown>,
  query: {
    readonly plan: UnresolvedPlan
    readonly keys: readonly string[]
    readonly launch: Launch
  },
): InitialState {
  const analyzed = analyze(initial.plan)
  if (isStreaming(analyzed)) {
    throw new StreamError('STREAMING_UNSUPPORTED', {
      what: 'An initial state of rows that never end',
      fix: 'Read it with read instead of readStream.',
    })
  }
  const keys = initial.keys.map((name) => columnNamed(initial.plan, name))
  const types = query.keys.map((name) => columnNamed(query.plan, name).type)
  const textOf = (each: readonly DataType[]): string => each.map(typeText).join(', ').toUpperCase()
  const given = keys.map(({ type }) => type)
  if (
    given.length !== types.length ||
    types.some((type, at) => !sameType(type, given[at] ?? type))
  ) {
    throw new StreamError('DATATYPE_MISMATCH', {
      expression: `initialState, grouped by ${initial.keys.join(', ')}`,
      expected: `keys of the types ${textOf(types)}, as the query has`,
      actual: textOf(given),
      suggestion: types.map(typeText).join('", "'),
    })
  }
  return {
    rows: () => query.launch.collect(optimize(analyzed)),
    keys: keys.map(({ index }) => index),
    row: schemaOf(analyzed).slice(0, initial.shown),
  }
}

/** A function of whole rows as an expression over all columns. */
function rowUdf(
  schema: Schema,
  call: (row: EdgeRow) => unknown,
  type: DataType,
  name: string,
): Extract<UnresolvedExpression, { kind: 'udf' }> {
  const names = schema.map((field) => field.name)
  return {
    kind: 'udf',
    name: nameOfFunction(call, name),
    call: (...values) => call(Object.fromEntries(names.map((each, at) => [each, values[at]]))),
    args: names.map(nameOf),
    type,
  }
}

function nameOf(name: string): UnresolvedExpression {
  return { kind: 'name', path: [name] }
}

function keyTypeOf(type: unknown): DataType {
  if (typeof type === 'string') return parseType(type)
  if (typeof type === 'object' && type !== null && 'kind' in type)
    return plainType(type as DataType)
  throw new StreamError('SCHEMA_INVALID', {
    why: 'groupByKey with a function needs the type of its key',
  })
}

function nameOfFunction(call: { readonly name: string }, otherwise: string): string {
  return call.name === '' ? otherwise : call.name
}

function nameOfProcessor(source: ProcessorSource<unknown, unknown, unknown>): string {
  const made = typeof source === 'function' ? source() : source
  const name = made.constructor.name
  return name === 'Object' || name === '' ? 'transformWithState' : name
}
