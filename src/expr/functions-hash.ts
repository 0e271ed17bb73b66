import { createHash } from 'node:crypto'
import { binaryType, type DataType, intType, longType, stringType } from '../batch/schema.ts'
import type { Value } from '../batch/value.ts'
import {
  crc32,
  murmur3Bytes,
  murmur3Int,
  murmur3Long,
  xxhashBytes,
  xxhashInt,
  xxhashLong,
} from './hash.ts'
import { type ScalarFunction, strict } from './signature.ts'
import { bigintOf, booleanOf, bytesOf, listOf, mapOf, numberOf, textOf } from './value-of.ts'

const encoder = new TextEncoder()

/** Digests, and the two hashes that Spark partitions by. */
export const hashFunctions: readonly ScalarFunction[] = [
  strict('md5', [binaryType], stringType, ([bytes]) => digest('md5', bytesOf(bytes))),
  strict('sha sha1', [binaryType], stringType, ([bytes]) => digest('sha1', bytesOf(bytes))),
  strict(
    'sha2',
    [binaryType, intType],
    stringType,
    ([bytes, bits]) => {
      const size = numberOf(bits) === 0 ? 256 : numberOf(bits)
      return [224, 256, 384, 512].includes(size) ? digest(`sha${size}`, bytesOf(bytes)) : null
    },
    { nullable: true },
  ),
  strict('crc32', [binaryType], longType, ([bytes]) => BigInt(crc32(bytesOf(bytes)))),
  rowHash('hash', intType, 42, (values, types, seed) => {
    let hash = seed
    values.forEach((value, index) => {
      hash = murmur3Value(value, types[index] ?? intType, hash)
    })
    return hash
  }),
  rowHash('xxhash64', longType, 42n, (values, types, seed) => {
    let hash = seed
    values.forEach((value, index) => {
      hash = xxhashValue(value, types[index] ?? intType, hash)
    })
    return BigInt.asIntN(64, hash)
  }),
]

function digest(algorithm: string, bytes: Uint8Array): string {
  return createHash(algorithm).update(bytes).digest('hex')
}

function rowHash<Seed>(
  name: string,
  result: DataType,
  seed: Seed,
  hash: (values: readonly Value[], types: readonly DataType[], seed: Seed) => Value,
): ScalarFunction {
  return {
    names: [name],
    strict: false,
    arity: { least: 1, most: Number.POSITIVE_INFINITY },
    typing: (args) => ({ args: args.map((argument) => argument.type), result, nullable: false }),
    evaluate: (args, types) => hash(args, types.args, seed),
  }
}

/** The primitive forms a value is hashed in: 32 bits, 64 bits, bytes, or its parts one after another. */
type Hashed =
  | { readonly form: 'int'; readonly value: number }
  | { readonly form: 'long'; readonly value: bigint }
  | { readonly form: 'bytes'; readonly value: Uint8Array }
  | { readonly form: 'parts'; readonly parts: readonly (readonly [Value, DataType])[] }

const view = new DataView(new ArrayBuffer(8))

function hashedForm(value: Value, type: DataType): Hashed {
  switch (type.kind) {
    case 'boolean':
      return { form: 'int', value: booleanOf(value) ? 1 : 0 }
    case 'byte':
    case 'short':
    case 'int':
    case 'date':
      return { form: 'int', value: numberOf(value) }
    case 'long':
      return { form: 'long', value: bigintOf(value) }
    case 'timestamp':
      return { form: 'long', value: BigInt(numberOf(value)) }
    case 'float':
      // −0 hashes as 0, since they are equal.
      view.setFloat32(0, numberOf(value) + 0)
      return { form: 'int', value: view.getInt32(0) }
    case 'double':
      view.setFloat64(0, numberOf(value) + 0)
      return { form: 'long', value: view.getBigInt64(0) }
    case 'decimal':
      return type.precision <= 18
        ? { form: 'long', value: bigintOf(value) }
        : { form: 'bytes', value: bigEndian(bigintOf(value)) }
    case 'string':
      return { form: 'bytes', value: encoder.encode(textOf(value)) }
    case 'binary':
      return { form: 'bytes', value: bytesOf(value) }
    case 'array':
      return { form: 'parts', parts: listOf(value).map((item) => [item, type.element] as const) }
    case 'struct':
      return {
        form: 'parts',
        parts: listOf(value).map(
          (item, index) => [item, type.fields[index]?.type ?? type] as const,
        ),
      }
    case 'map':
      return {
        form: 'parts',
        parts: mapOf(value).entries.flatMap(([key, item]) => [
          [key, type.key] as const,
          [item, type.value] as const,
        ]),
      }
    default:
      return { form: 'parts', parts: [] }
  }
}

/** The shortest two's complement form, high byte first, as Java's `BigInteger.toByteArray`. */
function bigEndian(value: bigint): Uint8Array {
  const bytes: number[] = []
  let rest = value
  for (;;) {
    const byte = Number(rest & 255n)
    bytes.unshift(byte)
    rest >>= 8n
    const isDone = (rest === 0n && byte < 128) || (rest === -1n && byte >= 128)
    if (isDone) return Uint8Array.from(bytes)
  }
}

/** NULL leaves the seed as it is. */
function murmur3Value(value: Value, type: DataType, seed: number): number {
  if (value === null) return seed
  const hashed = hashedForm(value, type)
  switch (hashed.form) {
    case 'int':
      return murmur3Int(hashed.value, seed)
    case 'long':
      return murmur3Long(hashed.value, seed)
    case 'bytes':
      return murmur3Bytes(hashed.value, seed)
    default: {
      let hash = seed
      for (const [part, partType] of hashed.parts) hash = murmur3Value(part, partType, hash)
      return hash
    }
  }
}

function xxhashValue(value: Value, type: DataType, seed: bigint): bigint {
  if (value === null) return seed
  const hashed = hashedForm(value, type)
  switch (hashed.form) {
    case 'int':
      return xxhashInt(hashed.value, seed)
    case 'long':
      return xxhashLong(hashed.value, seed)
    case 'bytes':
      return xxhashBytes(hashed.value, seed)
    default: {
      let hash = seed
      for (const [part, partType] of hashed.parts) hash = xxhashValue(part, partType, hash)
      return hash
    }
  }
}
