import fc from 'fast-check'
import type { Value } from '../../src/batch/value.ts'

/** A schema of Avro as tests draw it; names are given when it is written as JSON. */
export type Spec =
  | { readonly kind: 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string' }
  | { readonly kind: 'date' | 'millis' | 'micros' }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'enum'; readonly symbols: readonly string[] }
  | { readonly kind: 'fixed'; readonly size: number }
  | { readonly kind: 'array' | 'map'; readonly of: Spec }
  | { readonly kind: 'nullable'; readonly of: Spec; readonly nullFirst: boolean }
  | { readonly kind: 'union'; readonly branches: readonly Spec[] }
  | { readonly kind: 'record'; readonly fields: readonly Spec[] }

const simpleKinds = ['boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const
const timeKinds = ['date', 'millis', 'micros'] as const

const leaf: fc.Arbitrary<Spec> = fc.oneof(
  fc.constantFrom(...simpleKinds).map((kind): Spec => ({ kind })),
  fc.constantFrom(...timeKinds).map((kind): Spec => ({ kind })),
  fc.tuple(fc.integer({ min: 1, max: 38 }), fc.nat(38)).map(([precision, scale]): Spec => {
    return { kind: 'decimal', precision, scale: Math.min(precision, scale) }
  }),
  fc.integer({ min: 1, max: 4 }).map((size): Spec => {
    return { kind: 'enum', symbols: ['A', 'B', 'C', 'D'].slice(0, size) }
  }),
  fc.nat(5).map((size): Spec => ({ kind: 'fixed', size })),
)

/** What may stand in one union: no two of one name, and no numbers that hold each other. */
const branches: fc.Arbitrary<readonly Spec[]> = fc
  .subarray<Spec>(
    [
      { kind: 'boolean' },
      { kind: 'long' },
      { kind: 'double' },
      { kind: 'string' },
      { kind: 'bytes' },
      { kind: 'enum', symbols: ['X', 'Y'] },
      { kind: 'array', of: { kind: 'int' } },
      { kind: 'map', of: { kind: 'string' } },
      {
        kind: 'record',
        fields: [{ kind: 'int' }, { kind: 'nullable', of: { kind: 'string' }, nullFirst: true }],
      },
    ],
    { minLength: 2 },
  )
  .chain((chosen) => fc.shuffledSubarray(chosen, { minLength: chosen.length }))

const { spec } = fc.letrec<{ spec: Spec }>((tie) => ({
  spec: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.record({ kind: fc.constantFrom('array', 'map'), of: tie('spec') }),
    fc.record({ kind: fc.constant('nullable'), of: leaf, nullFirst: fc.boolean() }),
    branches.map((chosen) => ({ kind: 'union', branches: chosen })),
    fc.record({ kind: fc.constant('record'), fields: fc.array(tie('spec'), { maxLength: 5 }) }),
  ) as fc.Arbitrary<Spec>,
}))

export const anySpec = spec

export const recordSpec: fc.Arbitrary<Extract<Spec, { kind: 'record' }>> = fc.record({
  kind: fc.constant('record'),
  fields: fc.array(spec, { maxLength: 6 }),
})

/** Counts the names of one schema. */
export interface Names {
  next: number
}

/** The JSON of a schema. */
export function jsonOf(given: Spec, names: Names = { next: 0 }): unknown {
  switch (given.kind) {
    case 'date':
      return { type: 'int', logicalType: 'date' }
    case 'millis':
    case 'micros':
      return { type: 'long', logicalType: `timestamp-${given.kind}` }
    case 'decimal': {
      const { precision, scale } = given
      return { type: 'bytes', logicalType: 'decimal', precision, scale }
    }
    case 'enum':
      return { type: 'enum', name: newName(names), symbols: given.symbols }
    case 'fixed':
      return { type: 'fixed', name: newName(names), size: given.size }
    case 'array':
      return { type: 'array', items: jsonOf(given.of, names) }
    case 'map':
      return { type: 'map', values: jsonOf(given.of, names) }
    case 'nullable': {
      const inner = jsonOf(given.of, names)
      return given.nullFirst ? ['null', inner] : [inner, 'null']
    }
    case 'union':
      return given.branches.map((branch) => jsonOf(branch, names))
    case 'record': {
      const name = newName(names)
      const fields = given.fields.map((field, index) => ({
        name: `f${index}`,
        type: jsonOf(field, names),
      }))
      return { type: 'record', name, fields }
    }
    default:
      return given.kind
  }
}

function newName(names: Names): string {
  names.next += 1
  return `test.n${names.next}`
}

/** The name by which a wrapped value says its branch. */
function branchName(json: unknown): string {
  if (typeof json === 'string') return json
  const { type, name } = json as { readonly type: string; readonly name?: string }
  return name ?? type
}

/** A branch of a union as another library has it: wrapped under its name. */
export interface Wrapped {
  readonly [branch: string]: unknown
}

const time = fc.integer({ min: -(2 ** 52), max: 2 ** 52 })

/** Values as avsc takes them, with `bigint` for long; `json` is the schema as JSON. */
export function foreignValue(given: Spec, json: unknown): fc.Arbitrary<unknown> {
  switch (given.kind) {
    case 'boolean':
      return fc.boolean()
    case 'int':
    case 'date':
      return fc.oneof(fc.integer(), fc.constantFrom(-(2 ** 31), 2 ** 31 - 1, 0, -1, 63, 64, -65))
    case 'long':
      return fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt(-200n, 200n))
    case 'millis':
      return time.map((micros) => BigInt(Math.trunc(micros / 1000)))
    case 'micros':
      return time.map(BigInt)
    case 'float':
      return fc.float()
    case 'double':
      return fc.double()
    case 'bytes':
      return fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes))
    case 'decimal': {
      const most = 10n ** BigInt(given.precision) - 1n
      return fc.bigInt({ min: -most, max: most }).map(bytesOfDecimal)
    }
    case 'string':
      return fc.oneof(fc.string({ unit: 'binary' }), fc.string({ minLength: 30, maxLength: 60 }))
    case 'enum':
      return fc.constantFrom(...given.symbols)
    case 'fixed':
      return fc
        .uint8Array({ minLength: given.size, maxLength: given.size })
        .map((bytes) => Buffer.from(bytes))
    case 'array': {
      const { items } = json as { readonly items: unknown }
      return fc.array(foreignValue(given.of, items), { maxLength: 4 })
    }
    case 'map': {
      const { values } = json as { readonly values: unknown }
      const key = fc.string({ unit: 'binary' }).filter((text) => text !== '__proto__')
      return fc.dictionary(key, foreignValue(given.of, values), {
        maxKeys: 4,
        noNullPrototype: true,
      })
    }
    case 'nullable': {
      const list = json as readonly unknown[]
      const inner = list.find((branch) => branch !== 'null')
      const wrap = (value: unknown): Wrapped => ({ [branchName(inner)]: value })
      return fc.option(foreignValue(given.of, inner).map(wrap))
    }
    case 'union': {
      const list = json as readonly unknown[]
      return fc.oneof(
        ...given.branches.map((branch, index) =>
          foreignValue(branch, list[index]).map(
            (value): Wrapped => ({ [branchName(list[index])]: value }),
          ),
        ),
      )
    }
    case 'record': {
      const { fields } = json as { readonly fields: readonly { readonly type: unknown }[] }
      const all = given.fields.map((field, index) => foreignValue(field, fields[index]?.type))
      return fc
        .tuple(...all)
        .map((values) => Object.fromEntries(values.map((value, index) => [`f${index}`, value])))
    }
    default:
      throw new Error('unknown')
  }
}

/** What a foreign value has to become here, written down without any code that is tested. */
export function expectedValue(given: Spec, json: unknown, foreign: unknown): Value {
  switch (given.kind) {
    case 'millis':
      return Number(foreign) * 1000
    case 'micros':
      return Number(foreign)
    case 'decimal':
      return BigInt.asIntN(
        (foreign as Buffer).length * 8,
        BigInt(`0x${(foreign as Buffer).toString('hex')}`),
      )
    case 'bytes':
    case 'fixed':
      return new Uint8Array(foreign as Buffer)
    case 'string':
      return wellFormed(foreign as string)
    case 'array': {
      const { items } = json as { readonly items: unknown }
      return (foreign as unknown[]).map((item) => expectedValue(given.of, items, item))
    }
    case 'map': {
      const { values } = json as { readonly values: unknown }
      const entries = Object.entries(foreign as object)
      return {
        entries: entries.map(([key, item]) => [
          wellFormed(key),
          expectedValue(given.of, values, item),
        ]),
      }
    }
    case 'nullable': {
      const inner = (json as readonly unknown[]).find((branch) => branch !== 'null')
      if (foreign === null) return null
      return expectedValue(given.of, inner, Object.values(foreign as Wrapped)[0])
    }
    case 'union': {
      const list = json as readonly unknown[]
      const [[name, value] = ['', undefined]] = Object.entries(foreign as Wrapped)
      return given.branches.map((branch, index) =>
        branchName(list[index]) === name ? expectedValue(branch, list[index], value) : null,
      )
    }
    case 'record': {
      const { fields } = json as { readonly fields: readonly { readonly type: unknown }[] }
      const values = foreign as Readonly<Record<string, unknown>>
      return given.fields.map((field, index) =>
        expectedValue(field, fields[index]?.type, values[`f${index}`]),
      )
    }
    default:
      return foreign as Value
  }
}

/** Two's complement, the highest byte first, as short as can be. */
export function bytesOfDecimal(value: bigint): Buffer {
  let length = 1
  while (BigInt.asIntN(8 * length, value) !== value) length += 1
  const hex = BigInt.asUintN(8 * length, value)
    .toString(16)
    .padStart(2 * length, '0')
  return Buffer.from(hex, 'hex')
}

/** Half a surrogate pair has no bytes of its own. */
function wellFormed(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8')
}
