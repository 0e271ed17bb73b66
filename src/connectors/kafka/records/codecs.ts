import { reasonOf, StreamError } from '../../../core/error.ts'
import { gunzip } from '../../../core/node-gzip.ts'
import { WireFault } from '../protocol/wire-fault.ts'
import type { RecordCodec } from './batch-header.ts'
import { unpackLz4 } from './lz4.ts'
import { unpackSnappy } from './snappy.ts'
import { unpackedBytesMax } from './unpacked-bytes.ts'
import { unpackZstd } from './zstd.ts'

/** Unpacked records. */
export interface Unpacked {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

/**
 * The records `bytes[start, end)` as they were before they were packed.
 *
 * @throws WireFault when they were not packed so; for zstd `readyZstd` has to be waited for first
 */
export function unpacked(
  codec: RecordCodec,
  bytes: Uint8Array,
  start: number,
  end: number,
): Unpacked {
  if (codec === 'none') return { bytes, start, end }
  const plain = unpackedBytes(codec, bytes.subarray(start, end))
  return { bytes: plain, start: 0, end: plain.length }
}

function unpackedBytes(codec: RecordCodec, packed: Uint8Array): Uint8Array {
  switch (codec) {
    case 'gzip':
      return gunzipped(packed)
    case 'snappy':
      return unpackSnappy(packed)
    case 'lz4':
      return unpackLz4(packed)
    case 'zstd':
      return unpackZstd(packed)
    default:
      throw new StreamError('INTERNAL', { what: `records packed with ${codec}` })
  }
}

function gunzipped(packed: Uint8Array): Uint8Array {
  try {
    return gunzip(packed, unpackedBytesMax)
  } catch (thrown) {
    throw new WireFault(`gzip: ${reasonOf(thrown)}`)
  }
}
