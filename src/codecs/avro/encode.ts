import { ByteWriter } from '../../batch/byte-writer.ts'
import { type DataType, typeText } from '../../batch/schema.ts'
import type { MapValue, Value } from '../../batch/value.ts'
import { StreamError, unreachable } from '../../core/error.ts'
import { NoDefault, valueOfDefault } from './fallback.ts'
import { writeBytes, writeFloat, writeLong, writeText } from './output.ts'
import {
  type AvroField,
  type AvroRecord,
  type AvroSchema,
  avroName,
  valueBranches,
} from './schema.ts'
import { sqlTypeOfAvro } from './sql-type.ts'

/** Appends one value, which is never NULL for a schema that has none. */
export type WriteAvro = (value: Value, output: ByteWriter) => void

/** A type that cannot be written with a schema; the message says where and why. */
class Unwritable extends Error {}

/**
 * Writes values of a type with a schema: fields by name, without letter case. Fields that the schema has and
 * the type lacks are written as their defaults, or NULL where that is one of their values.
 * @throws StreamError `SCHEMAS_INCOMPATIBLE`; later `ENCODE_FAILED` for a value that the schema has not
 */
export function avroWriter(type: DataType, schema: AvroSchema): (value: Value) => Uint8Array {
  const output = new ByteWriter()
  const write = attempted(type, schema)
  return (value) => {
    output.length = 0
    write(value, output)
    return output.take()
  }
}

function attempted(type: DataType, schema: AvroSchema): WriteAvro {
  try {
    return writerOf(type, schema)
  } catch (cause) {
    if (!(cause instanceof Unwritable || cause instanceof NoDefault)) throw cause
    const details = { writer: typeText(type), reader: avroName(schema), why: cause.message }
    throw new StreamError('SCHEMAS_INCOMPATIBLE', details, { cause })
  }
}

function writerOf(type: DataType, schema: AvroSchema): WriteAvro {
  if (schema.kind === 'union') return unionWriter(type, schema)
  const write = type.kind === 'void' ? () => {} : valueWriter(type, schema)
  return (value, output) => {
    if (value === null && schema.kind !== 'null') throw failed(schema, 'it is NULL')
    write(value, output)
  }
}

function valueWriter(type: DataType, schema: Exclude<AvroSchema, { kind: 'union' }>): WriteAvro {
  switch (schema.kind) {
    case 'null':
      return mismatch(type, schema)
    case 'boolean':
      if (type.kind !== 'boolean') return mismatch(type, schema)
      return (value, output) => output.byte(value === true ? 1 : 0)
    case 'int':
    case 'long':
      return integerWriter(type, schema)
    case 'float':
      if (type.kind !== 'float') return mismatch(type, schema)
      return (value, output) => writeFloat(output, Number(value))
    case 'double':
      if (type.kind !== 'double' && type.kind !== 'float') return mismatch(type, schema)
      return (value, output) => output.f64(Number(value))
    case 'string':
      if (type.kind !== 'string') return mismatch(type, schema)
      return (value, output) => writeText(output, String(value))
    case 'enum':
      return enumWriter(type, schema)
    case 'bytes':
    case 'fixed':
      return bytesWriter(type, schema)
    case 'array':
      return arrayWriter(type, schema.items)
    case 'map':
      return mapWriter(type, schema.values)
    case 'record':
      return recordWriter(type, schema)
    default:
      return unreachable(schema)
  }
}

type Kind<K extends AvroSchema['kind']> = Extract<AvroSchema, { readonly kind: K }>

const integers: Readonly<Record<'int' | 'long', readonly DataType['kind'][]>> = {
  int: ['byte', 'short', 'int'],
  long: ['byte', 'short', 'int', 'long'],
}

function integerWriter(type: DataType, schema: Kind<'int' | 'long'>): WriteAvro {
  const { kind, logical } = schema
  if (type.kind === 'timestamp' && kind === 'long' && logical?.kind !== 'date') {
    // Spark's rule: without a word on it the number is of milliseconds.
    const isMicros = logical?.kind === 'timestamp' && logical.unit === 'micros'
    return isMicros
      ? (value, output) => writeLong(output, Number(value))
      : (value, output) => writeLong(output, Math.floor(Number(value) / 1000))
  }
  if (type.kind === 'date' && kind === 'int') {
    return (value, output) => writeLong(output, Number(value))
  }
  if (logical !== undefined || !integers[kind].includes(type.kind)) return mismatch(type, schema)
  return type.kind === 'long'
    ? (value, output) => writeLong(output, BigInt(value as bigint))
    : (value, output) => writeLong(output, Number(value))
}

function enumWriter(type: DataType, schema: Kind<'enum'>): WriteAvro {
  if (type.kind !== 'string') return mismatch(type, schema)
  const indices = new Map(schema.symbols.map((symbol, index) => [symbol, index]))
  return (value, output) => {
    const index = indices.get(String(value))
    if (index === undefined) throw failed(schema, `it has no symbol ${JSON.stringify(value)}`)
    writeLong(output, index)
  }
}

function bytesWriter(type: DataType, schema: Kind<'bytes' | 'fixed'>): WriteAvro {
  const { logical } = schema
  const size = schema.kind === 'fixed' ? schema.size : undefined
  const put = (bytes: Uint8Array, output: ByteWriter): void => {
    if (size === undefined) return writeBytes(output, bytes)
    if (bytes.length !== size) throw failed(schema, `it has ${bytes.length} bytes, not ${size}`)
    output.raw(bytes)
  }
  if (logical?.kind !== 'decimal') {
    if (type.kind !== 'binary') return mismatch(type, schema)
    return (value, output) => put(value as Uint8Array, output)
  }
  const isSame =
    type.kind === 'decimal' && type.scale === logical.scale && type.precision <= logical.precision
  if (!isSame) return mismatch(type, schema)
  return (value, output) => put(bytesOfDecimal(value as bigint, size), output)
}

/** In two's complement, the highest byte first: as many as the size says, or as few as there can be. */
function bytesOfDecimal(value: bigint, size: number | undefined): Uint8Array {
  let least = 1
  while (BigInt.asIntN(least * 8, value) !== value) least += 1
  const bytes = new Uint8Array(Math.max(least, size ?? 0))
  let rest = value
  for (let index = bytes.length - 1; index >= 0; index--) {
    bytes[index] = Number(rest & 255n)
    rest >>= 8n
  }
  return bytes
}

function arrayWriter(type: DataType, items: AvroSchema): WriteAvro {
  if (type.kind !== 'array') return mismatch(type, { kind: 'array', items })
  const write = writerOf(type.element, items)
  return (value, output) => {
    const list = value as readonly Value[]
    if (list.length > 0) writeLong(output, list.length)
    for (const item of list) write(item, output)
    writeLong(output, 0)
  }
}

function mapWriter(type: DataType, values: AvroSchema): WriteAvro {
  if (type.kind !== 'map' || type.key.kind !== 'string') {
    return mismatch(type, { kind: 'map', values })
  }
  const write = writerOf(type.value, values)
  return (value, output) => {
    const { entries } = value as MapValue
    if (entries.length > 0) writeLong(output, entries.length)
    for (const [key, item] of entries) {
      writeText(output, String(key))
      write(item, output)
    }
    writeLong(output, 0)
  }
}

function recordWriter(type: DataType, schema: AvroRecord): WriteAvro {
  if (type.kind !== 'struct') return mismatch(type, schema)
  const names = schema.fields.map(({ name }) => name.toLowerCase())
  const extra = type.fields.find(({ name }) => !names.includes(name.toLowerCase()))
  if (extra !== undefined) throw new Unwritable(`${avroName(schema)} has no field ${extra.name}`)
  const steps = schema.fields.map((field) => {
    const at = type.fields.findIndex(({ name }) => name.toLowerCase() === field.name.toLowerCase())
    const column = type.fields[at]
    return column === undefined
      ? { at, write: constantWriter(field, schema) }
      : { at, write: writerOf(column.type, field.schema) }
  })
  return (value, output) => {
    const values = value as readonly Value[]
    for (const { at, write } of steps) write(values[at] ?? null, output)
  }
}

/** What is written for a field that the rows do not have. */
function constantWriter({ name, schema, fallback }: AvroField, record: AvroRecord): WriteAvro {
  const { type, nullable } = sqlTypeOfAvro(schema)
  if (fallback === undefined && !nullable) {
    throw new Unwritable(`${avroName(record)} needs the field ${name}`)
  }
  const value = fallback === undefined ? null : valueOfDefault(schema, fallback.json)
  const write = writerOf(type, schema)
  return (_, output) => write(value, output)
}

function unionWriter(type: DataType, schema: Kind<'union'>): WriteAvro {
  const nullAt = schema.branches.findIndex(({ kind }) => kind === 'null')
  const write = memberWriter(type, schema) ?? branchWriter(type, schema)
  return (value, output) => {
    if (value !== null) return write(value, output)
    if (nullAt < 0) throw failed(schema, 'it is NULL')
    writeLong(output, nullAt)
  }
}

/** The first branch that values of the type can be written with. */
function branchWriter(type: DataType, schema: Kind<'union'>): WriteAvro {
  for (const [index, branch] of schema.branches.entries()) {
    if (branch.kind === 'null' && type.kind !== 'void') continue
    try {
      const write = writerOf(type, branch)
      return (value, output) => {
        writeLong(output, index)
        write(value, output)
      }
    } catch (thrown) {
      if (!(thrown instanceof Unwritable)) throw thrown
      if (valueBranches(schema).length === 1) throw thrown
    }
  }
  return mismatch(type, schema)
}

/** For structs of `member0`, `member1` and so on, as unions of several types are read. */
function memberWriter(type: DataType, schema: Kind<'union'>): WriteAvro | undefined {
  const values = valueBranches(schema)
  const isMembers =
    type.kind === 'struct' &&
    values.length > 1 &&
    type.fields.length === values.length &&
    type.fields.every(({ name }, index) => name === `member${index}`)
  if (!isMembers) return undefined
  const writers = values.map((branch, index) => ({
    index: schema.branches.indexOf(branch),
    write: writerOf(type.fields[index]?.type ?? { kind: 'void' }, branch),
  }))
  return (value, output) => {
    const members = value as readonly Value[]
    const at = members.findIndex((member) => member !== null)
    const writer = writers[at]
    if (writer === undefined) throw failed(schema, 'all its members are NULL')
    writeLong(output, writer.index)
    writer.write(members[at] ?? null, output)
  }
}

function mismatch(type: DataType, schema: AvroSchema): never {
  throw new Unwritable(`${typeText(type).toUpperCase()} cannot become ${avroName(schema)}`)
}

function failed(schema: AvroSchema, why: string): StreamError<'ENCODE_FAILED'> {
  return new StreamError('ENCODE_FAILED', { schema: avroName(schema), why })
}
