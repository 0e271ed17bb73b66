import { expect, test } from 'vitest'
import { checkpointCost, isOpen } from '../../bench/checkpoint-cost.ts'

test('the cost goes by the fastest runs, whatever disturbed the others', () => {
  const cost = checkpointCost([4.4, 4.2, 9], [4.1, 4, 4.3])
  expect(cost.ratio).toBeCloseTo(1.05)
  expect(cost.min).toBeCloseTo(4.2 / 4.1)
  expect(cost.max).toBeCloseTo(1.1)
  expect(() => checkpointCost([1], [1, 1])).toThrow(RangeError)
})

test('it is open while one run more or less would move it over the bound', () => {
  const cost = { ratio: 1.05, min: 1.02, max: 1.12 }
  expect(isOpen(cost, 1.1)).toBe(true)
  expect(isOpen({ ...cost, max: 1.1 }, 1.1)).toBe(false)
  expect(isOpen({ ratio: 1.12, min: 1.09, max: 1.2 }, 1.1)).toBe(true)
  expect(isOpen({ ratio: 1.2, min: 1.11, max: 1.3 }, 1.1)).toBe(false)
})
