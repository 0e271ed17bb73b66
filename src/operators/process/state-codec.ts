import { ByteWriter } from '../../batch/byte-writer.ts'
import { type EdgeOptions, fromEdge, toEdge } from '../../batch/edge-row.ts'
import { encodeKey, KeyReader } from '../../batch/key-codec.ts'
import { ByteReader, encodeValue } from '../../batch/value-codec.ts'
import { reasonOf, StreamError } from '../../core/error.ts'
import type { StateCodec } from '../../flow/stateful-processor.ts'
import { packUserValue, unpackUserValue } from '../user-state-codec.ts'
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
  const types = variable.types.map(typeOf)
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
      const reader = new ByteReader(bytes)
      const number = reader.byte()
      const from = number < types.length ? types[number] : to
      if (from !== undefined && to !== undefined) {
        return toEdge(to, widened(from, to, reader.value(from)), edge)
      }
      const rest = new Uint8Array(bytes.subarray(1))
      return custom === undefined ? unpackUserValue(rest) : custom.decode(rest)
    },
  }
}

/** Keys of a map variable as bytes that are equal for equal keys. */
export function mapKeyCodec(variable: KeptVariable, edge: EdgeOptions): VariableCodec {
  const text = variable.keyType ?? 'string'
  const type = typeOf(text) ?? { kind: 'string' }
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
