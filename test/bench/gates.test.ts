import { expect, test } from 'vitest'
import { type GateFigure, gateTable } from '../../bench/gates.ts'
import { gateVerdict, missedTwice } from '../../bench/verdict.ts'

const rate: GateFigure = {
  name: 'q0 from memory',
  value: 5_000_000,
  bound: 5_000_000,
  direction: 'at least',
  unit: 'ev/cpu-s',
  doubts: [],
  margin: 0,
}

test('a bound that is just reached is met, in both directions', () => {
  expect(gateVerdict(rate)).toBe('met')
  expect(gateVerdict({ ...rate, value: 4_999_999 })).toBe('MISSED')
  expect(gateVerdict({ ...rate, direction: 'at most' })).toBe('met')
  expect(gateVerdict({ ...rate, direction: 'at most', value: 5_000_001 })).toBe('MISSED')
})

test('on an unsteady machine only what is further from its bound than that is met or missed', () => {
  const unsteady = { ...rate, margin: 0.1 }
  expect(gateVerdict({ ...unsteady, value: 5_500_000 })).toBe('met')
  expect(gateVerdict({ ...unsteady, value: 5_499_999 })).toBe('VOID')
  expect(gateVerdict({ ...unsteady, value: 4_500_000 })).toBe('VOID')
  expect(gateVerdict({ ...unsteady, value: 4_499_999 })).toBe('MISSED')
  const most = { ...unsteady, direction: 'at most' } as const
  expect(gateVerdict({ ...most, value: 4_500_000 })).toBe('met')
  expect(gateVerdict({ ...most, value: 5_500_000 })).toBe('VOID')
  expect(gateVerdict({ ...most, value: 5_500_001 })).toBe('MISSED')
})

test('a figure that is not a number meets nothing', () => {
  expect(gateVerdict({ ...rate, value: Number.NaN })).toBe('VOID')
})

test('what was not met fails the run unless it is met when it is measured again', () => {
  const met = { ...rate, name: 'met' }
  const slow = { ...rate, name: 'slow', value: 1 }
  const none = { ...rate, name: 'none', value: Number.NaN }
  const names = (again: readonly GateFigure[]) =>
    missedTwice([met, slow, none], again).map(({ name }) => name)
  expect(names([])).toEqual(['slow', 'none'])
  expect(names([{ ...slow, value: rate.bound }, none])).toEqual(['none'])
  expect(names([slow, { ...none, value: rate.bound }])).toEqual(['slow'])
  // Memory does not go by what else the machine does.
  const large = { ...slow, unit: 'bytes' }
  expect(missedTwice([large], [{ ...large, value: rate.bound }])).toEqual([large])
  // What was met once is not asked again, whatever happens to it beside the others.
  expect(
    names([
      { ...met, value: 1 },
      { ...slow, value: rate.bound },
    ]),
  ).toEqual(['none'])
})

test('the table names the figure, the bound and the verdict', () => {
  const cost = {
    ...rate,
    name: 'cost',
    value: 1.0834,
    bound: 1.1,
    direction: 'at most',
    unit: 'times',
  } as const
  expect(gateTable([rate, cost])).toBe(
    [
      'gate            measured          bound             ',
      '--------------  ----------------  ----------------  ---',
      'q0 from memory  5000000 ev/cpu-s  at least 5000000  met',
      'cost            1.08 times        at most 1.1       met',
    ]
      .map((line) => line.trimEnd())
      .join('\n'),
  )
})
