import { expect, test } from 'vitest'
import { checkpointCost, isOpen } from '../../bench/checkpoint-cost.ts'

test('the cost goes by the fastest quarter of the runs, whatever disturbed the others', () => {
  const few = checkpointCost([4.4, 4.2, 9], [4.1, 4, 4.3])
  expect(few.ratio).toBeCloseTo(1.05)
  expect(few.max).toBeCloseTo(1.1)
  const often = [4.4, 9, 4.2, 5, 4.6, 7, 6, 8]
  const once = [4, 4, 3, 4, 5, 6, 7, 8]
  const many = checkpointCost(often, once)
  expect(many.ratio).toBeCloseTo(4.3 / 3.5)
  expect(many.max).toBeCloseTo(4.5 / 3.5)
  expect(() => checkpointCost([1], [1, 1])).toThrow(RangeError)
  expect(() => checkpointCost([1, 1], [1])).toThrow(RangeError)
})

test('it is open until the bound holds, also without the fastest run', () => {
  expect(isOpen({ ratio: 1.05, max: 1.12 }, 1.1)).toBe(true)
  expect(isOpen({ ratio: 1.2, max: 1.3 }, 1.1)).toBe(true)
  expect(isOpen({ ratio: 1.05, max: 1.1 }, 1.1)).toBe(false)
})
