import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Batch } from '../../src/batch/batch.ts'
import { batchOf } from '../../src/batch/build.ts'
import { rowsOf } from '../../src/batch/read.ts'
import { binaryType, type Schema, stringType } from '../../src/batch/schema.ts'
import { compileStage } from '../../src/expr/compile.ts'
import { type Expression, noContext } from '../../src/expr/expression.ts'
import { interpretStage } from '../../src/expr/interpret-stage.ts'
import { jsonColumns } from '../../src/expr/json-columns.ts'
import { call, castTo } from '../../src/expr/typed-call.ts'

const ddl =
  'a INT, b STRING, c DOUBLE, d TIMESTAMP, e BIGINT, f BOOLEAN, g ARRAY<INT>, h STRUCT<a: INT, x: STRING>, i DECIMAL(10,2), j DATE, k MAP<STRING, INT>, `é` STRING'

const scalar = fc.oneof(
  fc.constantFrom(
    'null',
    'true',
    'false',
    '0',
    '-0',
    '1',
    '12',
    '-7',
    '2147483647',
    '2147483648',
    '1.0',
    '1.5',
    '1e3',
    '1E400',
    '9007199254740993',
    '9223372036854775807',
    '9223372036854775808',
    '123456789.123',
    '01',
    '+1',
    '.5',
    'NaN',
    '"NaN"',
    '"Infinity"',
    '""',
    '"x"',
    '"a\\nb"',
    '"\\u00e9"',
    '"\\ud800"',
    '"\\"',
    '"2026-01-02"',
    '"2026-01-02T03:04:05.678Z"',
    '"2026-01-02 03:04:05"',
    '1700000000',
    '[]',
    '[1,2]',
    '[1,"x"]',
    '{}',
    '{"a":1}',
    '{"a":"x","x":"y"}',
    '{"x":1}',
    '[[1]]',
    '{"p":1,"q":null}',
  ),
  fc.string().map((text) => JSON.stringify(text)),
  fc.double().map((value) => String(value)),
  fc.json({ maxDepth: 2 }),
)
const name = fc.constantFrom(
  'a',
  'b',
  'c',
  'd',
  'e',
  'f',
  'g',
  'h',
  'i',
  'j',
  'k',
  'é',
  'A',
  'other',
)
const gap = fc.constantFrom('', ' ', '\n', '\t', '\r\n', '  ', '\u00a0')
const object = fc.array(fc.tuple(gap, name, gap, scalar, gap), { maxLength: 6 }).map((entries) => {
  const parts = entries.map(
    ([before, key, middle, value, after]) =>
      `${before}${JSON.stringify(key)}${middle}:${middle}${value}${after}`,
  )
  return `{${parts.join(',')}}`
})
/** Mostly objects, some of them cut, changed, or not alone. */
const text = fc.oneof(
  { weight: 6, arbitrary: object },
  { weight: 2, arbitrary: fc.tuple(gap, object, gap).map((parts) => parts.join('')) },
  {
    weight: 1,
    arbitrary: fc.tuple(object, fc.nat(40)).map(([whole, size]) => whole.slice(0, size)),
  },
  { weight: 1, arbitrary: fc.tuple(object, object).map(([one, other]) => `${one}${other}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '',
      ' ',
      '\n',
      '\u00a0',
      '\u0001',
      '[]',
      '[{"a":1},{"a":2}]',
      '1',
      '"x"',
      'null',
      '\ufeff{"a":1}',
      '\u0001{"a":1}',
    ),
  },
  { weight: 1, arbitrary: fc.string() },
)
const bytes = fc.oneof(
  { weight: 5, arbitrary: text.map((value) => new TextEncoder().encode(value)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 30 }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(text, fc.nat(60), fc.integer({ min: 128, max: 255 }))
      .map(([value, at, byte]) => {
        const encoded = new TextEncoder().encode(value)
        return encoded.length === 0 ? encoded : encoded.with(at % encoded.length, byte)
      }),
  },
)

function column(index: number, type: typeof stringType | typeof binaryType): Expression {
  return { kind: 'column', index, name: 'value', type, nullable: true }
}

const schemaText: Expression = { kind: 'literal', value: ddl, type: stringType }

function columnsOver(type: typeof stringType | typeof binaryType): readonly Expression[] {
  const value = column(0, type)
  const parsed = call('from_json', [castTo(value, stringType), schemaText])
  const field = (index: number): Expression => {
    const found =
      parsed.kind === 'call' && parsed.type.kind === 'struct'
        ? parsed.type.fields[index]
        : undefined
    if (found === undefined) throw new Error('no field')
    return { kind: 'field', input: parsed, index, name: found.name, type: found.type }
  }
  return [parsed, field(0), field(7), call('isnull', [parsed]), value]
}

function rowsBy(stage: ReturnType<typeof compileStage>, batch: Batch, schema: Schema) {
  const { columns, selection } = stage.run(batch, noContext)
  const rest = selection === undefined ? {} : { selection }
  return [...rowsOf({ schema, rowCount: batch.rowCount, columns, ...rest })]
}

test.each([
  ['texts', stringType, text],
  ['bytes', binaryType, bytes],
] as const)(
  'from_json over a whole column of %s gives what it gives row by row',
  (_, type, value) => {
    const schema: Schema = [{ name: 'value', type, nullable: true }]
    const columns = columnsOver(type)
    const output = columns.map(({ type: made }, at) => ({
      name: `c${at}`,
      type: made,
      nullable: true,
    }))
    // Kept over all runs, as a query keeps it over batches: what it has learned of one must not show in another.
    const compiled = compileStage({ columns }, schema)
    const reference = interpretStage({ columns }, schema)
    fc.assert(
      fc.property(
        fc.array(fc.option(value as fc.Arbitrary<string | Uint8Array>, { freq: 8 }), {
          maxLength: 20,
        }),
        fc.option(fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }), { nil: undefined }),
        (values, kept) => {
          const whole = batchOf(
            schema,
            values.map((each) => [each]),
          )
          const rows = values.map((__, row) => row).filter((row) => kept?.[row] !== false)
          const batch = kept === undefined ? whole : { ...whole, selection: Int32Array.from(rows) }
          expect(rowsBy(compiled, batch, output)).toEqual(rowsBy(reference, batch, output))
        },
      ),
      { numRuns: 2_000 },
    )
  },
)

test('a text inside of a text is read by whole columns too', () => {
  const inner = column(0, stringType)
  const outer = call('from_json', [
    inner,
    { kind: 'literal', value: 'id INT, body STRING', type: stringType },
  ])
  const body: Expression = { kind: 'field', input: outer, index: 1, name: 'body', type: stringType }
  const parsed = call('from_json', [
    body,
    { kind: 'literal', value: 'a INT, b STRING', type: stringType },
  ])
  const schema: Schema = [{ name: 'value', type: stringType, nullable: true }]
  const spec = { columns: [parsed, outer] }
  const taken = jsonColumns(spec, schema)
  const texts = [
    '{"id":1,"body":"{\\"a\\":2,\\"b\\":\\"x\\"}"}',
    '{"id":2,"body":"no"}',
    null,
    '{}',
  ]
  const batch = batchOf(
    schema,
    texts.map((text) => [text]),
  )
  expect(taken?.extend(batch)?.columns).toHaveLength(3)
  const output = spec.columns.map(({ type }, at) => ({ name: `c${at}`, type, nullable: true }))
  const rows = rowsBy(compileStage(spec, schema), batch, output)
  expect(rows).toEqual(rowsBy(interpretStage(spec, schema), batch, output))
  expect(rows[0]?.[0]).toEqual([2, 'x'])
})
