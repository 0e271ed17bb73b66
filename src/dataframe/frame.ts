import type { Batch } from '../batch/batch.ts'
import { type EdgeRow, toRows } from '../batch/edge-row.ts'
import { typeText } from '../batch/schema.ts'
import { tableText } from '../connectors/console/table-text.ts'
import { StreamError } from '../core/error.ts'
import { parseExpression, parseSelectItem } from '../expr/parse.ts'
import type { UnresolvedExpression } from '../expr/unresolved.ts'
import { analyze, analyzePart } from '../plan/analyze.ts'
import { isStreaming, type LogicalPlan, schemaOf } from '../plan/logical.ts'
import { optimize } from '../plan/optimize.ts'
import { planText } from '../plan/print.ts'
import type { UnresolvedPlan } from '../plan/unresolved-plan.ts'
import { type Column, type ColumnOrName, nameOf, namePath } from './column.ts'
import type { Columns, DataFrame } from './data-frame.ts'
import { typedDataset } from './dataset.ts'
import { type AggregateArguments, aggregatesOf, groupedData, rowCount } from './grouped-data.ts'
import { asofJoinPlan, joinPlan } from './join-arguments.ts'
import type { Launch } from './launch.ts'
import { notOnFrames, notProvided } from './not-provided.ts'
import { schemaTree } from './schema-tree.ts'
import { type SchemaLike, StructType, schemaFrom } from './struct-type.ts'
import { dataFrameWriter, dataStreamWriter } from './writer.ts'

/** Everything a frame does, apart from its getters: they would be read when objects are joined. */
type Methods<Names extends keyof DataFrame> = Pick<DataFrame, Names>

/**
 * The frame of a plan. The plan is analysed at once, so that a mistake is reported by the call that
 * made it.
 * @throws StreamError for names and types that do not fit
 */
export function dataFrame(plan: UnresolvedPlan, launch: Launch): DataFrame {
  const analyzed = analyzePart(plan)
  const schema = StructType(schemaOf(analyzed))
  const wrap = (next: UnresolvedPlan): DataFrame => dataFrame(next, launch)
  return {
    plan,
    schema,
    columns: schema.names,
    dtypes: schema.fields.map(({ name, type }) => [name, typeText(type)]),
    isStreaming: isStreaming(analyzed),
    get writeStream() {
      return dataStreamWriter(plan, launch)
    },
    get write() {
      return dataFrameWriter(plan, launch)
    },
    as: (given?: SchemaLike) => typedDataset(plan, given, { launch, frame: wrap }),
    operator: (operator, { keys = [], output }) =>
      wrap({ kind: 'own', input: plan, keys, operator, output: schemaFrom(output) }),
    ...selectionOf(plan, wrap),
    ...rowStepsOf(plan, wrap),
    ...groupingOf(plan, wrap),
    ...joinsOf(plan, wrap),
    ...textOf(plan, launch),
    ...actionsOf(plan, launch),
    ...notProvided(notOnFrames, () => isStreaming(analyzed)),
    createOrReplaceTempView: (name) => launch.putView(name, plan),
    transform: (change) => change(dataFrame(plan, launch)),
  }
}

type Wrap = (plan: UnresolvedPlan) => DataFrame

function selectionOf(
  input: UnresolvedPlan,
  wrap: Wrap,
): Methods<
  | 'select'
  | 'selectExpr'
  | 'withColumn'
  | 'withColumns'
  | 'withColumnRenamed'
  | 'withColumnsRenamed'
  | 'drop'
> {
  const withColumns = (columns: Readonly<Record<string, Column>>): DataFrame =>
    wrap({
      kind: 'withColumns',
      input,
      columns: Object.entries(columns).map(([name, { expression }]) => ({ name, expression })),
    })
  const rename = (renames: Readonly<Record<string, string>>): DataFrame =>
    wrap({
      kind: 'rename',
      input,
      renames: Object.entries(renames).map(([from, to]) => ({ from, to })),
    })
  return {
    select: (...columns) => wrap({ kind: 'select', input, columns: expressionsOf(columns) }),
    selectExpr: (...texts) =>
      wrap({ kind: 'select', input, columns: texts.flat().map(parseSelectItem) }),
    withColumn: (name, column) => withColumns({ [name]: column }),
    withColumns,
    withColumnRenamed: (from, to) => rename({ [from]: to }),
    withColumnsRenamed: rename,
    drop: (...columns) =>
      wrap({ kind: 'drop', input, columns: expressionsOf(columns).map(nameToDrop) }),
  }
}

function rowStepsOf(
  input: UnresolvedPlan,
  wrap: Wrap,
): Methods<
  | 'filter'
  | 'where'
  | 'union'
  | 'unionAll'
  | 'unionByName'
  | 'followedBy'
  | 'withWatermark'
  | 'dropDuplicates'
  | 'dropDuplicatesWithinWatermark'
  | 'distinct'
  | 'orderBy'
  | 'sort'
  | 'limit'
  | 'alias'
  | 'name'
> {
  const filter = (condition: Column | string): DataFrame => {
    const predicate =
      typeof condition === 'string' ? parseExpression(condition) : condition.expression
    return wrap({ kind: 'filter', input, predicate })
  }
  const union = (other: DataFrame): DataFrame =>
    wrap({ kind: 'union', inputs: [input, other.plan], match: 'byPosition' })
  const deduplicate = (
    columns: readonly (string | readonly string[])[],
    withinWatermark: boolean,
  ): DataFrame => {
    const names = columns.flat().map((name) => namePath(name).join('.'))
    return wrap({ kind: 'deduplicate', input, columns: names, withinWatermark })
  }
  const sort = (...columns: Columns): DataFrame =>
    wrap({ kind: 'sort', input, keys: expressionsOf(columns) })
  return {
    filter,
    where: filter,
    union,
    unionAll: union,
    unionByName: (other, options = false) => {
      const missing = typeof options === 'boolean' ? options : options.allowMissingColumns === true
      const match = missing ? 'byNameOrNull' : 'byName'
      return wrap({ kind: 'union', inputs: [input, other.plan], match })
    },
    followedBy: (live) =>
      wrap({ kind: 'union', inputs: [input, live.plan], match: 'byName', inTurn: true }),
    withWatermark: (eventTime, delay, options = {}) =>
      wrap({ kind: 'watermark', input, column: namePath(eventTime).join('.'), delay, options }),
    dropDuplicates: (...columns) => deduplicate(columns, false),
    dropDuplicatesWithinWatermark: (...columns) => deduplicate(columns, true),
    distinct: () => deduplicate([], false),
    orderBy: sort,
    sort,
    limit: (count) => wrap({ kind: 'limit', input, count }),
    alias: (name) => wrap({ kind: 'alias', input, name }),
    name: (name) => wrap({ kind: 'name', input, name }),
  }
}

function groupingOf(input: UnresolvedPlan, wrap: Wrap): Methods<'groupBy' | 'agg'> {
  return {
    groupBy: (...keys) => groupedData(input, expressionsOf(keys), wrap),
    agg: (...given: AggregateArguments) =>
      wrap({ kind: 'aggregate', input, keys: [], aggregates: aggregatesOf(given) }),
  }
}

function joinsOf(left: UnresolvedPlan, wrap: Wrap): Methods<'join' | 'crossJoin' | 'asofJoin'> {
  return {
    join: (other, on, how = 'inner', options = {}) =>
      wrap(joinPlan({ left, right: other.plan }, on, how, options)),
    asofJoin: (other, options) => wrap(asofJoinPlan(left, other.plan, options)),
    crossJoin: (other) => wrap(joinPlan({ left, right: other.plan }, undefined, 'cross')),
  }
}

function textOf(plan: UnresolvedPlan, launch: Launch): Methods<'printSchema' | 'explain'> {
  return {
    printSchema: () => launch.print(`${schemaTree(schemaOf(analyzePart(plan)))}\n`),
    explain(extended = false) {
      const analyzed = analyze(plan)
      const optimized = optimize(analyzed)
      const steps: readonly (readonly [string, string])[] = [
        ['Analyzed Logical Plan', planText(analyzed)],
        ['Optimized Logical Plan', planText(optimized)],
        ['Physical Plan', launch.physicalText(optimized)],
      ]
      const shown = extended ? steps : steps.slice(1)
      const text = shown.map(([title, tree]) => `== ${title} ==\n${tree}`).join('\n')
      launch.print(text)
      return text
    },
  }
}

function actionsOf(
  plan: UnresolvedPlan,
  launch: Launch,
): Methods<
  | 'show'
  | 'collect'
  | 'take'
  | 'first'
  | 'head'
  | 'count'
  | 'isEmpty'
  | 'toLocalIterator'
  | 'foreach'
> {
  const batches = async (action: string, wanted = plan): Promise<readonly Batch[]> => {
    const analyzed: LogicalPlan = analyze(wanted)
    if (isStreaming(analyzed)) throw new StreamError('STREAMING_ACTION', { action })
    return launch.collect(optimize(analyzed))
  }
  const rows = async (action: string, wanted = plan): Promise<readonly EdgeRow[]> =>
    (await batches(action, wanted)).flatMap((batch) => toRows(batch, launch.edge))
  const take = (count: number, action: string): Promise<readonly EdgeRow[]> =>
    rows(action, { kind: 'limit', input: plan, count })
  const first = async (action: string): Promise<EdgeRow | undefined> => (await take(1, action))[0]
  function head(): Promise<EdgeRow | undefined>
  function head(count: number): Promise<readonly EdgeRow[]>
  function head(count?: number): Promise<EdgeRow | undefined | readonly EdgeRow[]> {
    return count === undefined ? first('head()') : take(count, `head(${count})`)
  }
  return {
    head,
    collect: () => rows('collect()'),
    take: (count) => take(count, `take(${count})`),
    first: () => first('first()'),
    isEmpty: async () => (await take(1, 'isEmpty()')).length === 0,
    async show(rowLimit = 20, truncate = true) {
      const limited = { kind: 'limit' as const, input: plan, count: rowLimit + 1 }
      const found = await batches('show()', limited)
      const width = typeof truncate === 'number' ? truncate : truncate ? 20 : 0
      const schema = schemaOf(analyzePart(plan))
      launch.print(`${tableText(schema, found, { rowLimit, truncate: width })}\n`)
    },
    async count() {
      const aggregates = [rowCount().alias('count').expression]
      const [row] = await rows('count()', { kind: 'aggregate', input: plan, keys: [], aggregates })
      return Number(row?.['count'] ?? 0)
    },
    async *toLocalIterator() {
      for (const batch of await batches('toLocalIterator()')) {
        yield* toRows(batch, launch.edge)
      }
    },
    async foreach(call) {
      for (const row of await rows('foreach()')) await call(row)
    },
  }
}

function expressionsOf(columns: Columns): readonly UnresolvedExpression[] {
  return columns.flat().map((column: ColumnOrName) => nameOf(column))
}

function nameToDrop(column: UnresolvedExpression): string {
  if (column.kind === 'name') return column.path.join('.')
  throw new StreamError('EXPRESSION_MISPLACED', {
    expression: column.kind,
    why: 'drop leaves out columns by name',
    fix: "Write drop('name').",
  })
}
