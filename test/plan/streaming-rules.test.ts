import { expect, test } from 'vitest'
import { StreamError } from '../../src/core/error.ts'
import type { LogicalPlan, SaveMode } from '../../src/plan/logical.ts'
import { checkStreaming } from '../../src/plan/streaming-rules.ts'
import {
  clicks,
  column,
  constant,
  counted,
  filter,
  greater,
  limited,
  project,
  scan,
  sessions,
  sorted,
  union,
  watermark,
  windowed,
} from './plans.ts'

const rows = scan('clicks')
const marked = watermark(rows, 'at')
const perWindow = counted(windowed(marked, 'at'), 'window')
const hourly: LogicalPlan = {
  ...windowed(perWindow, 'window'),
  kind: 'window',
  input: perWindow,
  time: {
    kind: 'call',
    name: 'window_time',
    args: [column(perWindow, 'window')],
    type: { kind: 'timestamp' },
    nullable: true,
  },
  sizeMicros: 3_600_000_000,
  slideMicros: 3_600_000_000,
  startMicros: 0,
  name: 'hour',
}
const chained = counted(hourly, 'hour')
const still = scan('still', clicks, false)

const bySession = counted(sessions(marked, 'at'), 'session')
const sessionsOfConstant: LogicalPlan =
  bySession.kind === 'aggregate'
    ? { ...bySession, keys: [...bySession.keys, { name: 'one', expression: constant(1) }] }
    : bySession

/** `yes`, or the code of the refusal. */
type Answer = 'yes' | 'MODE' | 'STREAM'

const shapes: readonly (readonly [string, LogicalPlan, Answer, Answer, Answer])[] = [
  // shape, plan, append, update, complete
  [
    'filter and project',
    project(filter(rows, greater(column(rows, 'price'), constant(1))), 'user'),
    'yes',
    'yes',
    'MODE',
  ],
  ['union of streams', union(rows, scan('others')), 'yes', 'yes', 'MODE'],
  ['a watermark alone', marked, 'yes', 'yes', 'MODE'],
  ['a window alone', windowed(marked, 'at'), 'yes', 'yes', 'MODE'],
  ['aggregation by a window with watermark', perWindow, 'yes', 'yes', 'yes'],
  ['aggregation by the event time itself', counted(marked, 'at', 'user'), 'yes', 'yes', 'yes'],
  ['aggregation without watermark', counted(rows, 'user'), 'MODE', 'yes', 'yes'],
  [
    'aggregation by a window without watermark',
    counted(windowed(rows, 'at'), 'window'),
    'MODE',
    'yes',
    'yes',
  ],
  [
    'aggregation without the event time among its keys',
    counted(marked, 'user'),
    'MODE',
    'yes',
    'yes',
  ],
  ['aggregation of everything', counted(marked), 'MODE', 'yes', 'yes'],
  ['chained aggregations', chained, 'yes', 'MODE', 'MODE'],
  ['union of two aggregations', union(perWindow, perWindow), 'yes', 'yes', 'yes'],
  [
    'union of an aggregation and plain rows',
    union(counted(rows, 'user', 'at', 'price'), rows),
    'MODE',
    'yes',
    'MODE',
  ],
  ['sort of plain rows', sorted(rows, 'user'), 'STREAM', 'STREAM', 'STREAM'],
  ['sort after an aggregation', sorted(perWindow, 'count'), 'MODE', 'MODE', 'yes'],
  ['sort before an aggregation', counted(sorted(marked, 'at'), 'at'), 'STREAM', 'STREAM', 'STREAM'],
  ['limit of plain rows', limited(rows), 'yes', 'STREAM', 'MODE'],
  ['limit after an aggregation', limited(perWindow), 'yes', 'STREAM', 'yes'],
  ['limit before an aggregation', counted(limited(rows), 'user'), 'MODE', 'STREAM', 'yes'],
  ['dropDuplicates', deduplicated(marked), 'yes', 'yes', 'MODE'],
  ['dropDuplicatesWithinWatermark', deduplicated(marked, 'within'), 'yes', 'yes', 'MODE'],
  [
    'dropDuplicates before an aggregation',
    counted(deduplicated(marked), 'at'),
    'yes',
    'yes',
    'yes',
  ],
  ['dropDuplicates after an aggregation', deduplicated(perWindow), 'yes', 'MODE', 'MODE'],
  ['a session alone', sessions(marked, 'at'), 'yes', 'yes', 'MODE'],
  ['sessions by user', counted(sessions(marked, 'at'), 'user', 'session'), 'yes', 'MODE', 'yes'],
  [
    'sessions under another name',
    counted(
      {
        kind: 'project',
        input: sessions(marked, 'at'),
        columns: ['session', 'user'].map((name) => ({
          name: `my ${name}`,
          expression: column(sessions(marked, 'at'), name),
        })),
      },
      'my session',
      'my user',
    ),
    'yes',
    'MODE',
    'yes',
  ],
  [
    'sessions without watermark',
    counted(sessions(rows, 'at'), 'user', 'session'),
    'MODE',
    'MODE',
    'yes',
  ],
  [
    'sessions without another key',
    counted(sessions(marked, 'at'), 'session'),
    'STREAM',
    'MODE',
    'STREAM',
  ],
  ['sessions with a constant key', sessionsOfConstant, 'STREAM', 'MODE', 'STREAM'],
  [
    'an aggregation of sessions by their end',
    counted(counted(sessions(marked, 'at'), 'user', 'session'), 'session'),
    'yes',
    'MODE',
    'MODE',
  ],
  ['union of a stream and a batch', union(rows, still), 'STREAM', 'STREAM', 'STREAM'],
  [
    'two event times among the keys',
    counted(windowed(marked, 'at'), 'window', 'at'),
    'STREAM',
    'STREAM',
    'STREAM',
  ],
]

function deduplicated(input: LogicalPlan, within?: 'within'): LogicalPlan {
  const node = { kind: 'deduplicate' as const, input, keys: [0, 1] }
  const time = { index: 0, kind: 'time' as const }
  return within === undefined ? node : { ...node, within: { time, delayMicros: 1 } }
}

const codes: Readonly<Record<string, Answer>> = {
  OUTPUT_MODE_UNSUPPORTED: 'MODE',
  STREAMING_UNSUPPORTED: 'STREAM',
}

test.each(shapes)('%s', (_shape, plan, append, update, complete) => {
  expect({
    append: answer(plan, 'append'),
    update: answer(plan, 'update'),
    complete: answer(plan, 'complete'),
  }).toEqual({ append, update, complete })
})

test('a refusal says why and what to do', () => {
  expect(refusal(counted(marked, 'user'), 'append')?.message).toMatch(
    /watermark is on at, which is not among the grouping keys \[user\][\s\S]*Group by window\(at/,
  )
  expect(refusal(counted(rows, 'user'), 'append')?.hint).toContain('withWatermark')
  expect(refusal(rows, 'complete')?.hint).toContain("outputMode('append')")
  expect(refusal(bySession, 'append')?.hint).toContain("groupBy('user', session_window")
  const byUser = counted(sessions(marked, 'at'), 'user', 'session')
  expect(refusal(byUser, 'update')?.hint).toContain("outputMode('append')")
  expect(refusal(limited(rows), 'update')?.hint).toContain('cannot be taken back')
})

test('the batch parts of a plan are not looked at', () => {
  expect(answer(sorted(limited(still), 'user'), 'append')).toBe('yes')
})

function answer(plan: LogicalPlan, mode: SaveMode): Answer | undefined {
  const found = refusal(plan, mode)
  return found === undefined ? 'yes' : codes[found.code]
}

function refusal(plan: LogicalPlan, mode: SaveMode): StreamError | undefined {
  try {
    checkStreaming(plan, mode)
    return undefined
  } catch (thrown) {
    if (thrown instanceof StreamError) return thrown
    throw thrown
  }
}
