import type { Value } from '../../batch/value.ts'
import { unreachable } from '../../core/error.ts'
import type { ByteInput } from '../byte-input.ts'
import { Malformed } from '../malformed.ts'
import type { ProtoEnum, ProtoScalar, ProtoType } from './schema.ts'
import { readTag, skipField, tagOf, wireTypes } from './wire.ts'

/** Reads one value; nothing for a number that its enum does not have. */
export type ReadScalar = (input: ByteInput) => Value | undefined

/** Unsigned numbers become the signed ones of the same bits, as in Java. */
export function scalarReader(kind: ProtoScalar): ReadScalar {
  switch (kind) {
    case 'int32':
    case 'uint32':
      return (input) => input.int32()
    case 'int64':
    case 'uint64':
      return (input) => input.int64()
    case 'sint32':
      return (input) => input.zigzagInt()
    case 'sint64':
      return (input) => input.zigzagLong()
    case 'fixed32':
    case 'sfixed32':
      return (input) => input.fixed32()
    case 'fixed64':
    case 'sfixed64':
      return (input) => input.fixed64()
    case 'double':
      return (input) => input.double()
    case 'float':
      return (input) => input.float()
    case 'bool':
      return (input) => input.int64() !== 0n
    case 'string':
      return (input) => input.text(input.unsigned())
    case 'bytes':
      return (input) => input.bytes(input.unsigned())
    default:
      return unreachable(kind)
  }
}

export function enumReader({ name, values, isClosed }: ProtoEnum, asNumber: boolean): ReadScalar {
  const texts = new Map(values.toReversed().map((value) => [value.number, value.name]))
  const bare = name.slice(name.lastIndexOf('.') + 1)
  return (input) => {
    const number = input.int32()
    const text = texts.get(number)
    if (text === undefined && isClosed) return undefined
    return asNumber ? number : (text ?? `UNKNOWN_ENUM_VALUE_${bare}_${number}`)
  }
}

const secondsField = 1
const nanosField = 2

/** `google.protobuf.Timestamp` as microseconds. */
export function timestampReader(input: ByteInput): Value {
  const outer = input.enter(input.unsigned())
  let seconds = 0n
  let nanos = 0
  while (!input.isAtEnd) {
    const tag = readTag(input)
    if (tag === tagOf(secondsField, wireTypes.varint)) seconds = input.int64()
    else if (tag === tagOf(nanosField, wireTypes.varint)) nanos = input.int32()
    else skipField(input, tag)
  }
  input.leave(outer)
  const micros = Number(seconds * 1_000_000n) + Math.floor(nanos / 1000)
  if (Number.isSafeInteger(micros)) return micros
  throw new Malformed(`the time of ${seconds} seconds is not within the years 1684 to 2255`)
}

/** How the bytes of one value of a type are told from the next field. */
export function wireTypeOf(type: ProtoType): number {
  switch (type.kind) {
    case 'double':
    case 'fixed64':
    case 'sfixed64':
      return wireTypes.bits64
    case 'float':
    case 'fixed32':
    case 'sfixed32':
      return wireTypes.bits32
    case 'string':
    case 'bytes':
    case 'map':
      return wireTypes.bytes
    case 'message':
      return type.isGroup ? wireTypes.groupStart : wireTypes.bytes
    default:
      return wireTypes.varint
  }
}
