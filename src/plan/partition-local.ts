import { StreamError, unreachable } from '../core/error.ts'
import { inputsOf, isStreaming, type LogicalPlan, type Scan, scansOf } from './logical.ts'

/**
 * The stream of a plan whose rows are worked on one by one, whatever partition they are of.
 * @throws StreamError `STREAMING_UNSUPPORTED` that names the step at which rows of several partitions have to meet
 */
export function partitionLocalScan(plan: LogicalPlan): Scan {
  const streams = new Map(
    scansOf(plan).flatMap((scan) => (scan.streaming ? [[scan.source, scan] as const] : [])),
  )
  const [scan] = streams.values()
  if (scan === undefined || streams.size > 1) {
    throw refused(`a plan over ${streams.size} streams (${[...streams.keys()].join(', ')})`)
  }
  checkLocal(plan)
  return scan
}

function checkLocal(plan: LogicalPlan): void {
  if (!isStreaming(plan)) return
  switch (plan.kind) {
    case 'aggregate':
      throw refused(named('the aggregate', plan))
    case 'deduplicate':
      throw refused(named('dropDuplicates', plan))
    case 'own':
      throw refused(named(`the operator ${plan.operator.name}`, plan))
    case 'process':
      throw refused(named(`the stateful step ${plan.program.name}`, plan))
    case 'topN':
      throw refused(named('the ranking', plan))
    case 'limit':
      throw refused(named('limit', plan))
    case 'sort':
      throw refused('the sort')
    case 'asofJoin':
      throw refused(named('the as-of join', plan))
    case 'join':
      if (isStreaming(plan.left) && isStreaming(plan.right)) throw refused(named('the join', plan))
      break
    case 'filter':
    case 'generate':
    case 'mapAsync':
    case 'mapRows':
    case 'project':
    case 'scan':
    case 'session':
    case 'union':
    case 'watermark':
    case 'window':
      break
    default:
      unreachable(plan)
  }
  for (const input of inputsOf(plan)) checkLocal(input)
}

function named(what: string, { operatorName }: { readonly operatorName?: string }): string {
  return operatorName === undefined ? what : `${what} ${operatorName}`
}

function refused(what: string): StreamError<'STREAMING_UNSUPPORTED'> {
  return new StreamError('STREAMING_UNSUPPORTED', {
    what: `a fleet with ${what}`,
    fix: 'Rows of several partitions meet there, which takes an exchange between processes. Run it as one query with start(), or let the fleet end before that step and write to a topic that one query reads.',
  })
}
