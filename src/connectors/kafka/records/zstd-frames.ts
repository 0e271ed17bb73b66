import { WireFault } from '../protocol/wire-fault.ts'

const frameMark = 0xfd2fb528
/** What may stand between frames; the lowest four bits say nothing. */
const skippedMark = 0x184d2a50
/** As the reference implementation has it: no more than its highest level asks for. */
const windowBytesMax = 2 ** 27
const dictionaryBytes = [0, 1, 2, 4]
const blockTypes = { repeated: 1, reserved: 3 }

/**
 * Walks over the frames of zstd (RFC 8878) without unpacking them, as unpacking takes the memory that each asks for.
 * @throws WireFault when the bytes are no whole frames, or one of them wants too much memory
 */
export function checkZstdFrames(packed: Uint8Array): void {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength)
  let at = 0
  while (at < packed.length) at = frameEnd(view, at)
  if (at > packed.length || at === 0) throw new WireFault('zstd: the bytes end inside a frame')
}

/** Where the frame at a byte ends; beyond the bytes if they end before. */
function frameEnd(view: DataView, start: number): number {
  const mark = word(view, start)
  if ((mark & ~15) >>> 0 === skippedMark) return start + 8 + word(view, start + 4)
  if (mark !== frameMark) throw new WireFault('zstd: no frame')
  const flags = byte(view, start + 4)
  const isSingle = (flags & 32) !== 0
  const sizeAt = start + 5 + (isSingle ? 0 : 1) + (dictionaryBytes[flags & 3] as number)
  const sizeBytes = flags >>> 6 === 0 ? (isSingle ? 1 : 0) : 2 ** (flags >>> 6)
  const window = isSingle ? contentSize(view, sizeAt, sizeBytes) : windowOf(byte(view, start + 5))
  if (window > windowBytesMax) throw new WireFault(`zstd: a window of ${window} bytes`)
  return blocksEnd(view, sizeAt + sizeBytes) + ((flags & 4) === 0 ? 0 : 4)
}

/** Five bits of an exponent, and three of eighths. */
function windowOf(descriptor: number): number {
  return 2 ** (10 + (descriptor >>> 3)) * (1 + (descriptor & 7) / 8)
}

/** Two bytes count from 256 on. */
function contentSize(view: DataView, at: number, bytes: number): number {
  let size = bytes === 2 ? 256 : 0
  for (let place = 0; place < bytes; place++) size += byte(view, at + place) * 256 ** place
  return size
}

function blocksEnd(view: DataView, start: number): number {
  let at = start
  for (;;) {
    const header = byte(view, at) + byte(view, at + 1) * 256 + byte(view, at + 2) * 65_536
    const type = (header >>> 1) & 3
    if (type === blockTypes.reserved) throw new WireFault('zstd: a block of no type')
    at += 3 + (type === blockTypes.repeated ? 1 : header >>> 3)
    if ((header & 1) === 1) return at
  }
}

function byte(view: DataView, at: number): number {
  if (at >= view.byteLength) throw new WireFault('zstd: the bytes end inside a frame')
  return view.getUint8(at)
}

function word(view: DataView, at: number): number {
  if (at + 4 > view.byteLength) throw new WireFault('zstd: the bytes end inside a frame')
  return view.getUint32(at, true)
}
