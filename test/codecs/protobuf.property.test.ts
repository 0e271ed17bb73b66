import fc from 'fast-check'
import protobuf from 'protobufjs'
import { expect, test } from 'vitest'
import type { Value } from '../../src/batch/value.ts'
import { Malformed } from '../../src/codecs/malformed.ts'
import { protoDecoder, protoEncoder } from '../../src/codecs/protobuf/codec.ts'

type Syntax = 'proto2' | 'proto3'
type Scalar = (typeof scalarKinds)[number]

/** A field of a message as tests draw it; what it is called goes by its place. */
interface Field {
  readonly label: 'plain' | 'optional' | 'required' | 'repeated' | 'map' | 'oneof'
  readonly type: Scalar | 'enum' | Message
  readonly key: 'string' | 'int32' | 'sint64'
}

interface Message {
  readonly fields: readonly Field[]
}

const scalarKinds = [
  'double',
  'float',
  'int32',
  'int64',
  'uint32',
  'uint64',
  'sint32',
  'sint64',
  'fixed32',
  'fixed64',
  'sfixed32',
  'sfixed64',
  'bool',
  'string',
  'bytes',
] as const

const enumNumbers: Readonly<Record<string, number>> = { ZERO: 0, ONE: 1, FAR: 1000, BELOW: -3 }

const scalar = fc.constantFrom(...scalarKinds, 'enum' as const)

function message(syntax: Syntax, depth: number): fc.Arbitrary<Message> {
  const labels = ['plain', 'optional', 'repeated', 'map', 'oneof'] as const
  const field: fc.Arbitrary<Field> = fc.record({
    label: fc.constantFrom(...labels, ...(syntax === 'proto2' ? (['required'] as const) : [])),
    type:
      depth === 0 ? scalar : fc.oneof({ weight: 3, arbitrary: scalar }, message(syntax, depth - 1)),
    key: fc.constantFrom('string', 'int32', 'sint64'),
  })
  return fc.record({ fields: fc.array(field, { maxLength: 6 }) })
}

/** The text of a message; numbers of fields leave gaps, so that tags of several bytes come up. */
function textOf({ fields }: Message, name: string, syntax: Syntax): string {
  const inner: string[] = []
  const lines = fields.map(({ label, type, key }, at) => {
    const typeName = typeof type === 'string' ? (type === 'enum' ? 'Kind' : type) : `M${at}`
    if (typeof type !== 'string') inner.push(textOf(type, typeName, syntax))
    const declared = `f${at} = ${numberOf(at)};`
    switch (label) {
      case 'map':
        return `map<${key}, ${typeName}> ${declared}`
      case 'oneof':
        return `oneof o${at % 2} { ${typeName} ${declared} }`
      case 'plain':
        return syntax === 'proto3' ? `${typeName} ${declared}` : `optional ${typeName} ${declared}`
      default:
        return `${label} ${typeName} ${declared}`
    }
  })
  // A oneof is written once, with all of its fields.
  const oneofs = new Map<string, string>()
  const others = lines.filter((line) => {
    const [, group, body] = /^oneof (\w+) \{ (.*) \}$/.exec(line) ?? []
    if (group !== undefined) oneofs.set(group, `${oneofs.get(group) ?? ''} ${body}`)
    return group === undefined
  })
  const groups = [...oneofs].map(([group, body]) => `oneof ${group} {${body} }`)
  return `message ${name} { ${[...inner, ...others, ...groups].join(' ')} }`
}

function numberOf(at: number): number {
  return at * at * 150 + 1
}

/** Messages in the form of objects of protobufjs: 64-bit numbers as texts, enums as numbers. */
type Plain = Readonly<Record<string, unknown>>

function anyValue(type: Field['type']): fc.Arbitrary<unknown> {
  if (typeof type !== 'string') return plainOf(type)
  const big = (min: bigint, max: bigint) => {
    const near = fc.bigInt(min < 0n ? -200n : 0n, 200n)
    return fc.oneof(near, fc.bigInt(min, max)).map(String)
  }
  switch (type) {
    case 'enum':
      return fc.constantFrom(...Object.values(enumNumbers))
    case 'double':
      return fc.double()
    case 'float':
      return fc.float()
    case 'bool':
      return fc.boolean()
    case 'string':
      return fc.string({ unit: 'grapheme', maxLength: 40 })
    case 'bytes':
      return fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes))
    case 'uint32':
    case 'fixed32':
      return fc.oneof(fc.nat(200), fc.integer({ min: 0, max: 2 ** 32 - 1 }))
    case 'uint64':
    case 'fixed64':
      return big(0n, 2n ** 64n - 1n)
    case 'int64':
    case 'sint64':
    case 'sfixed64':
      return big(-(2n ** 63n), 2n ** 63n - 1n)
    default:
      return fc.oneof(fc.integer({ min: -200, max: 200 }), fc.integer())
  }
}

function plainOf({ fields }: Message): fc.Arbitrary<Plain> {
  const all = fields.map(({ label, type, key }): fc.Arbitrary<unknown> => {
    const value = anyValue(type)
    if (label === 'repeated') return fc.array(value, { maxLength: 4 })
    if (label === 'required') return value
    if (label !== 'map') return fc.option(value, { nil: undefined })
    const name = key === 'string' ? fc.string({ unit: 'grapheme-ascii' }) : fc.integer().map(String)
    return fc.dictionary(
      name.filter((text) => text !== '__proto__'),
      value,
      {
        maxKeys: 3,
        noNullPrototype: true,
      },
    )
  })
  return fc.tuple(...all).map((values) => {
    const seen = new Set<number>()
    const entries = values.flatMap((value, at) => {
      const isOneof = fields[at]?.label === 'oneof'
      if (value === undefined || (isOneof && seen.has(at % 2))) return []
      if (isOneof) seen.add(at % 2)
      return [[`f${at}`, value]]
    })
    return Object.fromEntries(entries)
  })
}

const zeros: Readonly<Record<string, Value>> = { bool: false, string: '', enum: 'ZERO' }

/** What a message has to be read as, written down without any code that is tested. */
function expected({ fields }: Message, plain: Plain, syntax: Syntax): Value[] {
  // Fields of a oneof stand behind the others.
  const order = [...fields.keys()].sort((left, right) => rank(fields, left) - rank(fields, right))
  return order.map((at): Value => {
    const { label, type, key } = fields[at] as Field
    const given = plain[`f${at}`]
    const one = (value: unknown): Value => expectedValue(type, value, syntax)
    if (label === 'repeated') return ((given ?? []) as unknown[]).map(one)
    if (label === 'map') {
      const entries = Object.entries((given ?? {}) as object)
      return { entries: entries.map(([name, value]) => [keyOf(key, name), one(value)]) }
    }
    if (given === undefined) return null
    return isUntold(fields[at] as Field, given, syntax) ? null : one(given)
  })
}

function rank(fields: readonly Field[], at: number): number {
  const isOneof = fields[at]?.label === 'oneof'
  if (!isOneof) return at
  const firstOf = (group: number): number =>
    fields.findIndex(({ label }, index) => label === 'oneof' && index % 2 === group)
  return (
    100 * (1 + Number(firstOf(at % 2) > firstOf(1 - (at % 2)) && firstOf(1 - (at % 2)) >= 0)) + at
  )
}

function keyOf(key: Field['key'], name: string): Value {
  if (key === 'string') return name
  return key === 'int32' ? Number(name) : BigInt(name)
}

/** A default of a field that does not tell whether it was set is not written. */
function isUntold({ label, type }: Field, given: unknown, syntax: Syntax): boolean {
  if (syntax !== 'proto3' || label !== 'plain' || typeof type !== 'string') return false
  return isZero(type, expectedValue(type, given, syntax))
}

function isZero(type: Scalar | 'enum', value: Value): boolean {
  if (value instanceof Uint8Array) return value.length === 0
  const zero = zeros[type] ?? (typeof value === 'bigint' ? 0n : 0)
  return Object.is(value, zero)
}

function expectedValue(type: Field['type'], value: unknown, syntax: Syntax): Value {
  if (typeof type !== 'string') return expected(type, value as Plain, syntax)
  switch (type) {
    case 'enum':
      return Object.keys(enumNumbers).find((name) => enumNumbers[name] === value) ?? ''
    case 'bytes':
      return new Uint8Array(value as Buffer)
    case 'uint32':
    case 'fixed32':
      return Number(value) | 0
    case 'int64':
    case 'sint64':
    case 'sfixed64':
    case 'uint64':
    case 'fixed64':
      return BigInt.asIntN(64, BigInt(value as string))
    default:
      return value as Value
  }
}

interface Case {
  readonly syntax: Syntax
  readonly spec: Message
  readonly text: string
  readonly plain: Plain
}

const anyCase: fc.Arbitrary<Case> = fc.constantFrom<Syntax>('proto2', 'proto3').chain((syntax) =>
  message(syntax, 2).chain((spec) => {
    const kinds = Object.entries(enumNumbers).map(([name, number]) => `${name} = ${number};`)
    const text = `syntax = "${syntax}"; enum Kind { ${kinds.join(' ')} } ${textOf(spec, 'Top', syntax)}`
    return plainOf(spec).map((plain) => ({ syntax, spec, text, plain }))
  }),
)

function foreignType(text: string): protobuf.Type {
  const root = new protobuf.Root()
  protobuf.parse(text, root, { keepCase: true })
  return root.resolveAll().lookupType('Top')
}

function foreignBytes(text: string, plain: Plain): Uint8Array {
  const type = foreignType(text)
  return new Uint8Array(type.encode(type.fromObject(plain)).finish())
}

const reading = { enumsAsNumbers: false, emitsDefaults: false }

test('what protobufjs wrote is read as it was meant', () => {
  fc.assert(
    fc.property(anyCase, ({ syntax, spec, text, plain }) => {
      const { read } = protoDecoder(text, 'Top', reading)
      expect(read(foreignBytes(text, plain))).toEqual(expected(spec, plain, syntax))
    }),
    { numRuns: 300 },
  )
})

test('what is written here protobufjs reads as if it had written it itself', () => {
  fc.assert(
    fc.property(anyCase, ({ syntax, spec, text, plain }) => {
      const { type } = protoDecoder(text, 'Top', reading)
      const write = protoEncoder(type, text, 'Top', new Map())
      const foreign = foreignType(text)
      const shown = (bytes: Uint8Array): unknown =>
        foreign.toObject(foreign.decode(bytes), { longs: String, enums: String, defaults: true })
      const bytes = write(expected(spec, plain, syntax))
      expect(shown(bytes as Uint8Array)).toEqual(shown(foreignBytes(text, plain)))
    }),
    { numRuns: 300 },
  )
})

test('any bytes at all are a value or malformed, soon', () => {
  fc.assert(
    fc.property(anyCase, fc.uint8Array({ maxLength: 200 }), ({ text }, bytes) => {
      const { read } = protoDecoder(text, 'Top', reading)
      try {
        read(bytes)
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(Malformed)
      }
    }),
    { numRuns: 500 },
  )
})

test('a message with bytes changed, lost or added is a value or malformed, soon', () => {
  fc.assert(
    fc.property(anyCase, fc.nat(), fc.nat(255), fc.nat(), ({ text, plain }, at, byte, end) => {
      const bytes = foreignBytes(text, plain)
      if (bytes.length > 0) bytes[at % bytes.length] = byte
      try {
        protoDecoder(text, 'Top', reading).read(bytes.subarray(0, end % (bytes.length + 1)))
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(Malformed)
      }
    }),
    { numRuns: 500 },
  )
})

test('two messages in a row are one, whose parts are those of both', () => {
  const pair = anyCase.chain((first) => plainOf(first.spec).map((second) => ({ ...first, second })))
  fc.assert(
    fc.property(pair, ({ syntax, spec, text, plain, second }) => {
      const bytes = Buffer.concat([foreignBytes(text, plain), foreignBytes(text, second)])
      const merged = mergedPlain(spec, plain, second, syntax)
      const found = protoDecoder(text, 'Top', reading).read(new Uint8Array(bytes))
      expect(inOrder(found)).toEqual(inOrder(expected(spec, merged, syntax)))
    }),
    { numRuns: 300 },
  )
})

/** By the words of the encoding guide: the last number counts, lists go on, messages are merged. */
function mergedPlain({ fields }: Message, first: Plain, second: Plain, syntax: Syntax): Plain {
  const merged: Record<string, unknown> = { ...first }
  for (const [at, field] of fields.entries()) {
    const { label, type } = field
    const name = `f${at}`
    const [old, fresh] = [merged[name], second[name]]
    if (fresh === undefined || isUntold(field, fresh, syntax)) continue
    if (label === 'oneof') {
      for (const [other, rival] of fields.entries()) {
        if (rival.label === 'oneof' && other % 2 === at % 2 && other !== at)
          delete merged[`f${other}`]
      }
    }
    if (label === 'repeated')
      merged[name] = [...((old as unknown[]) ?? []), ...(fresh as unknown[])]
    else if (label === 'map') merged[name] = mergedMap(old, fresh)
    else if (typeof type === 'string' || old === undefined) merged[name] = fresh
    else merged[name] = mergedPlain(type, old as Plain, fresh as Plain, syntax)
  }
  return merged
}

/** Objects have keys that look like numbers first, so entries are compared in an order of their own. */
function inOrder(value: Value): Value {
  if (Array.isArray(value)) return value.map(inOrder)
  if (typeof value !== 'object' || value === null || !('entries' in value)) return value
  if (value instanceof Uint8Array || Array.isArray(value)) return value
  const { entries } = value as Extract<Value, { readonly entries: readonly unknown[] }>
  const shown = entries.map(([key, item]) => [key, inOrder(item)] as const)
  return {
    entries: shown.toSorted(([left], [right]) => (String(left) < String(right) ? -1 : 1)),
  }
}

/** The last of several values of one key counts. */
function mergedMap(old: unknown, fresh: unknown): unknown {
  return { ...(old as object | undefined), ...(fresh as object) }
}
