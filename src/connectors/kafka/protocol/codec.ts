import { WireFault } from './wire-fault.ts'
import type { WireReader } from './wire-reader.ts'
import { utf8, WireWriter } from './wire-writer.ts'

/** In which version of its request something is written. */
export interface WireVersion {
  readonly version: number
  /** Lengths are variable and every structure ends with tagged fields (KIP-482). */
  readonly isFlexible: boolean
}

/** One type of the protocol, both ways: what `write` has written `read` gives back. */
export interface Codec<Value> {
  write(to: WireWriter, value: Value, at: WireVersion): void
  /** @throws WireFault when the bytes are no such value */
  read(from: WireReader, at: WireVersion): Value
}

/** A part of a structure; without bounds it is there in every version. */
export interface Field<Value> extends Codec<Value> {
  /** The first version that has it. */
  readonly since?: number
  /** The last version that has it. */
  readonly until?: number
  /** Its number, if it stands among the tagged fields. */
  readonly tag?: number
  /** What it is where it is not written. */
  readonly initial?: Value
}

export type Fields<Value> = { readonly [Name in keyof Value]-?: Field<Value[Name]> }

export const int8: Codec<number> = {
  write: (to, value) => to.int8(value),
  read: (from) => from.int8(),
}

export const int16: Codec<number> = {
  write: (to, value) => to.int16(value),
  read: (from) => from.int16(),
}

export const int32: Codec<number> = {
  write: (to, value) => to.int32(value),
  read: (from) => from.int32(),
}

export const int64: Codec<number> = {
  write: (to, value) => to.int64(value),
  read: (from) => from.int64(),
}

export const boolean: Codec<boolean> = {
  write: (to, value) => to.int8(value ? 1 : 0),
  read: (from) => from.int8() !== 0,
}

/** Sixteen bytes as hexadecimal digits. */
export const uuid: Codec<string> = {
  write(to, value) {
    for (let at = 0; at < 32; at += 2) to.int8(Number.parseInt(value.slice(at, at + 2), 16))
  },
  read: (from) => Array.from(from.view(16), (byte) => byte.toString(16).padStart(2, '0')).join(''),
}

/** No identity at all. */
export const noUuid: string = '0'.repeat(32)

export const nullableString: Codec<string | undefined> = {
  write(to, value, at) {
    if (value === undefined) return writeLength(to, -1, at, 'short')
    const bytes = utf8(value)
    writeLength(to, bytes.length, at, 'short')
    to.raw(bytes)
  },
  read(from, at) {
    const size = readLength(from, at, 'short')
    return size < 0 ? undefined : from.text(size)
  },
}

export const string: Codec<string> = present(nullableString)

/** Bytes that are read as a view. */
export const nullableBytes: Codec<Uint8Array | undefined> = {
  write(to, value, at) {
    writeLength(to, value?.length ?? -1, at, 'long')
    if (value !== undefined) to.raw(value)
  },
  read(from, at) {
    const size = readLength(from, at, 'long')
    return size < 0 ? undefined : from.view(size)
  },
}

export const bytes: Codec<Uint8Array> = present(nullableBytes)

/** Any number of values; `undefined` is a list that is not there, which says something else than an empty one. */
export function nullableArray<Value>(of: Codec<Value>): Codec<readonly Value[] | undefined> {
  return {
    write(to, values, at) {
      writeLength(to, values?.length ?? -1, at, 'long')
      for (const value of values ?? []) of.write(to, value, at)
    },
    read(from, at) {
      const count = readLength(from, at, 'long')
      if (count < 0) return undefined
      // Each takes a byte at least: no answer can ask for more memory than it has bytes.
      if (count > from.end - from.at) throw new WireFault(`${count} values before ${from.end}`)
      return Array.from({ length: count }, () => of.read(from, at))
    },
  }
}

export function array<Value>(of: Codec<Value>): Codec<readonly Value[]> {
  return present(nullableArray(of))
}

/** Fields in the order in which they are named here. */
export function struct<Value extends object>(fields: Fields<Value>): Codec<Value> {
  const all = Object.entries(fields) as [keyof Value & string, Field<unknown>][]
  const plain = all.filter(([, { tag }]) => tag === undefined)
  const tagged = new Map(all.map(([name, field]) => [field.tag, [name, field] as const]))
  const has = ({ since = 0, until = 99 }: Field<unknown>, { version }: WireVersion): boolean =>
    version >= since && version <= until
  return {
    write(to, value, at) {
      for (const [name, field] of plain) if (has(field, at)) field.write(to, value[name], at)
      if (!at.isFlexible) return
      const sent = all.filter(
        ([name, { tag, initial }]) => tag !== undefined && value[name] !== initial,
      )
      to.uvarint(sent.length)
      for (const [name, field] of sent) {
        const part = new WireWriter()
        field.write(part, value[name], at)
        to.uvarint(field.tag ?? 0)
        to.uvarint(part.length)
        to.raw(part.finish())
      }
    },
    read(from, at) {
      const value: { [name: string]: unknown } = {}
      for (const [name, field] of all) {
        const isWritten = field.tag === undefined && has(field, at)
        value[name] = isWritten ? field.read(from, at) : field.initial
      }
      if (!at.isFlexible) return value as Value
      for (let count = from.uvarint(); count > 0; count--) {
        const known = tagged.get(from.uvarint())
        const end = from.uvarint() + from.at
        if (known !== undefined && has(known[1], at)) value[known[0]] = known[1].read(from, at)
        // Another version of the same field may have more to say.
        from.skip(end - from.at)
      }
      return value as Value
    },
  }
}

/** A field that versions before this one do not have; it is read as `initial` then. */
export function since<Value>(version: number, of: Field<Value>, initial: Value): Field<Value> {
  return { ...of, since: version, initial }
}

/** A field that versions after this one do not have any more. */
export function until<Value>(version: number, of: Field<Value>, initial: Value): Field<Value> {
  return { ...of, until: version, initial }
}

/** A field that says the same whenever we write it; what others write there is read, and of no use to us. */
export function constant<Value>(of: Codec<Value>, value: Value): Field<unknown> {
  return { write: (to, _, at) => of.write(to, value, at), read: (from, at) => of.read(from, at) }
}

/** A field that may be added to flexible versions: sent where it says something else than `initial`. */
export function tagged<Value>(tag: number, of: Field<Value>, initial: Value): Field<Value> {
  return { ...of, tag, initial }
}

function present<Value>(of: Codec<Value | undefined>): Codec<Value> {
  return {
    write: (to, value, at) => of.write(to, value, at),
    read(from, at) {
      const value = of.read(from, at)
      if (value === undefined) throw new WireFault(`null at ${from.at}, where it cannot be`)
      return value
    },
  }
}

function writeLength(
  to: WireWriter,
  size: number,
  { isFlexible }: WireVersion,
  kind: 'short' | 'long',
): void {
  if (isFlexible) to.uvarint(size + 1)
  else if (kind === 'short') to.int16(size)
  else to.int32(size)
}

/** A length, or −1 for null. */
function readLength(from: WireReader, { isFlexible }: WireVersion, kind: 'short' | 'long'): number {
  if (isFlexible) return from.uvarint() - 1
  const size = kind === 'short' ? from.int16() : from.int32()
  if (size < -1) throw new WireFault(`a length of ${size} before ${from.at}`)
  return size
}
