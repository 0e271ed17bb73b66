import { expect, test } from 'vitest'
import { columnOf } from '../../src/batch/build.ts'
import { hashKeys } from '../../src/batch/key-hash.ts'
import { longType } from '../../src/batch/schema.ts'
import { freshMemory, GrowthReserve } from '../../src/operators/keyed/growth-reserve.ts'
import { KeyedTable } from '../../src/operators/keyed/keyed-table.ts'
import { NumberValues } from '../../src/operators/keyed/number-values.ts'

/** A reserve whose table has just grown to so many slots of 4 and 8 bytes. */
function grownTo(capacity: number): GrowthReserve {
  const reserve = new GrowthReserve()
  reserve.begin()
  reserve.use(capacity, () => {
    freshMemory(capacity * 4)
    freshMemory(capacity * 8)
  })
  reserve.end()
  return reserve
}

test('memory is fetched while the last slots are filled, and a growth takes it', () => {
  const reserve = grownTo(16_384)
  reserve.prepare(14_000, 16_384)
  expect(reserve.byteLength).toBe(0)
  reserve.prepare(14_600, 16_384)
  expect(reserve.byteLength).toBe(2 * 16_384 * 4)
  reserve.prepare(16_384, 16_384)
  expect(reserve.byteLength).toBe(2 * 16_384 * 12)
  reserve.begin()
  reserve.use(32_768, () => {
    const first = new Uint8Array(freshMemory(32_768 * 4))
    expect(first).toEqual(new Uint8Array(32_768 * 4))
    expect(reserve.byteLength).toBe(32_768 * 8)
  })
  reserve.end()
  // The other array is no more.
  expect(reserve.byteLength).toBe(0)
})

test('a small table fetches nothing, and what a growth did not find it makes', () => {
  const small = grownTo(2048)
  small.prepare(2048, 2048)
  expect(small.byteLength).toBe(0)
  expect(freshMemory(24).byteLength).toBe(24)
  const reserve = grownTo(16_384)
  reserve.prepare(16_384, 16_384)
  reserve.use(32_768, () => expect(freshMemory(12_345).byteLength).toBe(12_345))
})

test('a table keeps its entries while it grows out of its reserve, and counts what it holds', () => {
  const values = new NumberValues(-1)
  const table = new KeyedTable([longType], [values])
  let held = 0
  for (let from = 0; from < 40_000; from += 200) {
    const keys = Array.from({ length: 200 }, (_, k) => BigInt(from + k))
    const columns = [columnOf(longType, keys)]
    const slots = table.slotsOf(columns, hashKeys(columns, [longType], undefined, 200), undefined)
    slots.forEach((slot, k) => {
      expect(values.numbers[slot]).toBe(-1)
      values.numbers[slot] = from + k
    })
    const { reserve } = table.keys
    held = Math.max(held, reserve.byteLength)
    expect(table.byteLength()).toBeGreaterThan(reserve.byteLength)
  }
  // From 32,768 slots to twice as many: hashes, keys, stamps, values, and two places of four bytes for each.
  expect(held).toBe(65_536 * (4 + 8 + 4 + 8 + 2 * 4))
  expect([...values.numbers.subarray(0, 40_000)]).toEqual([...Array(40_000).keys()])
})
