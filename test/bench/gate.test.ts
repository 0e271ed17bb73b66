import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { byHandPrograms } from '../../bench/by-hand/programs.ts'
import type { Cell } from '../../bench/checksum.ts'
import { type Gate, openGate, passed } from '../../bench/gate.ts'
import { writeJsonLines } from '../../bench/nexmark/json-lines.ts'
import { type QueryName, queryNames } from '../../bench/nexmark/results.ts'

const path = join(mkdtempSync(join(tmpdir(), 'millrace-gate-test-')), 'events.jsonl')

/** 20,000 events at 500 a second: 40 s of event time, so windows do close before the end. */
const events = 20_000

let gate: Gate

beforeAll(async () => {
  writeJsonLines(path, events, { seed: 7, ratePerSecond: 500 })
  gate = await openGate(path)
})

afterAll(async () => {
  await gate.close()
})

function rowsByHand(query: QueryName, from = path): readonly (readonly Cell[])[] {
  const rows: (readonly Cell[])[] = []
  byHandPrograms[query](from, { row: (cells) => rows.push(cells) })
  return rows
}

/** Ties, times at the edges of windows, times out of order by less than the delay, prices at the bounds of bands. */
const corners = [
  { auction: 123, price: 9_999, second: 10 },
  { auction: 123, price: 10_000, second: 9.999 },
  { auction: 5, price: 10_000, second: 12 },
  { auction: 5, price: 10_000, second: 12 },
  { auction: 6, price: 999_999, second: 19.999 },
  { auction: 246, price: 1_000_000, second: 20 },
  { auction: 246, price: 999_999, second: 17.5 },
  { auction: 7, price: 1_000_000, second: 23.9 },
  { auction: 7, price: 1_000_000, second: 20.1 },
  { auction: 8, price: 100, second: 57 },
  { auction: 8, price: 1_000_001, second: 55 },
]

function cornerLine({ auction, price, second }: (typeof corners)[number]): string {
  const dateTime = `2020-01-01 23:59:${second.toFixed(3).padStart(6, '0')}`
  const bid = { auction, bidder: 1, price, channel: 'c', url: 'u', dateTime, extra: 'é"\\' }
  return JSON.stringify({ event_type: 2, person: null, auction: null, bid })
}

test.each(queryNames)(
  'the program by hand for %s gives the rows of the oracle in the corners too',
  async (query) => {
    const from = join(mkdtempSync(join(tmpdir(), 'millrace-corners-')), 'events.jsonl')
    writeFileSync(from, corners.map(cornerLine).join('\n'))
    const cornerGate = await openGate(from)
    const result = await cornerGate.check(query, rowsByHand(query, from))
    await cornerGate.close()
    expect(result.examples).toEqual([])
    expect(passed(result)).toBe(true)
  },
)

test.each(queryNames)('the program by hand for %s gives the rows of the oracle', async (query) => {
  const result = await gate.check(query, rowsByHand(query))
  expect(result.examples).toEqual([])
  expect(passed(result)).toBe(true)
})

test.each(queryNames)(
  'the gate for %s sees a missing, a doubled and a changed row',
  async (query) => {
    const rows = rowsByHand(query)
    const [first = [], ...rest] = rows
    expect(await gate.check(query, rest)).toMatchObject({ missing: 1, unexpected: 0 })
    const changed = [
      ...rest,
      first.map((cell, column) => (column === 0 ? Number(cell) + 1e6 : cell)),
    ]
    expect(await gate.check(query, changed)).toMatchObject({ missing: 1, unexpected: 1 })
    // In update mode the second of two equal rows only repeats the first.
    const unexpected = query === 'q17' ? 0 : 1
    expect(await gate.check(query, [...rows, first])).toMatchObject({ missing: 0, unexpected })
  },
)

test('of a query in update mode the last row of a key counts', async () => {
  const rows = rowsByHand('q17')
  const outdated = rows.map((row) => row.map((cell, column) => (column === 2 ? 0 : cell)))
  expect(passed(await gate.check('q17', [...outdated, ...rows]))).toBe(true)
  expect(passed(await gate.check('q17', [...rows, ...outdated]))).toBe(false)
})
