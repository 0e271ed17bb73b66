import { expect, test } from 'vitest'
import { longType, stringType, timestampType } from '../../src/batch/schema.ts'
import { StreamError } from '../../src/core/error.ts'
import type { LogicalPlan, Process, SaveMode } from '../../src/plan/logical.ts'
import { checkStreaming } from '../../src/plan/streaming-rules.ts'
import { counted, scan, watermark, windowed } from './plans.ts'

const marked = watermark(scan('clicks'), 'at')

function process(input: LogicalPlan, how: Partial<Process> = {}): Process {
  return {
    kind: 'process',
    input,
    keys: [0],
    shown: 3,
    program: {
      name: 'program',
      source: () => ({ init() {}, handleInputRows: () => [] }),
      edge: {},
    },
    style: 'processor',
    timeMode: 'none',
    output: [
      { name: 'user', type: stringType, nullable: true },
      { name: 'at', type: timestampType, nullable: true },
      { name: 'count', type: longType, nullable: true },
    ],
    ...how,
  }
}

const mapGroups = { style: 'mapGroups', outputMode: 'update' } as const
const flatAppend = { style: 'flatMapGroups', outputMode: 'append' } as const
const flatUpdate = { style: 'flatMapGroups', outputMode: 'update' } as const
const timed = process(marked, { outputTime: 1 })

/** `yes`, or the code of the refusal. */
type Answer = 'yes' | 'MODE' | 'STREAM'

const shapes: readonly (readonly [string, LogicalPlan, Answer, Answer, Answer])[] = [
  // shape, plan, append, update, complete
  ['transformWithState', process(marked), 'yes', 'yes', 'MODE'],
  [
    'transformWithState in append',
    process(marked, { outputMode: 'append' }),
    'yes',
    'MODE',
    'MODE',
  ],
  [
    'transformWithState in update',
    process(marked, { outputMode: 'update' }),
    'MODE',
    'yes',
    'MODE',
  ],
  ['transformWithState twice', process(timed), 'yes', 'yes', 'MODE'],
  [
    'an aggregation by the event time of transformWithState',
    counted(windowed(timed, 'at'), 'window'),
    'yes',
    'yes',
    'yes',
  ],
  ['an aggregation of transformWithState', counted(process(marked), 'user'), 'MODE', 'yes', 'yes'],
  [
    'an aggregation by the time of transformWithState in processing time',
    counted(process(marked, { timeMode: 'processingTime' }), 'at'),
    'MODE',
    'yes',
    'yes',
  ],
  [
    'an aggregation of transformWithState in update',
    counted(process(marked, { outputMode: 'update' }), 'user'),
    'MODE',
    'MODE',
    'MODE',
  ],
  ['mapGroupsWithState', process(marked, mapGroups), 'MODE', 'yes', 'MODE'],
  [
    'mapGroupsWithState twice',
    process(process(marked, mapGroups), mapGroups),
    'STREAM',
    'STREAM',
    'STREAM',
  ],
  [
    'an aggregation of mapGroupsWithState',
    counted(process(marked, mapGroups), 'user'),
    'MODE',
    'MODE',
    'MODE',
  ],
  ['flatMapGroupsWithState in append', process(marked, flatAppend), 'yes', 'MODE', 'MODE'],
  ['flatMapGroupsWithState in update', process(marked, flatUpdate), 'MODE', 'yes', 'MODE'],
  [
    'an aggregation of flatMapGroupsWithState in append, without watermark',
    counted(process(marked, flatAppend), 'user'),
    'MODE',
    'yes',
    'yes',
  ],
  [
    'an aggregation of flatMapGroupsWithState in update',
    counted(process(marked, flatUpdate), 'user'),
    'MODE',
    'MODE',
    'MODE',
  ],
  [
    'state in event time before another stateful step',
    counted(process(marked, { ...flatAppend, timeMode: 'eventTime' }), 'user'),
    // Append mode is refused first: no group of the aggregation is ever finished.
    'MODE',
    'STREAM',
    'STREAM',
  ],
]

test.each(shapes)('%s', (_shape, plan, append, update, complete) => {
  expect({
    append: answer(plan, 'append'),
    update: answer(plan, 'update'),
    complete: answer(plan, 'complete'),
  }).toEqual({ append, update, complete })
})

test('a refusal names the mode that fits', () => {
  const hintOf = (how: Partial<Process>, mode: SaveMode): string =>
    refusal(process(marked, how), mode)?.hint ?? ''
  expect(hintOf(mapGroups, 'append')).toContain("outputMode('update')")
  expect(hintOf(flatAppend, 'update')).toContain("outputMode('append')")
  expect(hintOf({ outputMode: 'append' }, 'update')).toContain("outputMode('append')")
})

function refusal(plan: LogicalPlan, mode: SaveMode): StreamError | undefined {
  try {
    checkStreaming(plan, mode)
    return undefined
  } catch (problem) {
    if (problem instanceof StreamError) return problem
    throw problem
  }
}

function answer(plan: LogicalPlan, mode: SaveMode): string {
  const code = refusal(plan, mode)?.code
  if (code === undefined) return 'yes'
  return code === 'OUTPUT_MODE_UNSUPPORTED' ? 'MODE' : 'STREAM'
}
