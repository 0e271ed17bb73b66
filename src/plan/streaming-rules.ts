import { StreamError } from '../core/error.ts'
import { fold } from '../expr/fold.ts'
import { eventTimeColumns, eventTimeLostAt } from './event-time.ts'
import {
  type Aggregate,
  hasAggregate,
  hasRanking,
  inputsOf,
  isRestated,
  isStreaming,
  type LogicalPlan,
  type SaveMode,
  schemaOf,
} from './logical.ts'
import { pushFilters } from './optimize.ts'
import { checkProcess } from './process-rules.ts'
import { checkReadAfter } from './read-after.ts'
import { sessionKeyOf } from './session-columns.ts'
import { checkAsofJoin, checkJoin } from './streaming-joins.ts'
import { aggregatedRanks, checkTopN } from './streaming-ranks.ts'

/**
 * Refuses what cannot stream, or not in this output mode: the matrix of `docs/output-modes.md`.
 * Batch parts of the plan are not looked at.
 * @throws StreamError `OUTPUT_MODE_UNSUPPORTED`, `STREAMING_UNSUPPORTED`
 */
export function checkStreaming(plan: LogicalPlan, mode: SaveMode): void {
  // An equality in a filter of pairs may be the key of their join, as in Spark, which checks optimised plans.
  checkNodes(pushFilters(plan), mode, [])
  checkReadAfter(plan)
  if (mode === 'complete') checkComplete(plan)
}

function checkNodes(plan: LogicalPlan, mode: SaveMode, above: readonly LogicalPlan[]): void {
  if (!isStreaming(plan)) return
  switch (plan.kind) {
    case 'aggregate':
      checkAggregate(plan, mode)
      break
    case 'topN':
      checkTopN(plan, mode)
      break
    case 'process':
      checkProcess(plan, mode, above)
      break
    case 'deduplicate':
      checkInput(plan.input, mode, 'dropDuplicates')
      break
    case 'own':
      checkInput(plan.input, mode, `the operator ${plan.operator.name}`)
      break
    case 'union':
      checkUnion(plan.inputs)
      break
    case 'join':
      checkJoin(plan, mode)
      break
    case 'asofJoin':
      checkAsofJoin(plan, mode)
      break
    case 'sort':
      checkSort(plan.input, mode)
      break
    case 'limit':
      checkLimit(mode)
      break
    default:
  }
  for (const input of inputsOf(plan)) checkNodes(input, mode, [plan, ...above])
}

function checkAggregate(plan: Aggregate, mode: SaveMode): void {
  if (mode !== 'append' && hasAggregate(plan.input)) {
    throw new StreamError('OUTPUT_MODE_UNSUPPORTED', {
      mode,
      why: 'an aggregation follows an aggregation, and the second would count groups of the first again each time they change',
      fix: "Use outputMode('append'), with withWatermark before the first aggregation.",
    })
  }
  if (mode !== 'append' && hasRanking(plan.input)) throw aggregatedRanks(mode)
  const session = sessionKeyOf(plan)
  if (session !== undefined) checkSession(plan, session, mode)
  if (plan.early !== undefined) checkEarly(plan, mode)
  const eventTime = eventTimeColumns(plan).map(({ index }) => plan.keys[index]?.name ?? '')
  if (eventTime.length > 1) {
    throw new StreamError('STREAMING_UNSUPPORTED', {
      what: `Grouping by several event-time columns (${eventTime.join(', ')})`,
      fix: 'Keep one of them as a key: a group is finished by one time only.',
    })
  }
  if (mode === 'append' && eventTime.length === 0) throw withoutEventTimeKey(plan)
}

/** Early results are rows that come again; the last of a group is told by its event time. */
function checkEarly(plan: Aggregate, mode: SaveMode): void {
  if (mode !== 'update') {
    throw new StreamError('OUTPUT_MODE_UNSUPPORTED', {
      mode,
      why:
        mode === 'append'
          ? 'emit gives out groups again when they change'
          : 'emit gives out changed groups, and complete mode all of them in every epoch',
      fix: "Use outputMode('update'), and filter by is_final in foreachBatch for those that are closed; or leave emit out.",
    })
  }
  if (eventTimeColumns(plan).length > 0) return
  throw new StreamError('STREAMING_UNSUPPORTED', {
    what: 'emit in an aggregation without the event time of a watermark among its keys, of which no group is ever final,',
    fix: "Call withWatermark('eventTime', '10 minutes') before groupBy and group by window('eventTime', …); or leave emit out.",
  })
}

function checkSession({ keys }: Aggregate, session: number, mode: SaveMode): void {
  const name = keys[session]?.name ?? ''
  // Another key would not help here, so the mode is named first.
  if (mode === 'update') {
    throw new StreamError('OUTPUT_MODE_UNSUPPORTED', {
      mode,
      why: `sessions (${name}) merge while rows keep coming, and what was given out of one that vanished could not be taken back`,
      fix: "Use outputMode('append'), which gives out each session when it closes, or outputMode('complete').",
    })
  }
  const others = keys.filter((_, index) => index !== session)
  // The value of a constant says nothing: all sessions of the stream would be one list, in one task.
  if (others.every(({ expression }) => fold(expression).kind === 'literal')) {
    throw new StreamError('STREAMING_UNSUPPORTED', {
      what: `Grouping by the session window ${name} without another key`,
      fix: "Group by a column too, such as groupBy('user', session_window(…)); a constant does not count.",
    })
  }
}

function withoutEventTimeKey(plan: Aggregate): StreamError<'OUTPUT_MODE_UNSUPPORTED'> {
  const schema = schemaOf(plan.input)
  const names = eventTimeColumns(plan.input).map(({ index }) => schema[index]?.name ?? '')
  const [name] = names
  const refuse = (why: string, fix: string): StreamError<'OUTPUT_MODE_UNSUPPORTED'> =>
    new StreamError('OUTPUT_MODE_UNSUPPORTED', { mode: 'append', why, fix })
  const lost = eventTimeLostAt(plan.input)
  if (name === undefined && lost !== undefined) {
    return refuse(
      `${lost} gives out rows of its own, which have no event time, so no group is ever finished`,
      `Call withWatermark behind ${lost} instead of before it, or use outputMode('update').`,
    )
  }
  if (name === undefined) {
    return refuse(
      'the aggregation has no watermark below it, so no group is ever finished',
      "Call withWatermark('eventTime', '10 minutes') before groupBy and group by window('eventTime', …), or use outputMode('update').",
    )
  }
  return refuse(
    `the watermark is on ${names.join(', ')}, which is not among the grouping keys [${plan.keys.map((key) => key.name).join(', ')}], so no group is ever finished`,
    `Group by window(${name}, …) or by ${name}, or use outputMode('update').`,
  )
}

/** What keeps state must not be given a row again because it changed. */
function checkInput(input: LogicalPlan, mode: SaveMode, what: string): void {
  if (mode === 'append' || !isRestated(input)) return
  throw new StreamError('OUTPUT_MODE_UNSUPPORTED', {
    mode,
    why: `${what} follows an aggregation or a ranking, whose rows are given out again each time they change`,
    fix: "Use outputMode('append'), with withWatermark before it.",
  })
}

function checkUnion(inputs: readonly LogicalPlan[]): void {
  if (inputs.every(isStreaming)) return
  throw new StreamError('STREAMING_UNSUPPORTED', {
    what: 'A union of a streaming frame and a batch frame',
    fix: 'Read both with readStream, or both with read.',
  })
}

function checkSort(input: LogicalPlan, mode: SaveMode): void {
  if (!isRestated(input)) {
    throw new StreamError('STREAMING_UNSUPPORTED', {
      what: 'Sorting rows that never end',
      fix: "Sort after an aggregation, with outputMode('complete'), or sort each epoch in foreachBatch.",
    })
  }
  if (mode !== 'complete') {
    throw new StreamError('OUTPUT_MODE_UNSUPPORTED', {
      mode,
      why: 'a sorted result has to be given out whole',
      fix: "Use outputMode('complete'), or sort each epoch in foreachBatch.",
    })
  }
}

function checkLimit(mode: SaveMode): void {
  if (mode !== 'update') return
  throw new StreamError('STREAMING_UNSUPPORTED', {
    what: 'limit in update mode',
    fix: "Rows that were given out cannot be taken back: use outputMode('append'), or limit an aggregation with outputMode('complete').",
  })
}

/** Complete mode gives out everything again each time, so every branch has to remember everything. */
function checkComplete(plan: LogicalPlan): void {
  if (plan.kind === 'union') {
    for (const input of plan.inputs) checkComplete(input)
    return
  }
  if ((plan.kind === 'aggregate' || plan.kind === 'topN') && isStreaming(plan)) return
  const [input] = inputsOf(plan).filter(isStreaming)
  if (input !== undefined) {
    checkComplete(input)
    return
  }
  throw new StreamError('OUTPUT_MODE_UNSUPPORTED', {
    mode: 'complete',
    why: 'without an aggregation the result is every row ever read, which would have to be kept for ever',
    fix: "Use outputMode('append').",
  })
}
