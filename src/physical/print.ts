import { unreachable } from '../core/error.ts'
import { aggregateText, expressionText } from '../expr/print.ts'
import type { AggregateColumns } from '../operators/aggregate/spec.ts'
import type { AsofJoinSpec } from '../operators/join/asof-join.ts'
import type { RankSpec } from '../operators/top-n/spec.ts'
import type { Exchange, PhysicalPlan, Stage, Step } from './physical.ts'

/** The stages of a plan as text, last stage first, for `explain(true)`. */
export function printPhysical(plan: PhysicalPlan): string {
  return [...plan.stages].reverse().map(stageText).join('\n')
}

function stageText(stage: Stage): string {
  const from = stage.inputs.map(
    ({ from: id, exchange, side }) =>
      `stage ${id}${side === undefined ? '' : ` (${side})`} by ${exchangeText(exchange)}`,
  )
  const origin =
    stage.source === undefined
      ? from.join(', ')
      : `source ${stage.source.source} (${stage.source.format})`
  const width = stage.single ? ' one task' : ''
  const steps = stage.steps.map((step) => `  ${stepText(step)}`)
  return [`Stage ${stage.id}${width} <- ${origin}`, ...steps].join('\n')
}

function exchangeText(exchange: Exchange): string {
  if (exchange.kind !== 'hash') return exchange.kind
  return `hash(${exchange.keys.map(({ column }) => `#${column}`).join(', ')})`
}

function stepText(step: Step): string {
  switch (step.kind) {
    case 'compute': {
      const filter = step.filter === undefined ? '' : ` where ${expressionText(step.filter)}`
      return `compute [${step.columns.map(expressionText).join(', ')}]${filter}`
    }
    case 'rejected':
      return `bad records: ${step.spec.policy}`
    case 'watermark':
      return `watermark ${step.spec.node} #${step.spec.column} delay ${step.spec.delayMicros / 1000} ms`
    case 'generate':
      return `generate #${step.spec.column}`
    case 'window':
      return `window #${step.spec.timeColumn}`
    case 'session': {
      const { gap, timeColumn } = step.spec
      const text = gap.kind === 'constant' ? `${gap.micros / 1000} ms` : `#${gap.column}`
      return `session #${timeColumn} gap ${text}`
    }
    case 'aggregate': {
      const { operator, mode, keys, aggregates, bucketing } = step.spec
      const calls = aggregates.map(callText)
      return `${operator} ${mode} keys [${keys.map(({ column }) => `#${column}`).join(', ')}] ${bucketing.kind} [${calls.join(', ')}]`
    }
    case 'sessions': {
      const { operator, mode, keys, aggregates, sessionColumn } = step.spec
      const calls = aggregates.map(callText)
      return `${operator} ${mode} keys [${keys.map(({ column }) => `#${column}`).join(', ')}] sessions #${sessionColumn} [${calls.join(', ')}]`
    }
    case 'deduplicate': {
      const { operator, keys, timeColumn, withinMicros } = step.spec
      const time = timeColumn === undefined ? '' : ` until #${timeColumn}`
      const within = withinMicros === undefined ? '' : ` + ${withinMicros / 1000} ms`
      return `${operator} keys [${keys.map(({ column }) => `#${column}`).join(', ')}]${time}${within}`
    }
    case 'join': {
      const { operator, type, left, right } = step.spec
      const sides = [left, right].map(({ keys, due }) => {
        const until =
          due === undefined ? '' : ` until #${due.column} + ${due.offsetMicros / 1000} ms`
        return `[${keys.map((column) => `#${column}`).join(', ')}]${until}`
      })
      return `${operator} ${type} keys ${sides.join(' with ')}${step.spec.pairs.condition === undefined ? '' : ` where ${expressionText(step.spec.pairs.condition)}`}`
    }
    case 'asofJoin':
      return asofText(step.spec)
    case 'staticJoin': {
      const { flowing, keys, keeps, refresh } = step.spec
      const every = typeof refresh === 'number' ? `${refresh / 1000} ms` : refresh
      const other = printPhysical(step.other).replaceAll('\n', '\n    ')
      const found = keys.map(({ column }) => `#${column}`).join(', ')
      return `static join of ${flowing} rows by [${found}], keeps ${keeps}, read ${every}:\n    ${other}`
    }
    case 'own':
      return `${step.spec.name} keys [${step.spec.keys.map(({ column }) => `#${column}`).join(', ')}]`
    case 'mapRows':
      return `map rows by ${step.spec.function.name}`
    case 'mapAsync': {
      const { operator, function: given, limits } = step.spec
      return `${operator} rows by ${given.name}, ${limits.capacity} at a time${limits.ordered ? ' in order' : ''}`
    }
    case 'process': {
      const { operator, program, keys, timeMode } = step.spec
      return `${operator} ${program.name} keys [${keys.map(({ column }) => `#${column}`).join(', ')}] time ${timeMode}`
    }
    case 'sort':
      return `sort [${step.spec.keys.map(({ column }) => `#${column}`).join(', ')}]`
    case 'rowNumber':
      return rankText('row_number', step.spec)
    case 'topN': {
      const { operator, mode, timeColumn } = step.spec
      const until = timeColumn === undefined ? '' : ` until #${timeColumn}`
      return `${rankText(`${operator} ${mode}`, step.spec)}${until}`
    }
    case 'settle':
      return 'settle'
    case 'limit':
      return step.operator === undefined
        ? `limit ${step.count}`
        : `${step.operator} ${step.count} rows`
    default:
      return unreachable(step)
  }
}

function rankText(name: string, { keys, order, limit }: RankSpec): string {
  const by = keys.map(({ column }) => `#${column}`).join(', ')
  const sorted = order.map(({ column, descending }) => `#${column}${descending ? ' DESC' : ''}`)
  const upTo = Number.isFinite(limit) ? ` up to ${limit}` : ''
  return `${name}${upTo} by [${by}] order [${sorted.join(', ')}]`
}

function callText({ call, args }: AggregateColumns): string {
  return aggregateText(
    call,
    args.map((column) => `#${column}`),
  )
}

function asofText({ operator, type, left, right, toleranceMicros }: AsofJoinSpec): string {
  const sides = [left, right].map(
    ({ keys, time }) => `[${keys.map((column) => `#${column}`).join(', ')}] at #${time}`,
  )
  const within = toleranceMicros === undefined ? '' : ` within ${toleranceMicros / 1000} ms`
  return `${operator} ${type} keys ${sides.join(' with ')}${within}`
}
