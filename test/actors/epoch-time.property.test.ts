import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  absorbReport,
  applyHeader,
  decodeTime,
  type EpochTime,
  encodeTime,
  endOfTime,
  initialTime,
  isDue,
  nextHeader,
  nextIdleAt,
  skipEmptyEpoch,
  type TimeRules,
  watermarkAt,
} from '../../actors/epoch-time.ts'
import { epoch, micros } from '../../src/core/units.ts'
import type { EpochHeader } from '../../src/flow/message.ts'

const minute = 60_000_000
const noon = 12 * 60 * minute
const at = (minutes: number) => micros(noon + minutes * minute)

function rules(policy: 'min' | 'max', nodes = ['n'], idleTimeoutMicros = {}): TimeRules {
  return {
    nodes: nodes.map((name) => ({ name, sources: [`source of ${name}`] })),
    policy,
    idleTimeoutMicros,
    after: {},
  }
}

/** One epoch: decide, apply, absorb what one node saw (largest event time minus delay). */
function runEpoch(
  time: EpochTime,
  rule: TimeRules,
  nowMs: number,
  watermarks: Readonly<Record<string, number>>,
): readonly [EpochHeader, EpochTime] {
  const header = nextHeader(time, rule, { epoch: epoch(0), nowMs, flush: false })
  const nodes = Object.entries(watermarks).map(([node, value]) => [node, { p: micros(value) }])
  const report = { watermarks: Object.fromEntries(nodes) }
  return [header, absorbReport(applyHeader(time, header), header, report)]
}

test('trace T1: each epoch filters by the watermark that evicted in the epoch before', () => {
  const delay = 10
  const largest = [8, 14, 21, 17, 26, undefined]
  let time = initialTime
  const seen: (readonly [number, number])[] = []
  for (const minutes of largest) {
    const reported: Record<string, number> = minutes === undefined ? {} : { n: at(minutes - delay) }
    const [header, next] = runEpoch(time, rules('min'), 0, reported)
    seen.push([header.lateWatermark, header.evictWatermark])
    time = next
  }
  expect(seen).toEqual([
    [0, 0],
    [0, at(-2)],
    [at(-2), at(4)],
    [at(4), at(11)],
    [at(11), at(11)],
    [at(11), at(16)],
  ])
})

test('trace T1b: an empty epoch that is passed over leaves the late watermark that it would have left', () => {
  let time = initialTime
  for (const minutes of [8, 14, 21]) {
    ;[, time] = runEpoch(time, rules('min'), 0, { n: at(minutes - 10) })
  }
  const skipped = skipEmptyEpoch(time, watermarkAt(time, rules('min'), micros(0)))
  const [header] = runEpoch(skipped, rules('min'), 0, {})
  expect(header).toMatchObject({ lateWatermark: at(11), evictWatermark: at(11), skipped: 1 })
  const [, executed] = runEpoch(time, rules('min'), 0, {})
  const [afterRun] = runEpoch(executed, rules('min'), 0, {})
  expect(afterRun.lateWatermark).toBe(header.lateWatermark)
  expect(afterRun.evictWatermark).toBe(header.evictWatermark)
})

test('a node that has seen no row holds the minimum at zero, and does not hold the maximum', () => {
  const [, time] = runEpoch(initialTime, rules('min', ['a', 'b']), 0, { a: at(0) })
  expect(watermarkAt(time, rules('min', ['a', 'b']), micros(0))).toBe(0)
  expect(watermarkAt(time, rules('max', ['a', 'b']), micros(0))).toBe(at(0))
})

test('watermarks are whole milliseconds and never below zero', () => {
  const [, time] = runEpoch(initialTime, rules('max', ['a', 'b']), 0, { a: 1_234_567, b: -5 })
  expect(time.nodes['a']?.['p']?.watermark).toBe(1_234_000)
  expect(time.nodes['b']?.['p']?.watermark).toBe(0)
})

const report = fc.dictionary(fc.constantFrom('a', 'b'), fc.integer({ min: -5000, max: 900_000 }))
const histories = fc.array(
  fc.record({ report, nowMs: fc.nat(2000), skips: fc.boolean(), restarts: fc.boolean() }),
  { maxLength: 20 },
)

test('times never go back, late is what evicted before, and a restart anywhere changes nothing', () => {
  const policies = fc.constantFrom<'min' | 'max'>('min', 'max')
  const idle = fc.constantFrom({}, { 'source of a': 300_000 }, { 'source of b': 700_000 })
  fc.assert(
    fc.property(histories, policies, idle, (history, policy, timeouts) => {
      const rule = rules(policy, ['a', 'b'], timeouts)
      let time = initialTime
      let plain = initialTime
      let before: EpochHeader | undefined
      for (const { report, nowMs, skips, restarts } of history) {
        const [header, next] = runEpoch(time, rule, nowMs, report)
        const [same, alone] = runEpoch(plain, rule, nowMs, report)
        expect(header).toEqual(same)
        expect(header.lateWatermark).toBeLessThanOrEqual(header.evictWatermark)
        if (before !== undefined) {
          expect(header.evictWatermark).toBeGreaterThanOrEqual(before.evictWatermark)
          expect(header.processingTime).toBeGreaterThanOrEqual(before.processingTime)
          if (header.skipped === undefined) expect(header.lateWatermark).toBe(before.evictWatermark)
        }
        before = header
        time = restarts ? decodeTime(JSON.parse(JSON.stringify(encodeTime(next)))) : next
        plain = alone
        if (skips) {
          time = skipEmptyEpoch(time, watermarkAt(time, rule, header.processingTime))
          plain = skipEmptyEpoch(plain, watermarkAt(plain, rule, header.processingTime))
        }
      }
    }),
  )
})

test('a partition without rows for the idle timeout lets the watermark pass and is named in the header', () => {
  const rule = rules('min', ['a', 'b'], { 'source of b': 1000 * 1000 })
  let [, time] = runEpoch(initialTime, rule, 0, { a: at(0), b: at(-60) })
  expect(nextIdleAt(time, rule, micros(0))).toBe(1_000_000)
  ;[, time] = runEpoch(time, rule, 500, { a: at(1) })
  const [waiting] = runEpoch(time, rule, 999, {})
  expect(waiting).toMatchObject({ evictWatermark: at(-60), idle: [] })
  const [passing, passed] = runEpoch(time, rule, 1000, {})
  expect(passing).toMatchObject({ evictWatermark: at(1), idle: ['source of b'] })
  const [, back] = runEpoch(passed, rule, 1100, { b: at(-30) })
  expect(watermarkAt(back, rule, micros(1_100_000))).toBe(at(1))
})

test('the epoch that ends the input evicts everything', () => {
  const header = nextHeader(initialTime, rules('min'), { epoch: epoch(0), nowMs: 0, flush: true })
  expect(header).toMatchObject({ evictWatermark: endOfTime, flush: true })
  expect(applyHeader(initialTime, header).flushed).toBe(true)
})

test('an empty epoch is due for a watermark only after it moved, for a timer whenever it is overdue', () => {
  const still = { watermark: micros(0), processingTime: micros(50) }
  const moved = { watermark: micros(9), processingTime: micros(50) }
  expect(isDue(initialTime, { nextWatermark: micros(0) }, still)).toBe(false)
  expect(isDue(initialTime, { nextWatermark: micros(9) }, moved)).toBe(true)
  expect(isDue(initialTime, { nextWatermark: micros(10) }, moved)).toBe(false)
  expect(isDue(initialTime, { nextTimer: micros(50) }, still)).toBe(true)
  expect(isDue(initialTime, { nextTimer: micros(51) }, still)).toBe(false)
})
