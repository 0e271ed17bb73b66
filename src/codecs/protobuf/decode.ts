import type { Value } from '../../batch/value.ts'
import { ByteInput } from '../byte-input.ts'
import { Malformed } from '../malformed.ts'
import { defaultOf } from './default-value.ts'
import { finisherOf, type ProtoReading } from './finish.ts'
import {
  enumReader,
  type ReadScalar,
  scalarReader,
  timestampReader,
  wireTypeOf,
} from './scalars.ts'
import { timestampName } from './schema.ts'
import type { FieldShape, StructShape, ValueShape } from './sql-type.ts'
import { readTag, skipField, tagOf, wireTypes } from './wire.ts'

/** A message as it comes in, by the fields of its shape; lists are arrays, maps are maps, what is not set is null. */
type Slots = unknown[]

/** Adds to a message what comes in; `group` is the field whose end tag ends it, 0 = it ends with the input. */
type Fill = (input: ByteInput, group: number, slots: Slots) => void

/** Takes what a field has behind its tag. */
interface FieldReader {
  readonly wireType: number
  read(input: ByteInput, slots: Slots): void
  /** Where the numbers of a list may also come as one part. */
  readonly readPacked?: (input: ByteInput, slots: Slots) => void
}

/** Reads bytes as the struct of a shape, from a byte on. @throws Malformed (later) */
export function messageReader(
  shape: StructShape,
  reading: ProtoReading,
): (bytes: Uint8Array, at: number) => Value {
  const input = new ByteInput()
  const fill = filler(shape)
  const finish = finisherOf(shape, reading)
  const empty = emptySlots(shape)
  return (bytes, at) => {
    const slots = empty.slice()
    fill(input.begin(bytes, at), 0, slots)
    return finish(slots)
  }
}

function emptySlots({ fields }: StructShape): Slots {
  return fields.map(() => null)
}

function filler(shape: StructShape): Fill {
  const readers = new Map<number, FieldReader>()
  for (const [slot, each] of shape.fields.entries()) {
    readers.set(each.field.number, fieldReader(each, slot, shape))
  }
  return (input, group, slots) => {
    while (group !== 0 || !input.isAtEnd) {
      const tag = readTag(input)
      const wireType = tag & 7
      if (wireType === wireTypes.groupEnd) {
        if (group !== 0 && tag >>> 3 === group) return
        throw new Malformed('a group ends that has not begun')
      }
      const field = readers.get(tag >>> 3)
      if (wireType === field?.wireType) field.read(input, slots)
      else if (wireType === wireTypes.bytes && field?.readPacked !== undefined) {
        field.readPacked(input, slots)
      } else skipField(input, tag)
    }
  }
}

function fieldReader(each: FieldShape, slot: number, shape: StructShape): FieldReader {
  const { field, key, value } = each
  if (key !== undefined) return mapReader(key, value, slot)
  const { type, struct } = value
  if (type.kind === 'message' && struct !== undefined) {
    const isList = field.label === 'repeated'
    const group = type.isGroup ? field.number : 0
    return structReader(struct, { slot, isList, group, rivals: rivalsOf(each, shape) })
  }
  const read = valueReader(value)
  const wireType = wireTypeOf(type)
  if (field.label === 'repeated') return listReader(read, wireType, slot)
  const rivals = rivalsOf(each, shape)
  return {
    wireType,
    read(input, slots) {
      const found = read(input)
      if (found === undefined) return
      for (const rival of rivals) slots[rival] = null
      slots[slot] = found
    },
  }
}

/** The slots of the other fields of the same oneof. */
function rivalsOf({ field }: FieldShape, { fields }: StructShape): readonly number[] {
  if (field.oneof === undefined) return []
  return [...fields.entries()].flatMap(([slot, other]) =>
    other.field.oneof === field.oneof && other.field !== field ? [slot] : [],
  )
}

interface StructPlace {
  readonly slot: number
  readonly isList: boolean
  readonly group: number
  readonly rivals: readonly number[]
}

/** Parts of a message that come one after the other are one message. */
function structReader(struct: StructShape, place: StructPlace): FieldReader {
  const { slot, isList, group, rivals } = place
  const fill = filler(struct)
  const empty = emptySlots(struct)
  return {
    wireType: group === 0 ? wireTypes.bytes : wireTypes.groupStart,
    read(input, slots) {
      for (const rival of rivals) slots[rival] = null
      const known = slots[slot]
      const inner: Slots = !isList && Array.isArray(known) ? known : empty.slice()
      if (group !== 0) fill(input, group, inner)
      else {
        const outer = input.enter(input.unsigned())
        fill(input, 0, inner)
        input.leave(outer)
      }
      if (isList) append(slots, slot, inner)
      else slots[slot] = inner
    },
  }
}

function listReader(read: ReadScalar, wireType: number, slot: number): FieldReader {
  const add = (input: ByteInput, slots: Slots): void => {
    const found = read(input)
    if (found !== undefined) append(slots, slot, found)
  }
  if (wireType === wireTypes.bytes) return { wireType, read: add }
  return {
    wireType,
    read: add,
    readPacked(input, slots) {
      const outer = input.enter(input.unsigned())
      while (!input.isAtEnd) add(input, slots)
      input.leave(outer)
    },
  }
}

function append(slots: Slots, slot: number, item: unknown): void {
  const list = slots[slot]
  if (Array.isArray(list)) list.push(item)
  else slots[slot] = [item]
}

/** Entries are messages of a key and a value, either of which is left out for its default. */
function mapReader(key: ValueShape, value: ValueShape, slot: number): FieldReader {
  const readKey = valueReader(key)
  const add = entryValueReader(value)
  const [keyTag, valueTag] = [tagOf(1, wireTypeOf(key.type)), tagOf(2, wireTypeOf(value.type))]
  const noKey = defaultOf(key)
  return {
    wireType: wireTypes.bytes,
    read(input, slots) {
      const outer = input.enter(input.unsigned())
      let foundKey: Value | undefined
      const found: Slots = [add.initial()]
      while (!input.isAtEnd) {
        const tag = readTag(input)
        if (tag === keyTag) foundKey = readKey(input)
        else if (tag === valueTag) add.read(input, found)
        else skipField(input, tag)
      }
      input.leave(outer)
      const known = slots[slot]
      const map = known instanceof Map ? known : new Map<unknown, unknown>()
      // A value that its enum does not have takes its entry with it.
      if (found[0] !== undefined) map.set(foundKey ?? noKey, found[0])
      slots[slot] = map
    },
  }
}

/** Reads the value of an entry into the first slot. */
function entryValueReader(value: ValueShape): {
  readonly initial: () => unknown
  readonly read: (input: ByteInput, slots: Slots) => void
} {
  const { struct } = value
  if (struct !== undefined) {
    const place = { slot: 0, isList: false, group: 0, rivals: [] }
    const empty = emptySlots(struct)
    return { initial: () => empty.slice(), read: structReader(struct, place).read }
  }
  const read = valueReader(value)
  const initial = defaultOf(value)
  return {
    initial: () => initial,
    read: (input, slots) => {
      slots[0] = read(input)
    },
  }
}

/** For values that are no struct. */
function valueReader({ type, sql }: ValueShape): ReadScalar {
  if (type.kind === 'enum') return enumReader(type.enumeration, sql.kind === 'int')
  if (type.kind === 'message' && type.message.name === timestampName) return timestampReader
  if (type.kind !== 'message' && type.kind !== 'map') return scalarReader(type.kind)
  throw new TypeError(`${type.kind} is no scalar`)
}
