import avsc from 'avsc'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { avroReader } from '../../src/codecs/avro/decode.ts'
import { avroSchemaOf } from '../../src/codecs/avro/derived-schema.ts'
import { avroWriter } from '../../src/codecs/avro/encode.ts'
import { parseAvroSchema } from '../../src/codecs/avro/parse.ts'
import { sqlTypeOfAvro } from '../../src/codecs/avro/sql-type.ts'
import { ByteInput } from '../../src/codecs/byte-input.ts'
import { Malformed } from '../../src/codecs/malformed.ts'
import {
  anySpec,
  expectedValue,
  foreignValue,
  jsonOf,
  recordSpec,
  type Spec,
} from './avro-specs.ts'

/** avsc holds longs in numbers unless it is told otherwise. */
const longType = avsc.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer(value: bigint) {
    const buffer = Buffer.alloc(8)
    buffer.writeBigInt64LE(value)
    return buffer
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (left: bigint, right: bigint) => (left === right ? 0 : left < right ? -1 : 1),
})

function isLong(schema: unknown): boolean {
  return schema === 'long' || (schema as { readonly type?: unknown }).type === 'long'
}

function foreignType(json: unknown): avsc.Type {
  const options: Partial<avsc.ForSchemaOptions> = {
    wrapUnions: 'always',
    typeHook: (schema) => (isLong(schema) ? longType : undefined),
  }
  return avsc.Type.forSchema(json as avsc.Schema, options)
}

interface Case {
  readonly spec: Spec
  readonly json: unknown
  readonly foreign: unknown
}

const anyCase: fc.Arbitrary<Case> = anySpec.chain((spec) => {
  const json = jsonOf(spec)
  return foreignValue(spec, json).map((foreign) => ({ spec, json, foreign }))
})

function read(writer: string, reader: string, bytes: Uint8Array): unknown {
  return avroReader(parseAvroSchema(writer), parseAvroSchema(reader))(new ByteInput().begin(bytes))
}

test('what avsc wrote is read as it was meant', () => {
  fc.assert(
    fc.property(anyCase, ({ spec, json, foreign }) => {
      const bytes = new Uint8Array(foreignType(json).toBuffer(foreign))
      const text = JSON.stringify(json)
      expect(read(text, text, bytes)).toEqual(expectedValue(spec, json, foreign))
    }),
  )
})

test('values are written as the very bytes that avsc writes', () => {
  fc.assert(
    fc.property(anyCase, ({ spec, json, foreign }) => {
      const schema = parseAvroSchema(JSON.stringify(json))
      const { type } = sqlTypeOfAvro(schema)
      const bytes = avroWriter(type, schema)(expectedValue(spec, json, foreign))
      expect(Buffer.from(bytes).toString('hex')).toBe(
        foreignType(json).toBuffer(foreign).toString('hex'),
      )
    }),
  )
})

test('the schema that is made of a type writes what it reads', () => {
  fc.assert(
    fc.property(anyCase, ({ spec, json, foreign }) => {
      const { type } = sqlTypeOfAvro(parseAvroSchema(JSON.stringify(json)))
      const value = expectedValue(spec, json, foreign)
      fc.pre(value !== null)
      const derived = avroSchemaOf(type, false)
      // A second opinion on whether it is a schema at all.
      foreignType(JSON.parse(derived))
      const bytes = avroWriter(type, parseAvroSchema(derived))(value)
      expect(read(derived, derived, bytes)).toEqual(value)
    }),
  )
})

/** A record as a later version of it has it, with what its JSON becomes. */
interface Evolution {
  readonly writer: unknown
  readonly reader: unknown
  readonly readerSpec: Spec
  readonly foreign: unknown
}

type Field = { readonly name: string; readonly type: unknown; readonly default?: unknown }

/** Without those to float, which avsc does not round. */
const promotions: Readonly<Record<string, readonly Spec['kind'][]>> = {
  int: ['int', 'long', 'double'],
  float: ['float', 'double'],
  string: ['string', 'bytes'],
}

const added: readonly (readonly [Spec, unknown, unknown])[] = [
  [{ kind: 'int' }, 'int', -7],
  [{ kind: 'string' }, 'string', 'é'],
  [{ kind: 'boolean' }, 'boolean', true],
  [{ kind: 'double' }, 'double', 1.5],
  [{ kind: 'long' }, 'long', 12],
  [{ kind: 'bytes' }, 'bytes', '\u00ff\u0001'],
  [{ kind: 'nullable', of: { kind: 'int' }, nullFirst: true }, ['null', 'int'], null],
  [{ kind: 'nullable', of: { kind: 'int' }, nullFirst: false }, ['int', 'null'], 3],
  [{ kind: 'array', of: { kind: 'int' } }, { type: 'array', items: 'int' }, [1, 2]],
  [{ kind: 'map', of: { kind: 'int' } }, { type: 'map', values: 'int' }, { a: 1 }],
]

/**
 * avsc reads a value as the first branch that it can be promoted to, even where there is one of its own kind;
 * Avro's own library for Java, and Spark with it, does not.
 */
function hasRivals(spec: Spec): boolean {
  if (spec.kind === 'record') return spec.fields.some(hasRivals)
  if (spec.kind === 'array' || spec.kind === 'map') return hasRivals(spec.of)
  if (spec.kind !== 'union') return false
  const kinds = spec.branches.map(({ kind }) => kind)
  const both = (one: Spec['kind'], other: Spec['kind']): boolean =>
    kinds.includes(one) && kinds.includes(other)
  return both('string', 'bytes') || both('long', 'double')
}

const evolvable = recordSpec.filter((spec) => !hasRivals(spec))

/** Fields are left out, promoted, added and put in another order. */
const evolution: fc.Arbitrary<Evolution> = evolvable.chain((spec) => {
  const writer = jsonOf(spec) as { readonly name: string; readonly fields: readonly Field[] }
  const kept = spec.fields.map((field, index) => {
    const wider = promotions[field.kind] ?? [field.kind]
    return fc.option(
      fc.constantFrom(...wider).map((kind): readonly [Spec, Field] => {
        const { name, type } = writer.fields[index] as Field
        if (kind === field.kind) return [field, { name, type }]
        return [{ kind } as Spec, { name, type: kind }]
      }),
    )
  })
  const more = fc.subarray([...added.keys()]).map((chosen) =>
    chosen.map((at): readonly [Spec, Field] => {
      const [of, type, value] = added[at] as (typeof added)[number]
      return [of, { name: `added${at}`, type, default: value }]
    }),
  )
  return fc
    .record({
      fields: fc
        .tuple(fc.tuple(...kept), more)
        .map(([old, fresh]) => [...old.flatMap((each) => (each === null ? [] : [each])), ...fresh])
        .chain((all) => fc.shuffledSubarray(all, { minLength: all.length })),
      foreign: foreignValue(spec, writer),
    })
    .map(({ fields, foreign }) => ({
      writer,
      reader: { ...writer, fields: fields.map(([, field]) => field) },
      readerSpec: { kind: 'record', fields: fields.map(([of]) => of) },
      foreign,
    }))
})

test('what one version wrote is read as another version, as avsc resolves it', () => {
  fc.assert(
    fc.property(evolution, ({ writer, reader, readerSpec, foreign }) => {
      const [writerType, readerType] = [foreignType(writer), foreignType(reader)]
      const bytes = writerType.toBuffer(foreign)
      const resolved = readerType.fromBuffer(bytes, readerType.createResolver(writerType))
      const names = (reader as { readonly fields: readonly Field[] }).fields.map(({ name }) => name)
      const numbered = Object.fromEntries(names.map((name, at) => [`f${at}`, resolved[name]]))
      const expected = expectedValue(readerSpec, reader, numbered)
      const found = read(JSON.stringify(writer), JSON.stringify(reader), new Uint8Array(bytes))
      expect(found).toEqual(expected)
    }),
  )
})

test('any bytes at all are a value or malformed, soon', () => {
  fc.assert(
    fc.property(anySpec, fc.uint8Array({ maxLength: 200 }), (spec, bytes) => {
      const text = JSON.stringify(jsonOf(spec))
      try {
        read(text, text, bytes)
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(Malformed)
      }
    }),
    { numRuns: 2000 },
  )
})

test('a value with bytes changed, lost or added is a value or malformed, soon', () => {
  fc.assert(
    fc.property(anyCase, fc.nat(), fc.nat(255), fc.nat(), ({ json, foreign }, at, byte, end) => {
      const bytes = new Uint8Array(foreignType(json).toBuffer(foreign))
      if (bytes.length > 0) bytes[at % bytes.length] = byte
      const text = JSON.stringify(json)
      try {
        read(text, text, bytes.subarray(0, end % (bytes.length + 1)))
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(Malformed)
      }
    }),
    { numRuns: 1000 },
  )
})
