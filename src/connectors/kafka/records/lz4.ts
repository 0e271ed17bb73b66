import { WireFault } from '../protocol/wire-fault.ts'
import { UnpackedBytes } from './unpacked-bytes.ts'

const frameMark = 0x184d2204
/** Bits of the byte behind the mark. */
const hasBlockChecksums = 16
const hasContentSize = 8
const hasDictionary = 1

/**
 * Unpacks a frame of LZ4. Its own checksums are not looked at: the batch that it is in has one.
 * @throws WireFault when the bytes are no such frame
 */
export function unpackLz4(packed: Uint8Array): Uint8Array {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength)
  const word = (at: number): number => {
    if (at + 4 > packed.length) throw new WireFault('the end of the bytes inside a frame')
    return view.getUint32(at, true)
  }
  if (word(0) !== frameMark) throw new WireFault('no frame of LZ4')
  const flags = packed[4] as number
  if (flags >>> 6 !== 1 || (flags & hasDictionary) !== 0) throw new WireFault(`frame ${flags}`)
  // Flags, the size of blocks, and a checksum of the head.
  let at = 7 + ((flags & hasContentSize) === 0 ? 0 : 8)
  const out = new UnpackedBytes(packed.length * 3)
  for (;;) {
    const size = word(at)
    at += 4
    if (size === 0) return out.view()
    const end = at + (size & 0x7fffffff)
    if (end > packed.length) throw new WireFault('a block that is cut off')
    // The highest bit: it did not become smaller.
    if (size > 0x7fffffff) out.literal(packed, at, end)
    else unpackBlock(packed, at, end, out)
    at = end + ((flags & hasBlockChecksums) === 0 ? 0 : 4)
  }
}

/** Literals and copies in turn; the last one has no copy. */
function unpackBlock(packed: Uint8Array, start: number, end: number, out: UnpackedBytes): void {
  let at = start
  const byte = (): number => {
    if (at >= end) throw new WireFault('the end of a block inside it')
    return packed[at++] as number
  }
  /** 15 says that there is more, and so does each 255 behind it. */
  const size = (first: number): number => {
    let whole = first
    if (first === 15) for (let more = 255; more === 255; whole += more) more = byte()
    return whole
  }
  while (at < end) {
    const token = byte()
    const literals = size(token >>> 4)
    if (literals > end - at) throw new WireFault('literals that are cut off')
    out.literal(packed, at, at + literals)
    at += literals
    if (at >= end) return
    const distance = byte() + byte() * 256
    out.copy(distance, size(token & 15) + 4)
  }
}
