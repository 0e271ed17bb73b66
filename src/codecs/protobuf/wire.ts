import type { ByteInput } from '../byte-input.ts'
import { Malformed } from '../malformed.ts'

/** How the bytes of a field are told from the next field, whatever its type. */
export const wireTypes = { varint: 0, bits64: 1, bytes: 2, groupStart: 3, groupEnd: 4, bits32: 5 }

/** The readers of other languages go no deeper either. */
const depthMax = 100

/** Passes over a field that nobody reads. */
export function skipField(input: ByteInput, tag: number, depth = 0): void {
  switch (tag & 7) {
    case wireTypes.varint:
      input.int32()
      return
    case wireTypes.bits64:
      return input.skip(8)
    case wireTypes.bytes:
      return input.skip(input.unsigned())
    case wireTypes.bits32:
      return input.skip(4)
    case wireTypes.groupStart:
      return skipGroup(input, tag, depth + 1)
    default:
      throw new Malformed(`there is no wire type ${tag & 7}`)
  }
}

function skipGroup(input: ByteInput, start: number, depth: number): void {
  if (depth > depthMax) throw new Malformed(`groups are ${depthMax} deep`)
  for (;;) {
    const tag = readTag(input)
    if ((tag & 7) === wireTypes.groupEnd) {
      if (tag >>> 3 === start >>> 3) return
      throw new Malformed('a group ends that has not begun')
    }
    skipField(input, tag, depth)
  }
}

/** What stands in front of a field. */
export function tagOf(number: number, wireType: number): number {
  return ((number << 3) | wireType) >>> 0
}

/** The number of a field and its wire type. */
export function readTag(input: ByteInput): number {
  const tag = input.unsigned()
  if (tag > 0xffffffff || tag >>> 3 === 0) throw new Malformed(`there is no field ${tag >>> 3}`)
  return tag
}
