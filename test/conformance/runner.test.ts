import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { StreamError } from '../../src/core/error.ts'
import type { Case, PlanNode, Step } from './case.ts'
import { expectRefusal } from './expectations.ts'
import { faultOf } from './fault.ts'
import { manualClock } from './manual-clock.ts'
import { missingFeatures } from './missing.ts'
import { nextWatermarkMs } from './next-watermark.ts'
import { Results } from './results.ts'
import { caseRows, difference } from './rows.ts'

function caseOf(plan: PlanNode, ...steps: readonly Step[]): Case {
  const query = { sources: [], plan, output_mode: 'append', options: {} } as const
  return { id: 'made-up', query, steps }
}

const source: PlanNode = { op: 'source', name: 'in' }

test('a case of known operators, functions and steps misses nothing', () => {
  const windowed: PlanNode = {
    op: 'aggregate',
    keys: [{ as: 'w', expr: ['window', ['col', 't'], 5000, 5000, 0] }],
    aggs: [{ as: 'n', fn: 'count' }],
    in: { op: 'watermark', column: 't', delay_ms: 10, in: source },
  }
  const steps: readonly Step[] = [
    { do: 'add', rows: { in: [[1]] } },
    { do: 'expect_new', rows: [] },
  ]
  expect(missingFeatures(caseOf(windowed, ...steps))).toEqual([])
})

test('what is missing is named once, wherever it stands', () => {
  const session: PlanNode = {
    op: 'session_aggregate',
    keys: [{ as: 's', expr: ['session', ['col', 't'], 10] }],
    in: { op: 'teleport', in: { op: 'teleport', in: source } },
  }
  const nested = ['case', [[['eq', ['levitate', 1], 1], 2]], 3] as const
  const projected: PlanNode = { op: 'project', columns: [{ as: 'a', expr: nested }], in: session }
  const steps: readonly Step[] = [{ do: 'lightning' }, { do: 'expect_error', reason: 'bad_karma' }]
  expect(missingFeatures(caseOf(projected, ...steps))).toEqual([
    'the function levitate',
    'the operator teleport',
    'the step lightning',
    'the refusal bad_karma',
  ])
})

test('a refusal counts for its reason only, not for its code alone', () => {
  const step: Step = { do: 'expect_error', reason: 'negative_watermark_delay' }
  const watermark = (why: string): StreamError =>
    new StreamError('WATERMARK_INVALID', { column: 't', why, fix: 'x' })
  expect(expectRefusal(step, watermark('its delay is less than 0'))).toBeUndefined()
  expect(expectRefusal(step, watermark('it is of type INT'))).toContain('it is of type INT')
  expect(expectRefusal(step, new Error('delay'))).toContain('actual delay')
  expect(expectRefusal(step, undefined)).toContain('actual no error')
  const mentioning = { ...step, mentions: ['minus'] }
  expect(expectRefusal(mentioning, watermark('its delay is less than 0'))).toContain('minus')
})

test('a reason that is not listed counts for what its words name, and for nothing else', () => {
  const refuse = (reason: string, problem: StreamError | undefined) =>
    expectRefusal({ do: 'expect_error', reason }, problem)
  const mode = (why: string): StreamError =>
    new StreamError('OUTPUT_MODE_UNSUPPORTED', { mode: 'update', why, fix: 'x' })
  const join = mode('a join of two streams (left outer) only ever adds rows')
  expect(refuse('outer_join_unsupported_in_update_mode', join)).toBeUndefined()
  expect(refuse('session_window_unsupported_in_update_mode', join)).toContain('left outer')
  expect(refuse('outer_join_needs_watermark', join)).toContain('STREAMING_UNSUPPORTED')
  const nothing = new StreamError('STATE_VALUE_INVALID', {
    variable: 'm (key)',
    type: 'STRING',
    why: 'it is empty',
  })
  expect(refuse('null_map_key', nothing)).toBeUndefined()
  expect(refuse('timer_without_time_mode', nothing)).toContain('TIMER_INVALID')
  expect(refuse('left_anti_join_unsupported', undefined)).toBeUndefined()
  expect(refuse('left_anti_join_unsupported', join)).toContain('left outer')
})

test('rows are compared as multisets, or as lists where order counts', () => {
  const rows = [
    [1, 'a'],
    [2, null],
    [1, 'a'],
    [3, 'b'],
  ]
  expect(difference(rows, [...rows].reverse())).toBeUndefined()
  expect(difference(rows, [...rows].reverse(), true)).toContain('expected [[1,"a"], [2,null], ')
  expect(difference(rows, rows.slice(1))).toContain('actual [[1,"a"], [2,null], [3,"b"]]')
  expect(difference([], [[1]])).toBe('expected [], actual [[1]]')
})

test('fractions are compared but for their last digits, times but for how they are written', () => {
  expect(difference([[0.3]], [[0.1 + 0.2]])).toBeUndefined()
  expect(difference([[0.3]], [[0.3001]])).toContain('0.3001')
  expect(difference([[['2024-01-01T00:00Z']]], [[['2024-01-01T00:00:00.000Z']]])).toBeUndefined()
  expect(difference([['2024-01-01T00:00Z']], [['2024-01-01T00:00:00.001Z']])).toContain('001Z')
})

test('cells of the engine take the form of the cases', () => {
  const row = { a: 12n, b: new Date(5), c: [1n, null], d: 'x', e: 2n ** 60n }
  expect(caseRows([row])).toEqual([
    [12, '1970-01-01T00:00:00.005Z', [1, null], 'x', '1152921504606846976'],
  ])
})

test('an epoch that comes again replaces what it gave before', () => {
  const results = new Results()
  results.put(0, [{ n: 1 }])
  expect(results.fresh()).toEqual([[1]])
  results.put(1, [{ n: 2 }])
  results.put(1, [{ n: 3 }])
  expect(results.fresh()).toEqual([[3]])
  expect(results.fresh()).toEqual([])
  expect(results.all('append')).toEqual([[1], [3]])
  expect(results.all('complete')).toEqual([[3]])
  results.clear()
  expect(results.all('append')).toEqual([])
  results.put(2, [{ n: 4 }])
  expect(results.lastBatch()).toEqual([[4]])
  expect(results.all('append')).toEqual([[4]])
})

test('the manual clock calls what is due, in order, at its own time', () => {
  const clock = manualClock()
  const calls: string[] = []
  clock.after(20, () => calls.push(`b at ${clock.now()}`))
  clock.after(10, () => {
    calls.push(`a at ${clock.now()}`)
    clock.after(5, () => calls.push(`c at ${clock.now()}`))
  })
  const cancel = clock.after(12, () => calls.push('never'))
  cancel()
  clock.advance(9)
  expect(calls).toEqual([])
  clock.advance(16)
  expect(calls).toEqual(['a at 10', 'c at 15', 'b at 20'])
  expect(clock.now()).toBe(25)
})

test('a fault strikes where and when the case says, once if it is the first time', () => {
  const every = faultOf({ where: 'user function', when: 'every call' })
  every.strike('function')
  every.arm()
  every.strike('rows')
  expect(() => every.strike('function')).toThrow('injected failure')
  expect(() => every.strike('function')).toThrow('injected failure')
  every.disarm()
  every.strike('function')
  const first = faultOf({ where: 'sink', when: 'first batch' })
  first.arm()
  expect(() => first.strike('sink')).toThrow('injected failure')
  first.strike('sink')
})

test('the next watermark comes from the newest manifest, and nodes without rows count as 0', async () => {
  const checkpoint = await mkdtemp(join(tmpdir(), 'millrace-next-watermark-'))
  await mkdir(join(checkpoint, 'log'))
  const put = (number: number, entry: object): Promise<void> =>
    writeFile(join(checkpoint, 'log', String(number)), JSON.stringify({ entry }))
  const node = (...watermarks: readonly number[]) =>
    Object.fromEntries(watermarks.map((watermark, index) => [`p${index}`, [watermark, 0]]))
  const time = { evicted: 1000, nodes: { a: node(5000, 3000), b: node(9000) } }
  await put(0, { type: 'attempt' })
  await put(9, { type: 'manifest', manifest: { time: { evicted: 0, nodes: {} } } })
  await put(10, { type: 'manifest', manifest: { time } })
  await put(11, { type: 'committed' })
  const next = (policy: 'min' | 'max', nodeCount: number): Promise<number> =>
    nextWatermarkMs(checkpoint, { policy, nodeCount })
  expect(await next('min', 2)).toBe(3)
  expect(await next('max', 2)).toBe(9)
  expect(await next('min', 3)).toBe(1)
  await put(12, {
    type: 'manifest',
    manifest: { time: { evicted: 0, nodes: { a: node(5000), b: {} } } },
  })
  expect(await next('min', 2)).toBe(0)
  expect(await next('max', 2)).toBe(5)
})
