import { expect, test } from 'vitest'
import { mustBeSameRows } from '../../properties/laws/same-rows.ts'

test('rows are the same in any order and up to the last digits of numbers', () => {
  const left = [
    [1, 2e-9],
    ['a', 7.9e-40],
    ['a', -2.5e-123],
    ['a', -0.0000093],
    [0.1 + 0.2, null],
  ]
  const right = [
    [0.3, null],
    ['a', -0.0000093],
    ['a', 7.9e-40],
    [1, 2e-9],
    ['a', -2.5e-123],
  ]
  expect(() => {
    mustBeSameRows('rows', left, right)
  }).not.toThrow()
})

test('numbers on both sides of a rounded digit are the same', () => {
  const [below, above] = [0.00005 - 1e-12, 0.00005 + 1e-12]
  const left = [
    [below, 'x'],
    [0.00004, 'y'],
    [below, 'z'],
  ]
  const right = [
    [above, 'z'],
    [0.00004, 'y'],
    [above, 'x'],
  ]
  expect(() => {
    mustBeSameRows('rows', left, right)
  }).not.toThrow()
})

test.each([
  { what: 'a row too many', left: [['a'], ['a']], right: [['a']] },
  { what: 'a row too few', left: [['a']], right: [['a'], ['a']] },
  { what: 'another number', left: [['a', 1.001]], right: [['a', 1]] },
  { what: 'another text', left: [['a', 1]], right: [['b', 1]] },
  {
    what: 'rows that swapped a value',
    left: [
      ['a', 1],
      ['b', 2],
    ],
    right: [
      ['a', 2],
      ['b', 1],
    ],
  },
])('$what is found', ({ left, right }) => {
  expect(() => {
    mustBeSameRows('rows', left, right)
  }).toThrow('rows')
})
