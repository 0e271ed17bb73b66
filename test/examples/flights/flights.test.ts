import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { busiestHours } from '../../../examples/flights/chart.ts'
import { difference } from '../../../examples/flights/compare.ts'
import { type Flight, inOrderOfArrival, knownAtMs } from '../../../examples/flights/flight.ts'
import { lateFlights } from '../../../examples/flights/late-model.ts'
import { filesOf, flightsPerFile, prepare, readRecords } from '../../../examples/flights/prepare.ts'

const route = { distance: 100, origin: 'DTW', destination: 'LAS' }
const rule = { delayMs: 30 * 60_000, windowMs: 60 * 60_000 }

test('flights are ordered by scheduled time plus delay, equal times as in the data', () => {
  const flights = inOrderOfArrival([
    { date: '2001/01/01 08:00', delay: 90, ...route },
    { date: '2001/01/01 09:00', delay: -5, ...route },
    { date: '2001/01/01 09:30', delay: 0, ...route },
  ])
  expect(flights.map(({ flight }) => flight)).toEqual([1, 0, 2])
  expect(flights[0]?.scheduled).toBe('2001-01-01T09:00:00.000Z')
})

test('the data set is real, disordered and complete', () => {
  const records = readRecords()
  const flights = inOrderOfArrival(records)
  expect(flights).toHaveLength(20_000)
  expect(new Set(flights.map(({ flight }) => flight)).size).toBe(20_000)
  const scheduled = flights.map((flight) => Date.parse(flight.scheduled))
  const backwards = scheduled.filter((at, index) => at < (scheduled[index - 1] ?? 0)).length
  expect(backwards).toBeGreaterThan(1_000)
  expect(
    flights.every(
      (flight, i) => i === 0 || knownAtMs(flight) >= knownAtMs(flights[i - 1] ?? flight),
    ),
  ).toBe(true)
  const late = lateFlights(filesOf(flights), rule)
  expect(late.length).toBeGreaterThan(10)
  expect(late.length).toBeLessThan(200)
})

test('the files hold every flight once, in order, and a second call leaves them alone', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-flights-'))
  try {
    const input = join(folder, 'input')
    const records = readRecords().slice(0, 3 * flightsPerFile + 1)
    // What a killed run left behind does not get in.
    mkdirSync(`${input}.unfinished/old`, { recursive: true })
    prepare(input, records)
    const files = readdirSync(input).sort()
    expect(files).toHaveLength(4)
    const lines = files.flatMap((file) =>
      readFileSync(join(input, file), 'utf8').trim().split('\n'),
    )
    expect(lines.map((line) => JSON.parse(line))).toEqual(inOrderOfArrival(records))
    const times = files.map((file) => statSync(join(input, file)).mtimeMs)
    expect(times).toEqual([...new Set(times)].sort((left, right) => left - right))
    expect(existsSync(`${input}.unfinished`)).toBe(false)
    prepare(input, [])
    expect(readdirSync(input)).toHaveLength(4)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a flight is late when its window ended by the watermark of the epoch before the last', () => {
  const epochs = [
    [at(0, '10:05'), at(1, '12:00')],
    // The watermark is now 11:30, but only the next epoch closes by it.
    [at(2, '10:10')],
    // Judged by 11:30: the window 10:00–11:00 is gone, the window 11:00–12:00 is open.
    [at(3, '10:59'), at(4, '11:00'), at(5, '13:00')],
    [at(6, '11:59')],
    // Judged by 12:30.
    [at(7, '11:59'), at(8, '12:00')],
  ]
  expect(lateFlights(epochs, rule)).toEqual([3, 7])
  // A window is closed by a watermark that equals its end.
  const edge = [[at(0, '11:30')], [], [at(1, '10:59'), at(2, '11:00')]]
  expect(lateFlights(edge, rule)).toEqual([1])
})

test('the chart shows the busiest hours first, with delays weighted by flights', () => {
  const lines = busiestHours(
    [
      { hour: '2001-01-01T08:00:00.000Z', origin: 'DTW', flights: 1, averageDelay: 10 },
      { hour: '2001-01-02T08:00:00.000Z', origin: 'LAS', flights: 3, averageDelay: 2 },
      { hour: '2001-01-01T09:00:00.000Z', origin: 'DTW', flights: 2, averageDelay: 0 },
      { hour: '2001-01-01T23:00:00.000Z', origin: 'DTW', flights: 1, averageDelay: -4 },
    ],
    2,
  )
  expect(lines).toEqual([
    `08:00 ${'█'.repeat(32)}     4 flights,   4.0 min late`,
    `09:00 ${'█'.repeat(16).padEnd(32)}     2 flights,   0.0 min late`,
  ])
})

test('answers are compared as sets with repetition, columns by name', () => {
  const a = { hour: new Date(0), flights: 1n }
  const b = { hour: new Date(0), flights: 2n }
  expect(difference([a, b], [{ flights: 2n, hour: new Date(0) }, a])).toEqual({
    onlyLeft: [],
    onlyRight: [],
  })
  expect(difference([a, a], [a]).onlyLeft).toHaveLength(1)
  const both = difference([a], [b])
  expect([both.onlyLeft.length, both.onlyRight.length]).toEqual([1, 1])
  // A LONG is not the DOUBLE of the same size.
  expect(difference([{ flights: 1 }], [{ flights: 1n }]).onlyLeft).toHaveLength(1)
})

function at(flight: number, time: string): Flight {
  return { flight, scheduled: `2001-01-01T${time}:00.000Z`, delay: 0, ...route }
}
