import { expect, test } from 'vitest'
import { builtinRegistry } from '../../src/connectors/builtins.ts'
import { noopSink } from '../../src/connectors/noop/sink.ts'
import { durationOption, optionOf } from '../../src/connectors/option-spec.ts'
import { rateSource } from '../../src/connectors/rate/source.ts'
import { checkOptions } from '../../src/connectors/registry.ts'
import { socketSource } from '../../src/connectors/socket/source.ts'

test('formats are found in any letter case', () => {
  const registry = builtinRegistry()
  expect(registry.source('Rate').format).toBe('rate')
  expect(registry.sink('CONSOLE').format).toBe('console')
})

test('an unknown format is refused with the nearest name', () => {
  const registry = builtinRegistry()
  expect(() => registry.source('sockt')).toThrow(/SOURCE_NOT_FOUND[\s\S]*mean socket\?/)
  expect(() => registry.sink('kosole')).toThrow(/SOURCE_NOT_FOUND[\s\S]*mean console\?/)
})

test('a format of the user is found, and replaces a built-in one', () => {
  const registry = builtinRegistry()
  const own = { ...rateSource, format: 'Meter' }
  registry.addSource(own)
  registry.addSink({ ...noopSink, format: 'memory' })
  expect(registry.source('meter')).toBe(own)
  expect(registry.sink('memory').options).toBe(noopSink.options)
})

test('checked options have lower-case names', () => {
  const options = checkOptions(rateSource, { RowsPerSecond: '5', rampuptime: '2s' })
  expect([...options]).toEqual([
    ['rowspersecond', '5'],
    ['rampuptime', '2s'],
  ])
})

test('an unknown option is refused with the nearest name', () => {
  expect(() => checkOptions(rateSource, { rowPerSecond: '5' })).toThrow(
    /OPTION_UNKNOWN: rate has no option rowPerSecond[\s\S]*mean rowsPerSecond\?/,
  )
})

test.each([
  ['rowsPerSecond', '0'],
  ['rowsPerSecond', 'many'],
  ['rowsPerSecond', '1.5'],
  ['rampUpTime', 'soon'],
])('option %s cannot be %s', (name, value) => {
  expect(() => checkOptions(rateSource, { [name]: value })).toThrow(/CONFIG_INVALID/)
})

test('a required option is missed', () => {
  expect(() => checkOptions(socketSource, { host: 'localhost' })).toThrow(
    /CONFIG_INVALID: The option port cannot be left out/,
  )
})

test('a duration without a unit counts seconds', () => {
  const spec = durationOption({ name: 'wait', description: 'How long.' })
  expect(optionOf(new Map([['wait', '3']]), spec)).toBe(3_000_000)
  expect(optionOf(new Map([['wait', '3 ms']]), spec)).toBe(3000)
  expect(optionOf(new Map(), spec)).toBe(undefined)
})

test('every built-in option has its initial value among those it accepts', () => {
  const registry = builtinRegistry()
  const names = ['memory', 'push', 'rate', 'rate-micro-batch', 'rows', 'socket']
  const specs = names.flatMap((name) => registry.source(name).options)
  expect(specs.length).toBeGreaterThan(8)
  for (const { initial, parse } of specs) {
    if (initial !== undefined) expect(parse(initial)).not.toBe(undefined)
  }
})
