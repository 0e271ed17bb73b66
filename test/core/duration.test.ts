import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  formatDuration,
  intervalMicros,
  parseDuration,
  parseInterval,
} from '../../src/core/duration.ts'

test.each([
  ['10 minutes', 600_000_000],
  ['1 hour 30 minutes', 5_400_000_000],
  ['500 ms', 500_000],
  ['500 milliseconds', 500_000],
  ['interval 5 seconds', 5_000_000],
  ['INTERVAL 2 DAYS', 172_800_000_000],
  ['1 week', 604_800_000_000],
  ['1.5 seconds', 1_500_000],
  ['7 us', 7],
  ['0 seconds', 0],
  ['10s', 10_000_000],
  ['2 hours -30 minutes', 5_400_000_000],
])('%s is %d microseconds', (text, micros) => {
  expect(parseDuration(text)).toBe(micros)
})

test.each([
  ['', 'empty'],
  ['interval', 'empty'],
  ['10', 'not a number and a unit'],
  ['minutes', 'not a number and a unit'],
  ['10 lightyears', 'no unit "lightyears"'],
  ['1 month', 'no fixed length'],
  ['1 year', 'no fixed length'],
  ['1.5 hours', 'fraction'],
  ['-10 seconds', 'negative'],
  ['10 minutes and more', 'not a number and a unit'],
  ['9007199254740993 hours', 'too long'],
])('"%s" is refused: %s', (text, why) => {
  expect(() => parseDuration(text)).toThrow(/^DURATION_INVALID/)
  expect(() => parseDuration(text)).toThrow(why)
})

test('a negative duration is read where it is allowed', () => {
  expect(parseDuration('-10 seconds', { negative: true })).toBe(-10_000_000)
})

test('months count 31 days when a delay is measured, so less than a whole may be negative', () => {
  expect(intervalMicros(parseInterval('1 year -13 months'))).toBeLessThan(0)
  expect(intervalMicros(parseInterval('1 month -40 days'))).toBeLessThan(0)
  expect(intervalMicros(parseInterval('1 month -31 days'))).toBe(0)
  expect(intervalMicros(parseInterval('1 month -30 days'))).toBe(86_400_000_000)
})

test('what formatDuration writes, parseDuration reads as the same number', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (micros) => {
      expect(parseDuration(formatDuration(micros), { negative: true })).toBe(micros)
    }),
  )
})

test('durations are written with the fewest words', () => {
  expect(formatDuration(5_400_000_000)).toBe('1 hour 30 minutes')
  expect(formatDuration(0)).toBe('0 seconds')
  expect(formatDuration(-10_000_000)).toBe('-10 seconds')
  expect(formatDuration(1_000_001)).toBe('1 second 1 microsecond')
})
