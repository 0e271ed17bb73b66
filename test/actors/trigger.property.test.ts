import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type Choice,
  choose,
  chosen,
  firstTrigger,
  type Situation,
  type Trigger,
  triggered,
  untilTrigger,
} from '../../actors/trigger.ts'

const nothing: Situation = {
  hasData: false,
  watermarkMoved: false,
  isDue: false,
  noDataEpochs: true,
  wantsFlush: false,
}

test('a processing-time trigger fires at the start, then on multiples of its interval, and makes up for nothing', () => {
  fc.assert(
    fc.property(
      fc.nat(100_000),
      fc.integer({ min: 1, max: 5000 }),
      fc.array(fc.nat(20_000), { maxLength: 20 }),
      (startMs, intervalMs, tookMs) => {
        const trigger: Trigger = { type: 'processingTime', intervalMs }
        let state = firstTrigger(startMs, 0)
        expect(state.nextAtMs).toBe(startMs)
        let nowMs = startMs
        for (const took of tookMs) {
          const firedMs = Math.max(nowMs, state.nextAtMs)
          state = triggered(trigger, state, firedMs)
          expect(state.nextAtMs % intervalMs).toBe(0)
          expect(state.nextAtMs).toBeGreaterThan(firedMs)
          expect(state.nextAtMs - firedMs).toBeLessThanOrEqual(intervalMs)
          nowMs = firedMs + took
        }
      },
    ),
  )
})

test('a clock that is set back keeps no trigger from firing for more than an interval', () => {
  const grid: Trigger = { type: 'processingTime', intervalMs: 1000 }
  const state = triggered(grid, firstTrigger(3_600_400, 0), 3_600_400)
  expect(untilTrigger(grid, state, 3_600_400)).toBe(600)
  expect(untilTrigger(grid, state, 3_601_500)).toBe(0)
  expect(untilTrigger(grid, state, 400)).toBe(0)
  for (const type of ['default', 'once', 'availableNow'] as const) {
    expect(untilTrigger({ type }, firstTrigger(3_600_000, 0), 0)).toBe(0)
  }
})

/** The choices of a run that sees these situations, up to its end. */
function choices(trigger: Trigger, situations: readonly Situation[], pending = 0): Choice[] {
  let state = firstTrigger(0, pending)
  const made: Choice[] = []
  for (const situation of situations) {
    const choice = choose(trigger, state, situation)
    made.push(choice)
    if (choice === 'finish') break
    state = chosen(state, choice)
  }
  return made
}

const data = { ...nothing, hasData: true }
const moved = { ...nothing, watermarkMoved: true }
const due = { ...moved, isDue: true }

test('once runs one epoch over everything, no empty one, and a pending epoch is the one', () => {
  expect(choices({ type: 'once' }, [data, data])).toEqual(['data', 'finish'])
  expect(choices({ type: 'once' }, [data, due])).toEqual(['data', 'finish'])
  expect(choices({ type: 'once' }, [data], 1)).toEqual(['finish'])
  expect(choices({ type: 'once' }, [nothing])).toEqual(['finish'])
})

test('availableNow ends with an empty epoch if the watermark moved, whatever it would do', () => {
  const trigger: Trigger = { type: 'availableNow' }
  expect(choices(trigger, [data, data, moved, due])).toEqual(['data', 'data', 'empty', 'finish'])
  expect(choices(trigger, [data, nothing])).toEqual(['data', 'finish'])
  expect(choices(trigger, [nothing])).toEqual(['finish'])
  const off = { noDataEpochs: false }
  expect(choices(trigger, [data, { ...due, ...off }])).toEqual(['data', 'finish'])
})

test('a bounded input that is flushed ends with the flush instead', () => {
  const flush = { wantsFlush: true }
  const trigger: Trigger = { type: 'availableNow' }
  const run = [{ ...data, ...flush }, { ...due, ...flush }, nothing]
  expect(choices(trigger, run)).toEqual(['data', 'flush', 'finish'])
  expect(choices({ type: 'once' }, run)).toEqual(['data', 'flush', 'finish'])
})

test('while a query runs on, an empty epoch runs only when it would do something', () => {
  for (const type of ['default', 'continuous', 'processingTime'] as const) {
    const trigger: Trigger = type === 'default' ? { type } : { type, intervalMs: 10 }
    expect(choices(trigger, [nothing, moved, due, data])).toEqual(['wait', 'skip', 'empty', 'data'])
    const off = { noDataEpochs: false }
    expect(
      choices(trigger, [
        { ...moved, ...off },
        { ...due, ...off },
      ]),
    ).toEqual(['wait', 'wait'])
  }
})
