import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ByHandName, byHandNames, byHandPrograms } from '../../bench/by-hand/programs.ts'
import type { Cell } from '../../bench/checksum.ts'
import { type Gate, openGate, passed } from '../../bench/gate.ts'
import { writeJsonLines } from '../../bench/nexmark/json-lines.ts'

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

function rowsByHand(query: ByHandName, from = path): readonly (readonly Cell[])[] {
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
  const dateTime = dateTimeAt(second)
  const bid = { auction, bidder: 1, price, channel: 'c', url: 'u', dateTime, extra: 'é"\\', seq: 1 }
  return JSON.stringify({ event_type: 2, person: null, auction: null, bid })
}

function dateTimeAt(second: number): string {
  return `2020-01-01 23:59:${second.toFixed(3).padStart(6, '0')}`
}

/** Who registers and who sells, before and after each other, at the edges of windows, in other states and categories. */
const peopleAndAuctions = [
  { seller: 1, id: 10, category: 10, second: 9.999 },
  { person: 1, name: 'Ann', state: 'OR', second: 9.999 },
  { person: 2, name: 'Bob', state: 'ID', second: 10 },
  { seller: 2, id: 20, category: 10, second: 9.999 },
  { seller: 2, id: 21, category: 10, second: 12 },
  { seller: 2, id: 22, category: 11, second: 12 },
  { person: 3, name: 'Cid', state: 'WA', second: 13 },
  { seller: 3, id: 30, category: 10, second: 13 },
  { person: 4, name: 'Dee', state: 'CA', second: 12 },
  { seller: 4, id: 40, category: 10, second: 20 },
  { seller: 5, id: 50, category: 10, second: 20 },
  { person: 1, name: 'Ann', state: 'CA', second: 19.999 },
  { seller: 1, id: 11, category: 12, second: 18 },
]

function otherLine(row: (typeof peopleAndAuctions)[number]): string {
  const dateTime = dateTimeAt(row.second)
  if (row.person !== undefined) {
    const { person: id, name, state } = row
    const person = { id, name, city: 'Ö', state, dateTime, extra: 'e' }
    return JSON.stringify({ event_type: 0, person, auction: null, bid: null })
  }
  const { id, seller, category } = row
  const auction = { id, seller, category, dateTime, expires: dateTime, extra: 'e' }
  return JSON.stringify({ event_type: 1, person: null, auction, bid: null })
}

test.each(byHandNames)(
  'the program by hand for %s gives the rows of the oracle in the corners too',
  async (query) => {
    const from = join(mkdtempSync(join(tmpdir(), 'millrace-corners-')), 'events.jsonl')
    const lines = [...corners.map(cornerLine), ...peopleAndAuctions.map(otherLine)]
    writeFileSync(from, lines.join('\n'))
    const cornerGate = await openGate(from)
    const result = await cornerGate.check(query, rowsByHand(query, from))
    await cornerGate.close()
    expect(result.examples).toEqual([])
    expect(passed(result)).toBe(true)
  },
)

test.each(byHandNames)('the program by hand for %s gives the rows of the oracle', async (query) => {
  const result = await gate.check(query, rowsByHand(query))
  expect(result.examples).toEqual([])
  expect(passed(result)).toBe(true)
})

test.each(byHandNames)(
  'the gate for %s sees a missing, a doubled and a changed row',
  async (query) => {
    const rows = rowsByHand(query)
    const [first = [], ...rest] = rows
    expect(await gate.check(query, rest)).toMatchObject({ missing: 1, unexpected: 0 })
    const changed = [
      ...rest,
      first.map((cell, column) => (column === first.length - 1 ? otherThan(cell) : cell)),
    ]
    expect(await gate.check(query, changed)).toMatchObject({ missing: 1, unexpected: 1 })
    // In update mode the second of two equal rows only repeats the first.
    const unexpected = query === 'q17' ? 0 : 1
    expect(await gate.check(query, [...rows, first])).toMatchObject({ missing: 0, unexpected })
  },
)

function otherThan(cell: Cell): Cell {
  return typeof cell === 'string' ? `${cell}!` : Number(cell) + 1e6
}

test('of a query in update mode the last row of a key counts', async () => {
  const rows = rowsByHand('q17')
  const outdated = rows.map((row) => row.map((cell, column) => (column === 2 ? 0 : cell)))
  expect(passed(await gate.check('q17', [...outdated, ...rows]))).toBe(true)
  expect(passed(await gate.check('q17', [...rows, ...outdated]))).toBe(false)
})
