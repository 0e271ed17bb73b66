import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { columnTables } from '../../bench/nexmark/columns.ts'
import { baseTimeMs, type NexmarkOptions } from '../../bench/nexmark/generator.ts'
import { writeJsonLines, writeJsonLinesFolder } from '../../bench/nexmark/json-lines.ts'
import type { Batch } from '../../src/batch/batch.ts'
import { valueAt } from '../../src/batch/read.ts'
import type { Value } from '../../src/batch/value.ts'

const count = 20_000
const folder = mkdtempSync(join(tmpdir(), 'millrace-generator-'))

function fileOf(options: NexmarkOptions): string {
  const path = join(folder, `${Object.values(options).join('-')}.jsonl`)
  writeJsonLines(path, count, options)
  return path
}

interface Line {
  readonly event_type: number
  readonly person: { readonly id: number; readonly dateTime: string } | null
  readonly auction: { readonly id: number; readonly dateTime: string } | null
  readonly bid: Bid | null
}

interface Bid {
  readonly auction: number
  readonly bidder: number
  readonly price: number
  readonly dateTime: string
}

function linesOf(path: string): readonly Line[] {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  return lines.map((line): Line => JSON.parse(line))
}

function hashOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

test('the same seed gives the same bytes, another seed does not', () => {
  const path = fileOf({ seed: 42 })
  const first = hashOf(path)
  writeJsonLines(path, count, { seed: 42 })
  expect(hashOf(path)).toBe(first)
  expect(hashOf(fileOf({ seed: 43 }))).not.toBe(first)
})

test('2 % of the events are people, 6 % auctions, 92 % bids, and the stream opens with auctions', () => {
  const lines = linesOf(fileOf({ seed: 42 }))
  const kinds = [0, 1, 2].map((kind) => lines.filter((line) => line.event_type === kind).length)
  expect(kinds).toEqual([400, 1200, 18_400])
  expect(lines.slice(0, 3).map((line) => line.event_type)).toEqual([1, 1, 2])
  for (const line of lines) {
    const filled = [line.person, line.auction, line.bid].map((member) => member !== null)
    expect(filled).toEqual([0, 1, 2].map((kind) => kind === line.event_type))
  }
})

test('ids of people and auctions count up from 1000', () => {
  const lines = linesOf(fileOf({ seed: 42 }))
  const people = lines.flatMap((line) => (line.person === null ? [] : [line.person.id]))
  const auctions = lines.flatMap((line) => (line.auction === null ? [] : [line.auction.id]))
  expect(people).toEqual(people.map((_, index) => 1001 + index))
  expect(auctions).toEqual(auctions.map((_, index) => 1001 + index))
})

test('half of the bids are on the hot auction, three quarters from the hot bidder', () => {
  const bids = linesOf(fileOf({ seed: 42 })).flatMap(({ bid }) => (bid === null ? [] : [bid]))
  const share = (matches: (bid: Bid) => boolean): number =>
    bids.filter(matches).length / bids.length
  expect(share((bid) => bid.auction % 100 === 0)).toBeCloseTo(0.5, 1)
  expect(share((bid) => bid.bidder % 100 === 1)).toBeCloseTo(0.75, 1)
  for (const bound of [1e4, 1e6]) {
    const thirds = Math.log10(bound / 100) / 6
    expect(share((bid) => bid.price < bound)).toBeCloseTo(thirds, 1)
  }
})

test('event time advances by the rate alone', () => {
  const bids = linesOf(fileOf({ seed: 42, ratePerSecond: 3000 }))
  const times = bids.map(({ person, auction, bid }) => {
    const text = String((person ?? auction ?? bid)?.dateTime)
    return Date.parse(`${text.replace(' ', 'T')}Z`)
  })
  expect(times).toEqual(times.map((_, index) => baseTimeMs + Math.floor(index / 3)))
})

test('bug-compatible bidders are a thousand higher and nothing else changes', () => {
  const plain = linesOf(fileOf({ seed: 42 }))
  const wrong = linesOf(fileOf({ seed: 42, bugCompatible: true }))
  const repaired = wrong.map((line) =>
    line.bid === null ? line : { ...line, bid: { ...line.bid, bidder: line.bid.bidder - 1000 } },
  )
  expect(repaired).toEqual(plain)
})

test('a folder of files holds the lines of the one file', () => {
  const parts = join(folder, 'parts')
  writeJsonLinesFolder(parts, { events: count, files: 3 }, { seed: 42 })
  const names = readdirSync(parts).sort()
  expect(names).toHaveLength(3)
  const whole = names.map((name) => readFileSync(join(parts, name), 'utf8')).join('')
  expect(whole).toBe(readFileSync(fileOf({ seed: 42 }), 'utf8'))
})

test('column batches hold the same rows as the file', () => {
  const tables = columnTables(count, { seed: 42, batchRows: 1000 })
  const lines = linesOf(fileOf({ seed: 42 }))
  for (const name of ['person', 'auction', 'bid'] as const) {
    const rows = tables[name].batches.flatMap(objectsOf)
    const expected = lines.flatMap((line) => (line[name] === null ? [] : [line[name]]))
    expect(rows).toEqual(expected)
  }
})

function objectsOf(batch: Batch): readonly Readonly<Record<string, unknown>>[] {
  return Array.from({ length: batch.rowCount }, (_, row) =>
    Object.fromEntries(
      batch.schema.map(({ name, type }, index) => {
        const column = batch.columns[index]
        const value = column === undefined ? null : valueAt(column, type, row)
        return [name, type.kind === 'timestamp' ? timeText(value) : plain(value)]
      }),
    ),
  )
}

function plain(value: Value): unknown {
  return typeof value === 'bigint' ? Number(value) : value
}

function timeText(micros: Value): string {
  return new Date(Number(micros) / 1000).toISOString().slice(0, 23).replace('T', ' ')
}
