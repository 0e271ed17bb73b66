import { ByteWriter } from '../../batch/byte-writer.ts'
import { type DataType, typeText } from '../../batch/schema.ts'
import type { MapValue, Value } from '../../batch/value.ts'
import { StreamError } from '../../core/error.ts'
import { defaultOf } from './default-value.ts'
import { wireTypeOf } from './scalars.ts'
import { type ProtoField, type ProtoMessage, type ProtoType, timestampName } from './schema.ts'
import { tagOf, wireTypes } from './wire.ts'
import { scalarWriter, timestampWriter, type WriteValue, writeVarint } from './write-scalars.ts'

/** Appends the fields of a message. */
type WriteMessage = (values: readonly Value[], output: ByteWriter) => void

/** A type that cannot be written as a message; the message of the error says where and why. */
class Unwritable extends Error {}

/**
 * Writes structs of a type as messages: fields by name, without letter case, in the order of their numbers.
 * NULL is a field that is not set; so is the default of a field that does not tell the one from the other.
 * @throws StreamError `SCHEMAS_INCOMPATIBLE`; later `ENCODE_FAILED` for a value that the message has not
 */
export function messageWriter(type: DataType, message: ProtoMessage): (value: Value) => Uint8Array {
  const output = new ByteWriter()
  const write = attempted(type, message)
  return (value) => {
    output.length = 0
    write(Array.isArray(value) ? value : [], output)
    return output.take()
  }
}

function attempted(type: DataType, message: ProtoMessage): WriteMessage {
  try {
    return fieldsWriter(type, message)
  } catch (cause) {
    if (!(cause instanceof Unwritable)) throw cause
    const reader = `the Protobuf message ${message.name}`
    const details = { writer: typeText(type), reader, why: cause.message }
    throw new StreamError('SCHEMAS_INCOMPATIBLE', details, { cause })
  }
}

function fieldsWriter(type: DataType, message: ProtoMessage): WriteMessage {
  if (type.kind !== 'struct') throw new Unwritable(`${typeText(type).toUpperCase()} is no STRUCT`)
  const fields = message.fields.toSorted((left, right) => left.number - right.number)
  const names = fields.map(({ name }) => name.toLowerCase())
  const extra = type.fields.find(({ name }) => !names.includes(name.toLowerCase()))
  if (extra !== undefined) throw new Unwritable(`${message.name} has no field ${extra.name}`)
  const steps = fields.flatMap((field) => {
    const at = type.fields.findIndex(({ name }) => name.toLowerCase() === field.name.toLowerCase())
    const column = type.fields[at]
    if (column !== undefined) return [{ at, write: fieldWriter(column.type, field, message) }]
    if (field.label !== 'required') return []
    throw new Unwritable(`${message.name} needs the field ${field.name}`)
  })
  return (values, output) => {
    for (const { at, write } of steps) write(values[at] ?? null, output)
  }
}

function fieldWriter(type: DataType, field: ProtoField, message: ProtoMessage): WriteValue {
  // A field that is NULL in every row has no type of its own.
  if (type.kind === 'void' && field.label !== 'required') return () => {}
  if (field.type.kind === 'map') return mapWriter(type, field, field.type)
  if (field.label === 'repeated') return listWriter(type, field)
  const write = taggedWriter(type, field.type, field.number)
  if (field.label === 'required') {
    return (value, output) => {
      if (value === null) throw failed(message.name, `the required field ${field.name} is NULL`)
      write(value, output)
    }
  }
  const initial = field.hasPresence ? null : defaultOf({ type: field.type, sql: type })
  return (value, output) => {
    const isLeftOut = value === null || isSame(value, initial)
    if (!isLeftOut) write(value, output)
  }
}

function isSame(value: Value, initial: Value): boolean {
  if (initial instanceof Uint8Array) return value instanceof Uint8Array && value.length === 0
  return Object.is(value, initial)
}

type MapType = Extract<ProtoType, { readonly kind: 'map' }>

/** Entries are messages of a key and a value. */
function mapWriter(type: DataType, field: ProtoField, { key, value }: MapType): WriteValue {
  if (type.kind !== 'map') return mismatch(type, field.type)
  const writeKey = taggedWriter(type.key, key, 1)
  const writeItem = taggedWriter(type.value, value, 2)
  const entry = new ByteWriter()
  return (given, output) => {
    if (given === null) return
    const { entries } = given as MapValue
    for (const [name, item] of entries) {
      if (item === null) throw failed(field.name, 'a value of the map is NULL')
      entry.length = 0
      writeKey(name, entry)
      writeItem(item, entry)
      writeVarint(output, tagOf(field.number, wireTypes.bytes))
      writePart(output, entry)
    }
  }
}

function listWriter(type: DataType, field: ProtoField): WriteValue {
  if (type.kind !== 'array') return mismatch(type, field.type)
  const bare = field.isPacked ? valueWriter(type.element, field.type) : undefined
  const tagged = taggedWriter(type.element, field.type, field.number)
  const part = new ByteWriter()
  return (value, output) => {
    if (!Array.isArray(value) || value.length === 0) return
    if (value.includes(null)) throw failed(field.name, 'an element of the list is NULL')
    if (bare === undefined) {
      for (const item of value) tagged(item, output)
      return
    }
    part.length = 0
    for (const item of value) bare(item, part)
    writeVarint(output, tagOf(field.number, wireTypes.bytes))
    writePart(output, part)
  }
}

/** A value behind its tag. */
function taggedWriter(type: DataType, to: ProtoType, number: number): WriteValue {
  const write = valueWriter(type, to)
  const tag = tagOf(number, wireTypeOf(to))
  const isGroup = to.kind === 'message' && to.isGroup
  const end = tagOf(number, wireTypes.groupEnd)
  return (value, output) => {
    writeVarint(output, tag)
    write(value, output)
    if (isGroup) writeVarint(output, end)
  }
}

function valueWriter(type: DataType, to: ProtoType): WriteValue {
  switch (to.kind) {
    case 'enum':
      return enumWriter(type, to)
    case 'message':
      return innerWriter(type, to)
    case 'map':
      return mismatch(type, to)
    default:
      return scalarWriter(type, to.kind) ?? mismatch(type, to)
  }
}

function enumWriter(type: DataType, to: Extract<ProtoType, { readonly kind: 'enum' }>): WriteValue {
  const { name, values } = to.enumeration
  if (type.kind === 'string') {
    const numbers = new Map(values.map((value) => [value.name, value.number]))
    return (value, output) => {
      const number = numbers.get(String(value))
      if (number === undefined) throw failed(name, `it has no value ${JSON.stringify(value)}`)
      writeVarint(output, BigInt(number))
    }
  }
  if (!['byte', 'short', 'int'].includes(type.kind)) return mismatch(type, to)
  const known = new Set(values.map(({ number }) => number))
  return (value, output) => {
    if (!known.has(Number(value))) throw failed(name, `it has no value of the number ${value}`)
    writeVarint(output, BigInt(Number(value)))
  }
}

function innerWriter(
  type: DataType,
  { message, isGroup }: Extract<ProtoType, { readonly kind: 'message' }>,
): WriteValue {
  const part = new ByteWriter()
  if (message.name === timestampName && type.kind === 'timestamp') {
    return (value, output) => {
      part.length = 0
      timestampWriter(value, part)
      writePart(output, part)
    }
  }
  const write = fieldsWriter(type, message)
  return (value, output) => {
    const values = Array.isArray(value) ? value : []
    if (isGroup) return write(values, output)
    part.length = 0
    write(values, part)
    writePart(output, part)
  }
}

function writePart(output: ByteWriter, part: ByteWriter): void {
  writeVarint(output, part.length)
  output.raw(part.view())
}

function mismatch(type: DataType, to: ProtoType): never {
  throw new Unwritable(`${typeText(type).toUpperCase()} cannot become Protobuf ${to.kind}`)
}

function failed(schema: string, why: string): StreamError<'ENCODE_FAILED'> {
  return new StreamError('ENCODE_FAILED', { schema: `Protobuf ${schema}`, why })
}
