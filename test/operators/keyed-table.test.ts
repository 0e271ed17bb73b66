import { expect, test } from 'vitest'
import { columnOf } from '../../src/batch/build.ts'
import { hashKeys } from '../../src/batch/key-hash.ts'
import { longType } from '../../src/batch/schema.ts'
import { KeyedTable } from '../../src/operators/keyed/keyed-table.ts'

function slotsOf(table: KeyedTable, keys: readonly (bigint | null)[]): number[] {
  const columns = [columnOf(longType, keys)]
  const hashes = hashKeys(columns, [longType], undefined, keys.length)
  return [...table.slotsOf(columns, hashes, undefined)]
}

test('slots keep their numbers and new ones count up when a key is no safe number, also with dead ones between', () => {
  const table = new KeyedTable([longType], [])
  const before = [0n, 1n, null, 3n, 4n, 5n, 6n, 7n, 8n, 9n]
  expect(slotsOf(table, before)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  for (const slot of [1, 4, 5, 9]) table.forget(slot)
  const large = 2n ** 53n + 2n
  expect(slotsOf(table, [large, 11n, 12n, 13n, 14n])).toEqual([10, 11, 12, 13, 14])
  expect(slotsOf(table, before)).toEqual([0, 15, 2, 3, 16, 17, 6, 7, 8, 18])
  expect(table.size).toBe(15)
})
