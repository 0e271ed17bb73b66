import { ByteWriter } from '../../batch/byte-writer.ts'
import { type EdgeOptions, fromEdge, toEdge } from '../../batch/edge-row.ts'
import { encodeKey, KeyReader } from '../../batch/key-codec.ts'
import { binaryType, type DataType, stringType } from '../../batch/schema.ts'
import type { Value } from '../../batch/value.ts'
import { ByteReader, encodeValue } from '../../batch/value-codec.ts'
import { reasonOf, StreamError } from '../../core/error.ts'
import type { StateCodec } from '../../flow/stateful-processor.ts'
import { jsonText, packUserValue, unpackUserValue } from '../user-state-codec.ts'
import { type KeptVariable, typeOf, widened } from './state-shape.ts'

/** Values of one state variable as bytes: the position of their type, then the value. */
export interface VariableCodec {
  encode(value: unknown): Uint8Array
  decode(bytes: Uint8Array): unknown
}

/** The codec of a variable; `custom` is the user's, where one was given. */
export function variableCodec(
  variable: KeptVariable,
  custom: StateCodec<unknown> | undefined,
  edge: EdgeOptions,
): VariableCodec {
  const current = variable.types.indexOf(variable.type)
  const to = typeOf(variable.type)
  const typedOf = typedReader(variable, to)
  const writer = new ByteWriter()
  const misfit = (cause: unknown): StreamError<'STATE_VALUE_INVALID'> =>
    new StreamError(
      'STATE_VALUE_INVALID',
      { variable: variable.name, type: variable.type, why: reasonOf(cause) },
      { cause },
    )
  const write = (value: unknown): void => {
    writer.length = 0
    writer.byte(current)
    if (value === undefined || value === null)
      throw new TypeError('it is empty: use clear or delete')
    if (to !== undefined) encodeValue(writer, to, fromEdge(to, value))
    else writer.raw(custom === undefined ? packUserValue(value) : custom.encode(value))
  }
  return {
    encode(value) {
      try {
        write(value)
      } catch (cause) {
        throw misfit(cause)
      }
      return writer.take()
    },
    decode(bytes) {
      const typed = typedOf(bytes)
      if (to !== undefined && typed !== undefined) return toEdge(to, typed, edge)
      const rest = new Uint8Array(bytes.subarray(1))
      return custom === undefined ? unpackUserValue(rest) : custom.decode(rest)
    },
  }
}

/** Reads stored values as those of the newest type; `undefined` for what was stored without a type. */
function typedReader(
  variable: KeptVariable,
  to: DataType | undefined,
): (bytes: Uint8Array) => Value | undefined {
  const types = variable.types.map(typeOf)
  return (bytes) => {
    const reader = new ByteReader(bytes)
    const number = reader.byte()
    const from = number < types.length ? types[number] : to
    if (from === undefined || to === undefined) return undefined
    return widened(from, to, reader.value(from))
  }
}

/** How values of a variable are shown by those who have not the program. */
export function shownType({ type }: KeptVariable): DataType {
  return typeOf(type) ?? (type === 'packed' ? stringType : binaryType)
}

/** A stored value as `shownType`: packed ones as JSON, those of a codec of the user's as their bytes. */
export function shownValue(variable: KeptVariable, bytes: Uint8Array): Value {
  const to = typeOf(variable.type)
  if (to !== undefined) return typedReader(variable, to)(bytes) ?? null
  const rest = new Uint8Array(bytes.subarray(1))
  return variable.type === 'packed' ? jsonText(unpackUserValue(rest)) : rest
}

/** The type of the keys of a map. */
export function mapKeyType({ keyType }: KeptVariable): DataType {
  return typeOf(keyType ?? 'string') ?? stringType
}

/** Keys of a map variable as bytes that are equal for equal keys. */
export function mapKeyCodec(variable: KeptVariable, edge: EdgeOptions): VariableCodec {
  const text = variable.keyType ?? 'string'
  const type = mapKeyType(variable)
  const writer = new ByteWriter()
  return {
    encode(key) {
      try {
        const value = fromEdge(type, key)
        if (value === null) throw new TypeError('it is empty')
        encodeKey(writer, type, value)
      } catch (cause) {
        writer.length = 0
        const details = { variable: `${variable.name} (key)`, type: text, why: reasonOf(cause) }
        throw new StreamError('STATE_VALUE_INVALID', details, { cause })
      }
      return writer.take()
    },
    decode: (bytes) => toEdge(type, new KeyReader(bytes).read(type), edge),
  }
}
