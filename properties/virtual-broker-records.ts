import { batchHeader } from '../src/connectors/kafka/records/batch-header.ts'
import { RecordReader } from '../src/connectors/kafka/records/record-reader.ts'
import { RecordWriter } from '../src/connectors/kafka/records/record-writer.ts'
import { crc32c } from '../src/core/crc32c.ts'

/** A batch of a partition, as readers get it. */
export interface LogBatch {
  readonly baseOffset: number
  readonly lastOffset: number
  /** Of a transaction; −1 without one. */
  readonly producer: number
  /** It holds no records: the transaction that the producer had open here has ended. */
  readonly end: 'commit' | 'abort' | undefined
  readonly bytes: Uint8Array
}

/** One partition of a topic. */
export interface BrokerPartition {
  readonly batches: LogBatch[]
  /** Of each producer the next sequence number, and those of its newest batches: they are known again. */
  readonly sequences: Map<
    number,
    { readonly epoch: number; readonly next: number; readonly known: readonly number[] }
  >
}

/** A record that nobody takes back any more. */
export interface CommittedRecord {
  readonly offset: number
  readonly key: Uint8Array | undefined
  readonly value: Uint8Array | undefined
}

/** One after the last offset of a partition. */
export function endOf({ batches }: BrokerPartition): number {
  return (batches.at(-1)?.lastOffset ?? -1) + 1
}

/** The offset up to which a reader of committed records may read: that of the oldest open transaction. */
export function stableEnd(partition: BrokerPartition): number {
  return Math.min(endOf(partition), ...openProducers(partition).values())
}

/** Producers whose transactions a partition has not heard the end of, and where they begin. */
export function openProducers({ batches }: BrokerPartition): ReadonlyMap<number, number> {
  const open = new Map<number, number>()
  for (const batch of batches) {
    if (batch.end !== undefined) open.delete(batch.producer)
    else if (isData(batch) && !open.has(batch.producer)) open.set(batch.producer, batch.baseOffset)
  }
  return open
}

function isData({ producer, end }: LogBatch): boolean {
  return producer >= 0 && end === undefined
}

/** What ended the transaction that a batch belongs to. */
function endBehind(
  batches: readonly LogBatch[],
  at: number,
  producer: number,
): LogBatch | undefined {
  return batches.slice(at + 1).find((each) => each.producer === producer && each.end !== undefined)
}

/** Transactions that were aborted at or behind an offset, in the order in which they were aborted. */
export function abortedFrom(
  { batches }: BrokerPartition,
  from: number,
): readonly { readonly producerId: number; readonly firstOffset: number }[] {
  return batches.flatMap(({ producer, end, baseOffset }, at) => {
    if (end !== 'abort' || baseOffset < from) return []
    const before = batches.slice(0, at)
    const last = before.findLastIndex(
      (each) => each.producer === producer && each.end !== undefined,
    )
    const first = before.find((each, place) => place > last && each.producer === producer)
    return first === undefined ? [] : [{ producerId: producer, firstOffset: first.baseOffset }]
  })
}

/** Records below the stable end whose transactions were committed. */
export function committedRecords(partition: BrokerPartition): readonly CommittedRecord[] {
  const { batches } = partition
  const end = stableEnd(partition)
  return batches.flatMap((batch, at) => {
    if (batch.end !== undefined || batch.baseOffset >= end) return []
    const isAborted = endBehind(batches, at, batch.producer)?.end === 'abort'
    return batch.producer >= 0 && isAborted ? [] : recordsIn(batch.bytes)
  })
}

/** The records of a batch. */
export function recordsIn(
  batch: Uint8Array,
): readonly (CommittedRecord & { readonly timestamp: number })[] {
  const header = batchHeader(batch, 0, { end: batch.length, mustCheck: true })
  if (header === undefined) throw new Error('a batch was cut off')
  const reader = new RecordReader()
  reader.begin(header, batch, header.recordsAt, header.end)
  const all: (CommittedRecord & { timestamp: number })[] = []
  while (reader.next()) {
    const { offset, timestamp, keyStart, keyEnd, valueStart, valueEnd } = reader
    all.push({
      offset,
      timestamp,
      key: keyEnd < 0 ? undefined : batch.slice(keyStart, keyEnd),
      value: valueEnd < 0 ? undefined : batch.slice(valueStart, valueEnd),
    })
  }
  return all
}

/** Whose batch it is. */
export interface BatchOwner {
  readonly producer: number
  readonly epoch: number
  readonly sequence: number
}

/** Texts or bytes as the values of one batch. */
export function batchOfValues(
  values: readonly Uint8Array[],
  { producer, epoch, sequence }: BatchOwner,
): Uint8Array {
  const writer = new RecordWriter(1_000)
  for (const bytes of values) writer.append(0, undefined, { bytes, start: 0, end: bytes.length })
  return writer.take().finish({
    isTransactional: producer >= 0,
    producerId: producer,
    producerEpoch: epoch,
    baseSequence: sequence,
  })
}

/** What a broker appends at the end of a transaction. */
export function endBatch(
  { producer, epoch }: Pick<BatchOwner, 'producer' | 'epoch'>,
  how: 'commit' | 'abort',
): Uint8Array {
  const writer = new RecordWriter(100)
  // The key is a version and what happened, the value a version and the epoch of the coordinator.
  const key = Uint8Array.of(0, 0, 0, how === 'commit' ? 1 : 0)
  const value = new Uint8Array(6)
  writer.append(0, { bytes: key, start: 0, end: 4 }, { bytes: value, start: 0, end: 6 })
  const bytes = writer.take().finish({
    isTransactional: true,
    producerId: producer,
    producerEpoch: epoch,
    baseSequence: -1,
  })
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  view.setInt16(21, view.getInt16(21) | 32)
  view.setUint32(17, crc32c(bytes.subarray(21)))
  return bytes
}

/** A batch at the end of a partition, under the offsets that it gets there. */
export function append(
  { batches }: BrokerPartition,
  bytes: Uint8Array,
  what: Pick<LogBatch, 'producer' | 'end'>,
): LogBatch {
  const baseOffset = (batches.at(-1)?.lastOffset ?? -1) + 1
  const own = bytes.slice()
  const view = new DataView(own.buffer)
  view.setBigInt64(0, BigInt(baseOffset))
  // The leader's epoch; the checksum covers neither of the two.
  view.setInt32(12, 0)
  const lastOffset = baseOffset + view.getInt32(23)
  const batch: LogBatch = { ...what, baseOffset, lastOffset, bytes: own }
  batches.push(batch)
  return batch
}
