import { reasonOf, StreamError } from '../../../core/error.ts'
import { nodeZstd, type UnpackZstd } from '../../../core/node-zstd.ts'
import { WireFault } from '../protocol/wire-fault.ts'
import { unpackedBytesMax } from './unpacked-bytes.ts'
import { checkZstdFrames } from './zstd-frames.ts'

let unpack: UnpackZstd | undefined = nodeZstd()

/**
 * Loads what unpacks zstd, where Node does not by itself.
 * @throws StreamError `KAFKA_CODEC_UNKNOWN` if the package `fzstd` is not installed
 */
export async function readyZstd(): Promise<void> {
  unpack ??= await packageZstd()
}

/**
 * What was packed with zstd, once `readyZstd` has been waited for.
 * @throws WireFault when it was not packed so
 */
export function unpackZstd(packed: Uint8Array): Uint8Array {
  if (unpack === undefined) throw new StreamError('INTERNAL', { what: 'zstd is not ready' })
  checkZstdFrames(packed)
  try {
    return unpack(packed, unpackedBytesMax)
  } catch (thrown) {
    throw new WireFault(`zstd: ${reasonOf(thrown)}`)
  }
}

async function packageZstd(): Promise<UnpackZstd> {
  const { Decompress } = await import('fzstd').catch(() => {
    throw new StreamError('KAFKA_CODEC_UNKNOWN', { codec: 'zstd', package: 'fzstd' })
  })
  return (packed, bytesMax) => {
    const parts: Uint8Array[] = []
    let length = 0
    let isWhole = false
    const stream = new Decompress((part, isLast) => {
      parts.push(part.slice())
      length += part.length
      isWhole = isLast === true
      if (length > bytesMax) throw new RangeError(`more than ${bytesMax} bytes`)
    })
    stream.push(packed, true)
    if (!isWhole) throw new RangeError('it ends too soon')
    const whole = new Uint8Array(length)
    let at = 0
    for (const part of parts) {
      whole.set(part, at)
      at += part.length
    }
    return whole
  }
}
