import { WireFault } from '../protocol/wire-fault.ts'
import { WireReader } from '../protocol/wire-reader.ts'
import { UnpackedBytes, unpackedBytesMax } from './unpacked-bytes.ts'

/** How Java's producers begin: blocks with their lengths before them. Others send one block and nothing else. */
const framedMark = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]
/** The mark and two versions. */
const framedHeadBytes = 16

/**
 * Unpacks Snappy, with or without the frame of Java's producers.
 * @throws WireFault when the bytes are no such blocks
 */
export function unpackSnappy(packed: Uint8Array): Uint8Array {
  if (!framedMark.every((byte, at) => packed[at] === byte)) {
    return unpackBlock(packed, new UnpackedBytes(0)).view()
  }
  const reader = new WireReader(packed, framedHeadBytes)
  const out = new UnpackedBytes(packed.length * 2)
  while (reader.at < reader.end) unpackBlock(reader.view(reader.int32()), out)
  return out.view()
}

/** One block: its length unpacked, then literals and copies of what came before in it. */
function unpackBlock(block: Uint8Array, out: UnpackedBytes): UnpackedBytes {
  const reader = new WireReader(block)
  const wanted = reader.uvarint()
  if (wanted > unpackedBytesMax) throw new WireFault(`${wanted} bytes unpacked`)
  const begin = out.length
  while (reader.at < reader.end) {
    const tag = block[reader.skip(1)] as number
    const kind = tag & 3
    if (kind === 0) {
      const short = tag >>> 2
      const size = (short < 60 ? short : littleEnd(reader, short - 59)) + 1
      const start = reader.skip(size)
      out.literal(block, start, start + size)
    } else {
      const size = kind === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1
      const far = kind === 1 ? (tag >>> 5) * 256 : 0
      const distance = far + littleEnd(reader, kind === 1 ? 1 : kind === 2 ? 2 : 4)
      // A block copies from itself alone.
      if (distance > out.length - begin) throw new WireFault(`${distance} bytes back in a block`)
      out.copy(distance, size)
    }
    if (out.length - begin > wanted) throw new WireFault(`more than ${wanted} bytes unpacked`)
  }
  if (out.length - begin !== wanted) {
    throw new WireFault(`${out.length - begin} bytes unpacked, not ${wanted}`)
  }
  return out
}

/** An unsigned number of so many bytes, little end first. */
function littleEnd(reader: WireReader, size: number): number {
  const start = reader.skip(size)
  let value = 0
  for (let at = start + size - 1; at >= start; at--) {
    value = value * 256 + (reader.bytes[at] as number)
  }
  return value
}
