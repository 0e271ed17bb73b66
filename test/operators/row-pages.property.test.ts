import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PagePool } from '../../src/operators/keyed/page-pool.ts'
import { RowPages } from '../../src/operators/keyed/row-pages.ts'

test('rows of tables that share a pool are read back as they were put in, whatever came and went', () => {
  const sizes = fc.array(
    fc.record({
      size: fc.oneof(
        { weight: 8, arbitrary: fc.integer({ min: 1, max: 60_000 }) },
        { weight: 1, arbitrary: fc.integer({ min: 250_000, max: 300_000 }) },
      ),
      frees: fc.option(fc.nat(), { freq: 2 }),
    }),
    { maxLength: 120 },
  )
  fc.assert(
    fc.property(sizes, (steps) => {
      const pool = new PagePool()
      const tables = [new RowPages(pool), new RowPages(pool)] as const
      const rows: { pages: RowPages; address: number; size: number; fill: number }[] = []
      let live = 0
      steps.forEach(({ size, frees }, step) => {
        const fill = step % 251
        const pages = tables[step % 2 === 0 ? 0 : 1]
        const address = pages.add(new Uint8Array(size).fill(fill), 0, size)
        rows.push({ pages, address, size, fill })
        live += size
        const [gone] = frees === null ? [] : rows.splice(frees % rows.length, 1)
        if (gone === undefined) return
        gone.pages.free(gone.address, gone.size)
        live -= gone.size
      })
      for (const { pages, address, size, fill } of rows) {
        const start = pages.offsetOf(address)
        const { bytes } = pages.pageOf(address)
        const row = bytes.subarray(start, start + size)
        expect(row.length).toBe(size)
        expect(row.every((byte) => byte === fill)).toBe(true)
      }
      expect(tables[0].byteLength() + tables[1].byteLength()).toBeGreaterThanOrEqual(live)
    }),
    { numRuns: 60 },
  )
})

test('pages are given back with the last of their rows, as rows come and go in order', () => {
  const pages = new RowPages()
  const row = new Uint8Array(1000)
  const addresses: number[] = []
  let largest = 0
  for (let step = 0; step < 20_000; step++) {
    addresses.push(pages.add(row, 0, row.length))
    const oldest = addresses.length > 500 ? addresses.shift() : undefined
    if (oldest !== undefined) pages.free(oldest, row.length)
    largest = Math.max(largest, ...addresses.slice(-1))
  }
  expect(pages.byteLength()).toBeLessThan(4 * (1 << 18))
  // Addresses are used again, so that the list of pages does not grow for ever.
  expect(largest).toBeLessThan(8 * (1 << 18))
})

test('pages that one table gives back serve the next, and slabs that nobody needs go', () => {
  const pool = new PagePool()
  const row = new Uint8Array(100_000)
  let largest = 0
  for (let round = 0; round < 20; round++) {
    const pages = new RowPages(pool)
    for (let count = 0; count < 500; count++) pages.add(row, 0, row.length)
    largest = Math.max(largest, pool.byteLength())
    pages.clear()
  }
  expect(largest).toBeLessThan(2 * 500 * (1 << 18))
  expect(pool.byteLength()).toBeLessThanOrEqual(largest / 2)
})
