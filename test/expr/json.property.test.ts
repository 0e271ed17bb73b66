import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { DataType } from '../../src/batch/schema.ts'
import { typeText } from '../../src/batch/schema.ts'
import type { Value } from '../../src/batch/value.ts'
import { noContext } from '../../src/expr/expression.ts'
import { interpret } from '../../src/expr/interpret.ts'
import { type JsonNode, parseJson } from '../../src/expr/json-node.ts'
import { call } from '../../src/expr/resolve.ts'
import { columnTypes } from './random-batches.ts'
import { diceOf, randomValue } from './random-values.ts'

function plain(node: JsonNode): unknown {
  switch (node.kind) {
    case 'null':
      return null
    case 'true':
    case 'false':
      return node.kind === 'true'
    case 'number':
      return Number(node.text)
    case 'string':
      return node.text
    case 'array':
      return node.items.map(plain)
    default:
      return Object.fromEntries(node.entries.map(([key, item]) => [key, plain(item)]))
  }
}

function trusted(text: string): unknown {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return undefined
  }
}

/** JSON, and JSON with one character put somewhere or taken out, which may or may not be JSON. */
const nearlyJson = fc
  .record({
    text: fc.json({ maxDepth: 3, noUnicodeString: false }),
    at: fc.nat(),
    put: fc.constantFrom(
      '',
      '',
      ' ',
      '"',
      '\\',
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '0',
      '-',
      '.',
      'e',
      'n',
      '\n',
      '\\u00e9',
    ),
    taken: fc.constantFrom(0, 1),
  })
  .map(({ text, at, put, taken }) => {
    const cut = at % (text.length + 1)
    const changed = text.slice(0, cut) + put + text.slice(cut + taken)
    // Texts of columns have no halves of surrogate pairs, and escapes of them are read as U+FFFD.
    return changed.replace(/\p{Cs}/gu, '\ufffd').replace(/\\ud[89a-f]/gi, '\\u00')
  })

test('a text is read as JSON.parse reads it, and refused where that refuses it', () => {
  fc.assert(
    fc.property(nearlyJson, (text) => {
      const node = parseJson(text)
      expect(node === undefined ? undefined : { value: plain(node) }).toEqual(trusted(text))
    }),
    { numRuns: 2000 },
  )
})

const types: readonly DataType[] = columnTypes.map((type, index) => ({
  kind: 'struct',
  fields: [
    { name: `a ${index}`, type, nullable: true },
    { name: 'é"', type: { kind: 'array', element: type, containsNull: true }, nullable: true },
  ],
}))

test('what to_json writes, from_json reads back', () => {
  fc.assert(
    fc.property(fc.noShrink(fc.integer()), fc.nat({ max: types.length - 1 }), (seed, index) => {
      const type = types[index] ?? { kind: 'void' }
      const value = writable(randomValue(diceOf(seed), type, { nulls: 0, wide: true }), type)
      const text = call('to_json', [{ kind: 'literal', value, type }])
      const ddl = { kind: 'literal', value: quotedDdl(type), type: { kind: 'string' } } as const
      const read = call('from_json', [text, ddl])
      expect(interpret(read, () => null, noContext)).toEqual(value)
    }),
    { numRuns: 1000 },
  )
})

/** Dates behind the year 9999 have a text that is not read back. */
function writable(value: Value, type: DataType): Value {
  if (type.kind === 'date') return Math.abs(Number(value)) > 2_932_896 ? 0 : value
  if (!Array.isArray(value)) return value
  return value.map((item, index) => {
    const inner = type.kind === 'struct' ? type.fields[index]?.type : undefined
    return writable(item, type.kind === 'array' ? type.element : (inner ?? type))
  })
}

/** Unlike `typeText`, with names in quotes. */
function quotedDdl(type: DataType): string {
  if (type.kind === 'array') return `array<${quotedDdl(type.element)}>`
  if (type.kind !== 'struct') return typeText(type)
  return `struct<${type.fields.map((each) => `\`${each.name}\`: ${quotedDdl(each.type)}`).join(', ')}>`
}
