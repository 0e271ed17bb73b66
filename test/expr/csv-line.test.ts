import fc from 'fast-check'
import { expect, test } from 'vitest'
import { csvText, splitCsv } from '../../src/expr/csv-line.ts'

const dialects = fc.record({
  separator: fc.constantFrom(',', ';', '||', '\t'),
  quote: fc.constantFrom('"', "'", '$'),
  escapeChar: fc.constantFrom('\\', '"', '$', ''),
})

test('a line that was written is read as the same values', () => {
  const text = fc.string({ unit: fc.constantFrom('a', ' ', ',', ';', '|', '"', "'", '$', '\\') })
  fc.assert(
    fc.property(dialects, fc.array(text, { minLength: 1, maxLength: 4 }), (dialect, values) => {
      const line = values.map((value) => csvText(value, '', dialect)).join(dialect.separator)
      expect(splitCsv(line, dialect)?.map((field) => field.text)).toEqual(values)
    }),
    { numRuns: 2000 },
  )
})

test('without a quote a value is written as it stands', () => {
  const dialect = { separator: ',', quote: '', escapeChar: '\\' }
  expect(csvText('it is', '', dialect)).toBe('it is')
  expect(csvText(' ab ', '', dialect)).toBe(' ab ')
})
