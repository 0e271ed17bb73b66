import type { DataType } from '../batch/schema.ts'
import { typeText } from '../batch/schema.ts'
import { formatDuration, intervalMicros, parseInterval } from '../core/duration.ts'
import { StreamError, unreachable } from '../core/error.ts'
import { defaultName } from '../expr/names.ts'
import type { UnresolvedExpression } from '../expr/unresolved.ts'
import { analyzeAggregate, refuseAggregates } from './analyze-aggregate.ts'
import { analyzeAsofJoin } from './analyze-asof-join.ts'
import { analyzeDeduplicate } from './analyze-deduplicate.ts'
import { analyzeJoin } from './analyze-join.ts'
import { analyzeSelect, positionOf } from './analyze-select.ts'
import { analyzeProcess } from './analyze-stateful.ts'
import { analyzeUnion } from './analyze-union.ts'
import { checkCompared, checkKeys } from './compared-types.ts'
import { eventTimeLostAt } from './event-time.ts'
import { columnAt } from './expressions.ts'
import { inputsOf, isStreaming, type LogicalPlan, type SortKey, schemaOf } from './logical.ts'
import { nameOperator } from './name-operator.ts'
import { nameSources } from './name-sources.ts'
import { boundRanks } from './rank-bounds.ts'
import { type Analyzed, bind, movedQualifiers, namesOf, sameName } from './scope.ts'
import type {
  UnresolvedDrop,
  UnresolvedFilter,
  UnresolvedLimit,
  UnresolvedPlan,
  UnresolvedRename,
  UnresolvedSort,
  UnresolvedWatermark,
  UnresolvedWithColumns,
} from './unresolved-plan.ts'
import { watermarkRules } from './watermark-rules.ts'

/**
 * Resolves every name of a query, and gives each source and watermark its stable name.
 * @throws StreamError that names the culprit, for example `COLUMN_NOT_FOUND`
 */
export function analyze(plan: UnresolvedPlan): LogicalPlan {
  return nameSources(analyzeNode(plan).plan)
}

/**
 * The same without the names of sources and watermarks, which only a whole query has. Each node is
 * analysed once, so a frame may ask after every step.
 */
export function analyzePart(plan: UnresolvedPlan): LogicalPlan {
  return analyzeNode(plan).plan
}

/**
 * The column of a plan that a name stands for.
 * @throws StreamError `COLUMN_NOT_FOUND`, `AMBIGUOUS_COLUMN`
 */
export function columnNamed(
  plan: UnresolvedPlan,
  name: string,
): { readonly index: number; readonly type: DataType } {
  const analyzed = analyzeNode(plan)
  const index = positionOf(analyzed, name)
  const field = schemaOf(analyzed.plan)[index]
  if (field === undefined) throw new StreamError('INTERNAL', { what: `no column ${name}` })
  return { index, type: field.type }
}

// Plans are immutable and analysis is pure, so a result is good for as long as its plan lives.
const known = new WeakMap<UnresolvedPlan, Analyzed>()

function analyzeNode(plan: UnresolvedPlan): Analyzed {
  const before = known.get(plan)
  if (before !== undefined) return before
  const analyzed = analyzeNew(plan)
  known.set(plan, analyzed)
  return analyzed
}

function analyzeNew(plan: UnresolvedPlan): Analyzed {
  switch (plan.kind) {
    case 'scan':
      return { plan: plan.scan, qualifiers: [] }
    case 'resolved':
      return { plan: plan.plan, qualifiers: [] }
    case 'union':
      return analyzeUnion(
        plan.inputs.map((input) => analyzeNode(input).plan),
        plan,
      )
    case 'join':
      return analyzeJoin(analyzeNode(plan.left), analyzeNode(plan.right), plan)
    case 'asofJoin':
      return analyzeAsofJoin(analyzeNode(plan.join.left), analyzeNode(plan.join.right), plan)
    default:
  }
  const input = analyzeNode(plan.input)
  switch (plan.kind) {
    case 'select':
      return analyzeSelect(input, plan.columns)
    case 'aggregate':
      return analyzeAggregate(input, plan)
    case 'withColumns':
      return analyzeWithColumns(input, plan)
    case 'rename':
      return analyzeRename(input, plan)
    case 'drop':
      return analyzeDrop(input, plan)
    case 'filter':
      return analyzeFilter(input, plan)
    case 'watermark':
      return analyzeWatermark(input, plan)
    case 'deduplicate':
      return analyzeDeduplicate(input, plan)
    case 'sort':
      return analyzeSort(input, plan)
    case 'limit':
      return analyzeLimit(input, plan)
    case 'mapRows':
    case 'mapAsync':
      return { plan: { ...plan, input: input.plan }, qualifiers: [] }
    case 'own': {
      const keys = plan.keys.map((name) => positionOf(input, name))
      checkKeys(schemaOf(input.plan), keys, 'operator')
      return { plan: { ...plan, input: input.plan, keys }, qualifiers: [] }
    }
    case 'process':
      return analyzeProcess(input, plan)
    case 'name':
      return { ...input, plan: nameOperator(input.plan, plan.name) }
    case 'alias':
      return {
        plan: input.plan,
        qualifiers: [{ name: plan.name, columns: [...schemaOf(input.plan).keys()] }],
      }
    default:
      return unreachable(plan)
  }
}

function analyzeWithColumns(input: Analyzed, { columns }: UnresolvedWithColumns): Analyzed {
  for (const { name, expression } of columns) refuseAggregates(expression, `withColumn("${name}")`)
  const items = columns.map(
    ({ name, expression }): UnresolvedExpression => ({
      kind: 'alias',
      input: expression.kind === 'alias' ? expression.input : expression,
      name,
    }),
  )
  const schema = schemaOf(input.plan)
  const selected = analyzeSelect(input, [{ kind: 'star', path: [] }, ...items])
  const { plan } = selected
  if (plan.kind !== 'project') return selected
  // The select put the new columns last; those that replace one move to its place.
  const kept = plan.columns.slice(0, schema.length)
  const made = plan.columns.slice(schema.length)
  const replaced = kept.map(
    (column) => made.find(({ name }) => sameName(name, column.name)) ?? column,
  )
  const added = made.filter(({ name }) => !schema.some((field) => sameName(field.name, name)))
  return { ...input, plan: { ...plan, columns: [...replaced, ...added] } }
}

function analyzeRename(input: Analyzed, { renames }: UnresolvedRename): Analyzed {
  const schema = schemaOf(input.plan)
  const newName = (name: string): string =>
    renames.findLast(({ from }) => sameName(from, name))?.to ?? name
  if (schema.every(({ name }) => newName(name) === name)) return input
  const columns = schema.map(({ name }, index) => ({
    name: newName(name),
    expression: columnAt(schema, index),
  }))
  return { ...input, plan: { kind: 'project', input: input.plan, columns } }
}

function analyzeDrop(input: Analyzed, { columns: dropped }: UnresolvedDrop): Analyzed {
  const schema = schemaOf(input.plan)
  const kept = [...schema.keys()].filter((index) => {
    const names = namesOf(index, input)
    return !dropped.some((other) => names.some((name) => sameName(other, name)))
  })
  if (kept.length === schema.length) return input
  const columns = kept.map((index) => ({
    name: schema[index]?.name ?? '',
    expression: columnAt(schema, index),
  }))
  return {
    plan: { kind: 'project', input: input.plan, columns },
    qualifiers: movedQualifiers(input.qualifiers, (index) => kept.indexOf(index)),
  }
}

function analyzeFilter(input: Analyzed, { predicate: written }: UnresolvedFilter): Analyzed {
  refuseAggregates(written, 'filter')
  const predicate = bind(written, input)
  if (predicate.type.kind !== 'boolean' && predicate.type.kind !== 'void') {
    throw new StreamError('DATATYPE_MISMATCH', {
      expression: `filter(${defaultName(written)})`,
      expected: 'BOOLEAN',
      actual: typeText(predicate.type).toUpperCase(),
      suggestion: 'boolean',
    })
  }
  return { ...input, plan: boundRanks({ kind: 'filter', input: input.plan, predicate }) }
}

function analyzeWatermark(input: Analyzed, written: UnresolvedWatermark): Analyzed {
  const column = positionOf(input, written.column)
  const field = schemaOf(input.plan)[column]
  const delayMicros = intervalMicros(parseInterval(written.delay))
  const refuse = (why: string, fix: string): never => {
    throw new StreamError('WATERMARK_INVALID', { column: written.column, why, fix })
  }
  if (delayMicros < 0) {
    return refuse(
      `the delay ${written.delay} is negative (${formatDuration(delayMicros)})`,
      'Write how late a row may be, for example withWatermark(…, "10 minutes").',
    )
  }
  if (field?.type.kind !== 'timestamp') {
    const type = field === undefined ? 'unknown' : typeText(field.type).toUpperCase()
    return refuse(
      `it is of type ${type}, not TIMESTAMP`,
      `Make it a time first, for example with col('${written.column}').cast('timestamp').`,
    )
  }
  const rules = watermarkRules(written.options)
  // On rows that end nothing is ever late: one query serves both.
  if (!isStreaming(input.plan)) return input
  const earlier = watermarkOf(input.plan)
  if (earlier !== undefined) {
    const lost = eventTimeLostAt(input.plan)
    return refuse(
      `there is a watermark on ${earlier} already`,
      lost === undefined
        ? 'Declare it once, before the first stateful step; chained windows use window(window, …).'
        : `Declare it once: behind ${lost}, which gives out rows without an event time, instead of before it.`,
    )
  }
  return {
    ...input,
    plan: { kind: 'watermark', input: input.plan, column, delayMicros, node: '', rules },
  }
}

/** The column of a watermark anywhere below. */
function watermarkOf(plan: LogicalPlan): string | undefined {
  if (plan.kind === 'watermark') return schemaOf(plan)[plan.column]?.name
  for (const input of inputsOf(plan)) {
    const found = watermarkOf(input)
    if (found !== undefined) return found
  }
  return undefined
}

function analyzeSort(input: Analyzed, { keys: written }: UnresolvedSort): Analyzed {
  const keys = written.map((key): SortKey => {
    refuseAggregates(key, 'orderBy')
    const { descending, nullsFirst } =
      key.kind === 'sort' ? key : { descending: false, nullsFirst: true }
    const expression = bind(key.kind === 'sort' ? key.input : key, input)
    checkCompared(expression.type, `orderBy(${defaultName(key)})`)
    return { expression, descending, nullsFirst }
  })
  return { ...input, plan: { kind: 'sort', input: input.plan, keys } }
}

function analyzeLimit(input: Analyzed, { count }: UnresolvedLimit): Analyzed {
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new StreamError('CONFIG_INVALID', {
      option: 'limit',
      value: count,
      expected: 'a whole number from 0 up',
    })
  }
  return { ...input, plan: { kind: 'limit', input: input.plan, count } }
}
