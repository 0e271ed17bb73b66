import type { Value } from '../../batch/value.ts'
import { timestampOf, valueOfBytes } from './meaning.ts'
import type { AvroRecord, AvroSchema, AvroUnion } from './schema.ts'
import { placeInUnion } from './union-value.ts'

/** The JSON is no value of the schema; the message says where. */
export class NoDefault extends Error {}

/**
 * The value that a default of a schema stands for.
 * @throws NoDefault when it is none of the schema
 */
export function valueOfDefault(schema: AvroSchema, json: unknown): Value {
  switch (schema.kind) {
    case 'union':
      return inUnion(schema, json)
    case 'record':
      return inRecord(schema, json)
    case 'array':
      if (!Array.isArray(json)) return none(schema, json)
      return json.map((item) => valueOfDefault(schema.items, item))
    case 'map': {
      if (typeof json !== 'object' || json === null || Array.isArray(json))
        return none(schema, json)
      const entries = Object.entries(json)
      return { entries: entries.map(([key, item]) => [key, valueOfDefault(schema.values, item)]) }
    }
    case 'bytes':
    case 'fixed':
      return valueOfBytes(bytesOf(schema, json), schema.logical)
    case 'int':
    case 'long':
    case 'float':
    case 'double':
      return number(schema, json)
    default:
      return simple(schema, json)
  }
}

function simple(schema: AvroSchema, json: unknown): Value {
  const { kind } = schema
  if (kind === 'null' && json === null) return null
  if (kind === 'boolean' && typeof json === 'boolean') return json
  if (kind === 'string' && typeof json === 'string') return json
  if (kind === 'enum' && typeof json === 'string' && schema.symbols.includes(json)) return json
  return none(schema, json)
}

type NumberSchema = Extract<
  AvroSchema,
  { readonly kind: 'null' | 'int' | 'long' | 'float' | 'double' }
>

function number(schema: NumberSchema, json: unknown): Value {
  const { kind, logical } = schema
  if (typeof json !== 'number') return none(schema, json)
  if (kind === 'float') return Math.fround(json)
  if (kind === 'double') return json
  if (!Number.isInteger(json)) return none(schema, json)
  if (logical?.kind === 'timestamp') return timestampOf(json, logical)
  return kind === 'long' ? BigInt.asIntN(64, limited(json)) : json
}

/** JSON reads the largest LONG as the number above it. */
function limited(value: number): bigint {
  const most = 2n ** 63n - 1n
  return BigInt(value) > most ? most : BigInt(value)
}

/** Avro says that a default is of the first type; of several that fit, the first counts. */
function inUnion(union: AvroUnion, json: unknown): Value {
  for (const [index, branch] of union.branches.entries()) {
    try {
      return placeInUnion(union, index)(valueOfDefault(branch, json))
    } catch (thrown) {
      if (!(thrown instanceof NoDefault)) throw thrown
    }
  }
  return none(union, json)
}

function inRecord({ name, fields }: AvroRecord, json: unknown): Value {
  const given: Readonly<Record<string, unknown>> =
    typeof json === 'object' && json !== null ? { ...json } : {}
  return fields.map(({ name: field, schema, fallback }) => {
    if (field in given) return valueOfDefault(schema, given[field])
    if (fallback === undefined) throw new NoDefault(`the default of ${name} lacks ${field}`)
    return valueOfDefault(schema, fallback.json)
  })
}

/** One character for each byte. */
function bytesOf(schema: AvroSchema, json: unknown): Uint8Array {
  if (typeof json !== 'string') return none(schema, json)
  const bytes = Uint8Array.from(json, (character) => character.charCodeAt(0))
  return schema.kind === 'fixed' && bytes.length !== schema.size ? none(schema, json) : bytes
}

function none({ kind }: AvroSchema, json: unknown): never {
  throw new NoDefault(`the default ${JSON.stringify(json)} is no ${kind}`)
}
