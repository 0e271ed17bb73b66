import { expect, test } from 'vitest'
import { type GateFigure, gateTable, gateVerdict } from '../../bench/gates.ts'

const rate: GateFigure = {
  name: 'q0 from memory',
  value: 5_000_000,
  bound: 5_000_000,
  direction: 'at least',
  unit: 'ev/cpu-s',
  doubts: [],
}

test('a bound that is just reached is met, in both directions', () => {
  expect(gateVerdict(rate)).toBe('met')
  expect(gateVerdict({ ...rate, value: 4_999_999 })).toBe('MISSED')
  expect(gateVerdict({ ...rate, direction: 'at most' })).toBe('met')
  expect(gateVerdict({ ...rate, direction: 'at most', value: 5_000_001 })).toBe('MISSED')
})

test('a void run neither meets nor misses, other doubts leave the verdict', () => {
  expect(gateVerdict({ ...rate, value: 1, doubts: ['void: the loop drifted'] })).toBe('VOID')
  expect(gateVerdict({ ...rate, doubts: ['busy machine'] })).toBe('met')
})

test('a figure that is not a number meets nothing', () => {
  expect(gateVerdict({ ...rate, value: Number.NaN })).toBe('MISSED')
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
