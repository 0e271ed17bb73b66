import { expect, test } from 'vitest'
import { checkpointCost, isOpen } from '../../bench/checkpoint-cost.ts'

test('the cost goes by the fastest runs, whatever disturbed the others', () => {
  const cost = checkpointCost([4.4, 4.2, 9], [4.1, 4, 4.3])
  expect(cost.ratio).toBeCloseTo(1.05)
  expect(cost.max).toBeCloseTo(1.1)
  expect(() => checkpointCost([1], [1, 1])).toThrow(RangeError)
})

test('it is open until the bound holds, also without the fastest run', () => {
  expect(isOpen({ ratio: 1.05, max: 1.12 }, 1.1)).toBe(true)
  expect(isOpen({ ratio: 1.2, max: 1.3 }, 1.1)).toBe(true)
  expect(isOpen({ ratio: 1.05, max: 1.1 }, 1.1)).toBe(false)
})
