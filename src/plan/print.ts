import { typeText, voidType } from '../batch/schema.ts'
import { formatDuration } from '../core/duration.ts'
import { unreachable } from '../core/error.ts'
import { aggregateText, expressionText } from '../expr/print.ts'
import {
  type AsofJoin,
  inputsOf,
  type Join,
  type JoinKey,
  type LogicalPlan,
  type NamedExpression,
  type Scan,
  type SortKey,
  scanSchema,
  schemaOf,
  type TopN,
} from './logical.ts'

/** The indented tree that `explain` shows: each node above the ones it reads. */
export function planText(plan: LogicalPlan): string {
  return `${linesOf(plan).join('\n')}\n`
}

function linesOf(plan: LogicalPlan): readonly string[] {
  const inputs = inputsOf(plan)
  const below = inputs.flatMap((input, index) => {
    const last = index === inputs.length - 1
    return linesOf(input).map((line, at) => {
      if (at === 0) return `${last ? '+-' : ':-'} ${line}`
      return `${last ? '  ' : ': '} ${line}`
    })
  })
  return [nodeText(plan), ...below]
}

function nodeText(plan: LogicalPlan): string {
  switch (plan.kind) {
    case 'scan':
      return scanText(plan)
    case 'filter':
      return `Filter ${expressionText(plan.predicate)}`
    case 'project':
      return `Project [${plan.columns.map(namedText).join(', ')}]`
    case 'generate': {
      const name = `${plan.withPosition ? 'pos' : ''}explode${plan.outer ? '_outer' : ''}`
      const columns = plan.columns.map((field) => field.name).join(', ')
      return `Generate ${name}(${expressionText(plan.expression)}) AS [${columns}]`
    }
    case 'window': {
      const { time, sizeMicros, slideMicros, startMicros, name } = plan
      const slide = slideMicros === sizeMicros ? '' : ` every ${formatDuration(slideMicros)}`
      const start = startMicros === 0 ? '' : ` from ${formatDuration(startMicros)}`
      return `Window ${expressionText(time)} of ${formatDuration(sizeMicros)}${slide}${start} AS ${name}`
    }
    case 'session': {
      const { time, gap, name } = plan
      const constant = gap.kind === 'literal' && gap.value !== null
      const text = constant ? formatDuration(Number(gap.value)) : expressionText(gap)
      return `Session ${expressionText(time)} with gap ${text} AS ${name}`
    }
    case 'watermark': {
      const column = schemaOf(plan)[plan.column]?.name
      return `Watermark ${column}, delay ${formatDuration(plan.delayMicros)}`
    }
    case 'aggregate': {
      const calls = plan.aggregates.map(({ name, call }) => {
        const filter =
          call.filter === undefined ? '' : ` FILTER (WHERE ${expressionText(call.filter)})`
        // Rows are counted without looking at a column: Spark writes that as count(1).
        const args = call.args.length === 0 ? ['1'] : call.args.map(expressionText)
        const text = `${aggregateText(call, args)}${filter}`
        return text === name ? text : `${text} AS ${name}`
      })
      const early =
        plan.early === undefined ? '' : `, early every ${formatDuration(plan.early.everyMicros)}`
      return `Aggregate [${plan.keys.map(namedText).join(', ')}] [${calls.join(', ')}]${early}`
    }
    case 'deduplicate': {
      const schema = schemaOf(plan)
      const names = plan.keys.map((index) => schema[index]?.name).join(', ')
      const within =
        plan.within === undefined ? '' : ` within ${formatDuration(plan.within.delayMicros)}`
      return `Deduplicate [${names}]${within}`
    }
    case 'join':
      return joinText(plan)
    case 'asofJoin':
      return asofText(plan)
    case 'own': {
      const schema = schemaOf(plan.input)
      const names = plan.keys.map((index) => schema[index]?.name).join(', ')
      return `Operator ${plan.operator.name} by [${names}]`
    }
    case 'mapAsync':
      return `MapAsync ${plan.function.name}`
    case 'mapRows':
      return `MapRows ${plan.function.name}`
    case 'process': {
      const schema = schemaOf(plan.input)
      const names = plan.keys.map((index) => schema[index]?.name).join(', ')
      const columns = plan.output.map(({ name }) => name).join(', ')
      return `Process ${plan.program.name} by [${names}] as [${columns}], time ${plan.timeMode}`
    }
    case 'union':
      return plan.inTurn === true ? 'FollowedBy' : 'Union'
    case 'sort':
      return `Sort [${sortText(plan.keys)}]`
    case 'topN':
      return topNText(plan)
    case 'limit':
      return `Limit ${plan.count}`
    default:
      return unreachable(plan)
  }
}

function scanText(scan: Scan): string {
  const { schema, wanted = [] } = scan
  const columns = scanSchema(scan).map(({ name, type }) => `${name}: ${typeText(type)}`)
  const stream = scan.streaming ? 'Stream' : 'Batch'
  const path = scan.options['path'] === undefined ? '' : ` ${scan.options['path']}`
  const wants = wanted.map(({ column, values }) => {
    const type = schema.find(({ name }) => name === column)?.type ?? voidType
    const texts = values.map((value) => expressionText({ kind: 'literal', value, type }))
    return `, wants ${column} IN (${texts.join(', ')})`
  })
  return `${stream} ${scan.format}${path} as ${scan.source} [${columns.join(', ')}]${wants.join('')}`
}

/** Columns of both sides may have one name: those of the right side of a key stand right of the sign. */
function joinText({ type, keys, condition, refreshMicros }: Join): string {
  const parts = [
    ...keys.map(keyText),
    ...(condition === undefined ? [] : [expressionText(condition)]),
  ]
  const on = parts.length === 0 ? '' : ` on ${parts.join(' AND ')}`
  const refresh = refreshMicros === undefined ? '' : `, refresh ${formatDuration(refreshMicros)}`
  return `Join ${type}${on}${refresh}`
}

function topNText({ partition, order, limit, name }: TopN): string {
  const upTo = limit === undefined ? '' : ` up to ${limit}`
  return `RowNumber${upTo} by [${partition.map(expressionText).join(', ')}] order [${sortText(order)}] AS ${name}`
}

function sortText(keys: readonly SortKey[]): string {
  const texts = keys.map(
    ({ expression, descending, nullsFirst }) =>
      `${expressionText(expression)} ${descending ? 'DESC' : 'ASC'} NULLS ${nullsFirst ? 'FIRST' : 'LAST'}`,
  )
  return texts.join(', ')
}

function keyText({ left, right, nullSafe }: JoinKey): string {
  return `${expressionText(left)} ${nullSafe ? '<=>' : '='} ${expressionText(right)}`
}

function asofText({
  left,
  right,
  type,
  keys,
  leftTime,
  rightTime,
  toleranceMicros,
}: AsofJoin): string {
  const times = `${schemaOf(left)[leftTime]?.name} >= ${schemaOf(right)[rightTime]?.name}`
  const within = toleranceMicros === undefined ? '' : `, within ${formatDuration(toleranceMicros)}`
  return `AsofJoin ${type} on ${keys.map(keyText).join(' AND ')}, ${times}${within}`
}

function namedText({ name, expression }: NamedExpression): string {
  const text = expressionText(expression)
  return text === name ? text : `${text} AS ${name}`
}
