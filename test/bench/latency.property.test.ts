import fc from 'fast-check'
import { expect, test } from 'vitest'
import { paceRows } from '../../bench/latency/pace.ts'
import { percentilesOf } from '../../bench/latency/percentiles.ts'
import { createSimulatedClock } from '../../properties/simulated-clock.ts'
import { systemClock } from '../../src/core/system-clock.ts'

const pace = fc.record({
  ratePerSecond: fc.integer({ min: 1, max: 20_000 }),
  rows: fc.integer({ min: 1, max: 200 }),
  tickMs: fc.integer({ min: 1, max: 50 }),
})

test('every row goes out once, in order, at the first look after it is due', async () => {
  await fc.assert(
    fc.asyncProperty(pace, async (given) => {
      const clock = createSimulatedClock({ startMs: 77 })
      const sent: { readonly row: number; readonly dueMs: number; readonly atMs: number }[] = []
      const done = paceRows(clock, given, (row, dueMs) => {
        sent.push({ row, dueMs, atMs: clock.monotonic() })
      })
      clock.advance((given.rows * 1000) / given.ratePerSecond + given.tickMs)
      const lags = await done
      expect(sent.map(({ row }) => row)).toEqual(Array.from(lags.keys()))
      for (const { row, dueMs, atMs } of sent) {
        expect(dueMs).toBeCloseTo((row * 1000) / given.ratePerSecond, 6)
        expect(atMs).toBeGreaterThanOrEqual(dueMs)
        expect(atMs - dueMs).toBeLessThan(given.tickMs)
        expect(lags[row]).toBe(atMs - dueMs)
      }
    }),
  )
})

test('a stall of the loop does not move the due times of the rows behind it', async () => {
  const clock = createSimulatedClock()
  const dues: number[] = []
  const pace = { ratePerSecond: 100, rows: 5, tickMs: 100 }
  const lags = paceRows(clock, pace, (_row, dueMs) => dues.push(dueMs))
  clock.advance(100)
  expect(Array.from(await lags)).toEqual([0, 90, 80, 70, 60])
  expect(dues).toEqual([0, 10, 20, 30, 40])
})

test('ticks shorter than those of timers hand out every row too, when it is due', async () => {
  const clock = systemClock()
  const dues: number[] = []
  const startMs = clock.monotonic()
  const pace = { ratePerSecond: 10_000, rows: 500, tickMs: 0.2 }
  const lags = await paceRows(clock, pace, (_row, dueMs) => {
    expect(clock.monotonic()).toBeGreaterThanOrEqual(dueMs)
    dues.push(dueMs)
  })
  expect(dues).toHaveLength(500)
  expect(clock.monotonic() - startMs).toBeGreaterThanOrEqual(49.9)
  expect(Math.min(...lags)).toBeGreaterThanOrEqual(0)
})

test('a percentile is a value that so many values do not exceed, and no smaller one would do', () => {
  const values = fc.array(fc.double({ noNaN: true, min: 0, max: 1e6 }), { minLength: 1 })
  fc.assert(
    fc.property(values, (list) => {
      const { p50, p90, p99, p999, max } = percentilesOf(Float64Array.from(list))
      const shares = [p50, p90, p99, p999, max].map((bound) => ({
        bound,
        share: share(list, bound),
      }))
      for (const [index, wanted] of [0.5, 0.9, 0.99, 0.999, 1].entries()) {
        const found = shares[index]
        expect(list).toContain(found?.bound)
        expect(found?.share).toBeGreaterThanOrEqual(wanted)
        const smaller = list.filter((value) => value < (found?.bound ?? 0))
        expect(smaller.length / list.length).toBeLessThan(wanted)
      }
    }),
  )
  expect(() => percentilesOf(new Float64Array())).toThrow(RangeError)
})

function share(list: readonly number[], bound: number): number {
  return list.filter((value) => value <= bound).length / list.length
}
