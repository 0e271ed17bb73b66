import { type Column, isValid } from '../../batch/batch.ts'
import { ByteWriter } from '../../batch/byte-writer.ts'
import { encodeKeyAt, KeyReader } from '../../batch/key-codec.ts'
import { valueAt } from '../../batch/read.ts'
import type { DataType } from '../../batch/schema.ts'
import type { Value } from '../../batch/value.ts'
import { type ByteReader, encodeValue } from '../../batch/value-codec.ts'
import { keyOfText, textOfKey } from '../keyed/entries.ts'
import { numbersOf, validityOf } from './column-numbers.ts'

/** What stands for a value, or for several, in a `Set` or `Map`: equal when SQL's grouping calls them equal. */
export type Key = number | bigint | string | boolean

/** Makes keys of argument values, and values of keys. */
export interface ValueKeys {
  /** The key of a row; `undefined` if one of its values is NULL. */
  reader(args: readonly Column[]): (row: number) => Key | undefined
  values(key: Key): readonly Value[]
  encode(key: Key, writer: ByteWriter): void
  decode(reader: ByteReader): Key
  byteLength(key: Key): number
}

/** Keys for values of these types. */
export function valueKeys(types: readonly DataType[]): ValueKeys {
  const [type] = types
  if (types.length === 1 && type !== undefined) {
    if (plainKinds.includes(type.kind)) return plainKeys(type)
  }
  return compositeKeys(types)
}

const plainKinds: readonly DataType['kind'][] = [
  ...(['byte', 'short', 'int', 'long', 'float', 'double', 'date', 'timestamp'] as const),
  ...(['boolean', 'string'] as const),
]

/** Values that are their own keys. Sets hold NaN equal to itself and −0 equal to 0, as SQL does. */
function plainKeys(type: DataType): ValueKeys {
  const isLong = type.kind === 'long'
  const asValue = (key: Key): Value => (isLong ? BigInt(key) : key)
  return {
    reader([column]) {
      if (column === undefined) return () => undefined
      const validity = validityOf(column)
      const numbers = numbersOf(column)
      if (numbers !== undefined) {
        return (row) => (isValid(validity, row) ? (numbers[row] as number) : undefined)
      }
      return (row) => {
        const value = valueAt(column, type, row)
        if (value === null) return undefined
        return isLong ? narrowed(value as bigint) : (value as Key)
      }
    },
    values: (key) => [asValue(key)],
    encode: (key, writer) => encodeValue(writer, type, asValue(key)),
    decode(reader) {
      const value = reader.value(type)
      return isLong ? narrowed(value as bigint) : (value as Key)
    },
    byteLength: (key) => (typeof key === 'string' ? 48 + key.length : 24),
  }
}

/** A long is a number wherever it fits: one key for one value, whatever the layout of its column. */
function narrowed(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

/** The bytes of the key codec, as text. */
function compositeKeys(types: readonly DataType[]): ValueKeys {
  const writer = new ByteWriter()
  return {
    reader(args) {
      const validities = args.map(validityOf)
      return (row) => {
        if (!validities.every((validity) => isValid(validity, row))) return undefined
        writer.length = 0
        args.forEach((column, index) => {
          const type = types[index]
          if (type !== undefined) encodeKeyAt(writer, type, column, row)
        })
        return textOfKey(writer.view())
      }
    },
    values(key) {
      const reader = new KeyReader(keyOfText(String(key)))
      return types.map((type) => reader.read(type))
    },
    encode(key, to) {
      const bytes = keyOfText(String(key))
      to.u32(bytes.length)
      to.raw(bytes)
    },
    decode: (reader) => textOfKey(reader.raw(reader.u32())),
    byteLength: (key) => 48 + String(key).length,
  }
}
