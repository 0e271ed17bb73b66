import { crc32c } from '../../../core/crc32c.ts'
import { int64At, setInt64 } from '../protocol/int64.ts'
import { WireFault } from '../protocol/wire-fault.ts'

/** How the records of a batch are packed. */
export const codecNames = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

export type RecordCodec = (typeof codecNames)[number]

/** What stands before the records of a batch (message format 2, KIP-98). */
export interface BatchHeader {
  readonly baseOffset: number
  /** Of the last record there ever was in it; a log that is compacted loses some. */
  readonly lastOffset: number
  readonly leaderEpoch: number
  readonly codec: RecordCodec
  /** The broker's time in place of the producers'. */
  readonly isAppendTime: boolean
  readonly isTransactional: boolean
  /** It ends a transaction, and holds no records for anybody. */
  readonly isControl: boolean
  /** Milliseconds. */
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordCount: number
  /** Where its records begin and end in the bytes that it was read from. */
  readonly recordsAt: number
  readonly end: number
}

/** Bytes before the part that a length counts. */
const lengthEnd = 12
/** Bytes of a header, its length and base offset included. */
export const headerBytes = 61
/** The checksum stands here, and what it covers begins behind it. */
const checksumAt = 17
const checkedFrom = 21

/**
 * The header of the batch that begins at `at`; `undefined` if the bytes end before the batch does, as they do where a
 * broker cuts off its answer.
 *
 * @throws WireFault for another message format, for a length that cannot be, and, with `mustCheck`, for a checksum
 *   that does not fit
 */
export function batchHeader(
  bytes: Uint8Array,
  at: number,
  { end, mustCheck }: { readonly end: number; readonly mustCheck: boolean },
): BatchHeader | undefined {
  if (end - at < headerBytes) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, headerBytes)
  const baseOffset = int64At(view, 0)
  const batchEnd = at + lengthEnd + view.getInt32(8)
  const magic = view.getInt8(16)
  if (magic !== 2) throw new WireFault(`message format ${magic} at offset ${baseOffset}`)
  if (batchEnd < at + headerBytes) throw new WireFault(`a length at offset ${baseOffset}`)
  if (batchEnd > end) return undefined
  if (mustCheck) {
    const stored = view.getUint32(checksumAt)
    const found = crc32c(bytes.subarray(at + checkedFrom, batchEnd))
    if (found !== stored) {
      throw new WireFault(`checksum ${found}, not ${stored}, of the batch at offset ${baseOffset}`)
    }
  }
  const attributes = view.getInt16(21)
  const codec = codecNames[attributes & 7]
  if (codec === undefined) throw new WireFault(`codec ${attributes & 7} at offset ${baseOffset}`)
  return {
    baseOffset,
    lastOffset: baseOffset + view.getInt32(23),
    leaderEpoch: view.getInt32(12),
    codec,
    isAppendTime: (attributes & 8) !== 0,
    isTransactional: (attributes & 16) !== 0,
    isControl: (attributes & 32) !== 0,
    baseTimestamp: int64At(view, 27),
    maxTimestamp: int64At(view, 35),
    producerId: int64At(view, 43),
    producerEpoch: view.getInt16(51),
    baseSequence: view.getInt32(53),
    recordCount: view.getInt32(57),
    recordsAt: at + headerBytes,
    end: batchEnd,
  }
}

/** The header of a batch that is about to be sent, without its length and its checksum. */
export type NewBatch = Pick<
  BatchHeader,
  | 'codec'
  | 'isTransactional'
  | 'baseTimestamp'
  | 'maxTimestamp'
  | 'producerId'
  | 'producerEpoch'
  | 'baseSequence'
  | 'recordCount'
>

/** Writes the header of the batch that fills `bytes`, whose records are there already. */
export function writeBatchHeader(bytes: Uint8Array, batch: NewBatch): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  setInt64(view, 0, 0)
  view.setInt32(8, bytes.length - lengthEnd)
  view.setInt32(12, -1)
  view.setInt8(16, 2)
  view.setInt16(21, codecNames.indexOf(batch.codec) | (batch.isTransactional ? 16 : 0))
  view.setInt32(23, batch.recordCount - 1)
  setInt64(view, 27, batch.baseTimestamp)
  setInt64(view, 35, batch.maxTimestamp)
  setInt64(view, 43, batch.producerId)
  view.setInt16(51, batch.producerEpoch)
  view.setInt32(53, batch.baseSequence)
  view.setInt32(57, batch.recordCount)
  view.setUint32(checksumAt, crc32c(bytes.subarray(checkedFrom)))
}
