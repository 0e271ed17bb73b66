import type { Batch } from '../../batch/batch.ts'
import { sleep } from '../../core/clock.ts'
import { StreamError } from '../../core/error.ts'
import { refusedError } from './error-codes.ts'
import { partitionName } from './offsets-json.ts'
import { type Asking, askLeader } from './partition-offsets.ts'
import { type FetchedRecords, fetchApi, isolation } from './protocol/data-api.ts'
import { WireFault } from './protocol/wire-fault.ts'
import { type AbortedTransactions, abortedTransactions } from './records/aborted-transactions.ts'
import { type BatchHeader, batchHeader } from './records/batch-header.ts'
import { unpacked } from './records/codecs.ts'
import type { RecordColumns } from './records/record-columns.ts'
import { RecordReader } from './records/record-reader.ts'
import { readyZstd } from './records/zstd.ts'
import { kafkaError, type TopicPartition } from './transaction-requests.ts'

/** How records are read. */
export interface ReadSettings {
  readonly isCommittedOnly: boolean
  readonly checksCrc: boolean
  /** The most bytes that are asked for at once. */
  readonly fetchBytes: number
  /** How long records may take to come that are there, milliseconds. */
  readonly pollTimeoutMs: number
}

/** Offsets of one partition, `from <= offset < to`. */
export interface OffsetRange {
  readonly of: TopicPartition
  readonly from: number
  readonly to: number
}

export interface PartitionReading {
  readonly asking: Asking
  readonly settings: ReadSettings
  /**
   * Records of these offsets are gone. Throws, or says where to go on.
   */
  lost(range: OffsetRange, found: { readonly logStart: number }): Promise<number>
}

/** Rows of one batch. */
const rowsAtOnce = 4096
/** How long a broker may wait before it says that there is nothing new. */
const maxWaitMs = 500

/** Some records of a range. */
export interface ReadRecords {
  readonly batch: Batch
  /** All records of the range before this offset have been given, this batch included. */
  readonly next: number
}

/**
 * The records of a range, in order: those of aborted transactions and what ends transactions left out, if only
 * committed ones are wanted. The next answer is on its way while one is decoded.
 */
export async function* readPartition(
  reading: PartitionReading,
  range: OffsetRange,
  columns: RecordColumns,
): AsyncIterable<ReadRecords> {
  const { asking, settings } = reading
  const reader = new RecordReader()
  let at = range.from
  let deadlineMs = asking.clock.monotonic() + settings.pollTimeoutMs
  let answer = at < range.to ? fetchFrom(reading, range.of, at) : undefined
  while (answer !== undefined) {
    const found: FetchedRecords = await answer
    answer = undefined
    if (found.error === kafkaError.offsetOutOfRange) {
      at = await reading.lost({ ...range, from: at }, found)
    } else {
      const batches = wholeBatches(found, range.of, settings)
      const next = (batches.at(-1)?.lastOffset ?? at - 1) + 1
      if (next > at) deadlineMs = asking.clock.monotonic() + settings.pollTimeoutMs
      else if (asking.clock.monotonic() >= deadlineMs) throw tooLate(range, at, settings)
      if (next > at && next < range.to) answer = fetchFrom(reading, range.of, next)
      if (batches.some(({ codec }) => codec === 'zstd')) await readyZstd()
      yield* decoded(found, batches, { ...range, from: at }, { settings, reader, columns })
      at = Math.max(at, next)
      // Nothing yet, though the broker has waited: not every one of them does.
      if (answer === undefined && at < range.to) await sleep(asking.clock, 1)
    }
    if (answer === undefined && at < range.to) answer = fetchFrom(reading, range.of, at)
    // An answer that nobody waits for any more must not end the process.
    answer?.catch(() => undefined)
  }
  if (columns.rowCount > 0) yield { batch: columns.finish(), next: range.to }
}

async function fetchFrom(
  { asking, settings }: PartitionReading,
  of: TopicPartition,
  offset: number,
): Promise<FetchedRecords> {
  const { topic, partition } = of
  const found = await askLeader(asking, of, 'Fetch', async (node, leaderEpoch) => {
    const { error, topics } = await asking.cluster.ask(node, fetchApi, {
      maxWaitMs,
      minBytes: 1,
      maxBytes: settings.fetchBytes,
      isolation: settings.isCommittedOnly ? isolation.committed : isolation.uncommitted,
      topics: [
        { topic, partitions: [{ partition, leaderEpoch, offset, maxBytes: settings.fetchBytes }] },
      ],
    })
    const answer = topics[0]?.partitions[0]
    if (error === kafkaError.none && answer !== undefined) return answer
    return { ...nothing, partition, error: error || kafkaError.unknownServerError }
  })
  const { error } = found
  if (error === kafkaError.none || error === kafkaError.offsetOutOfRange) return found
  throw refusedError(error, {
    request: 'Fetch',
    resource: `topic ${topic}`,
    operation: 'Read',
  })
}

const nothing: FetchedRecords = {
  partition: -1,
  error: kafkaError.none,
  highWatermark: -1,
  lastStableOffset: -1,
  logStart: -1,
  aborted: undefined,
  records: undefined,
}

/** The headers of the batches of an answer; the last one of an answer may be cut off. */
function wholeBatches(
  { records }: FetchedRecords,
  of: TopicPartition,
  { checksCrc }: ReadSettings,
): readonly BatchHeader[] {
  if (records === undefined) return []
  const headers: BatchHeader[] = []
  try {
    const options = { end: records.length, mustCheck: checksCrc }
    for (let at = 0; ; ) {
      const header = batchHeader(records, at, options)
      if (header === undefined) return headers
      headers.push(header)
      at = header.end
    }
  } catch (thrown) {
    throw corrupt(of, thrown)
  }
}

/** What decoding takes beside the records. */
interface Decoding {
  readonly settings: ReadSettings
  readonly reader: RecordReader
  readonly columns: RecordColumns
}

function* decoded(
  { records, aborted }: FetchedRecords,
  batches: readonly BatchHeader[],
  range: OffsetRange,
  { settings, reader, columns }: Decoding,
): Iterable<ReadRecords> {
  if (records === undefined) return
  const transactions = settings.isCommittedOnly ? abortedTransactions(aborted ?? []) : undefined
  for (const header of batches) {
    try {
      const isWanted = begin(reader, header, records, transactions)
      if (!isWanted) continue
      const timestampType = header.isAppendTime ? 1 : 0
      while (reader.next()) {
        if (reader.offset < range.from || reader.offset >= range.to) continue
        columns.append(reader, timestampType)
      }
    } catch (thrown) {
      throw corrupt(range.of, thrown)
    }
    if (columns.rowCount >= rowsAtOnce) {
      yield { batch: columns.finish(), next: Math.min(header.lastOffset + 1, range.to) }
    }
  }
}

/** Stands before the first record of a batch; `false` if nobody wants its records. */
function begin(
  reader: RecordReader,
  header: BatchHeader,
  records: Uint8Array,
  transactions: AbortedTransactions | undefined,
): boolean {
  if (header.isControl) {
    reader.begin(header, records, header.recordsAt, header.end)
    transactions?.isAborted(header, reader.next() && isAbort(reader))
    return false
  }
  if (transactions?.isAborted(header, false) === true) return false
  const body = unpacked(header.codec, records, header.recordsAt, header.end)
  reader.begin(header, body.bytes, body.start, body.end)
  return true
}

/** The key of what ends a transaction: a version, and 0 for an abort or 1 for a commit. */
function isAbort({ bytes, keyStart, keyEnd }: RecordReader): boolean {
  return keyEnd - keyStart >= 4 && bytes[keyStart + 2] === 0 && bytes[keyStart + 3] === 0
}

function corrupt({ topic, partition }: TopicPartition, thrown: unknown): unknown {
  if (!(thrown instanceof WireFault)) return thrown
  const what = thrown.message
  return new StreamError('KAFKA_RECORDS_CORRUPT', { topic, partition, what }, { cause: thrown })
}

function tooLate(
  { of, to }: OffsetRange,
  at: number,
  { pollTimeoutMs }: ReadSettings,
): StreamError<'KAFKA_READ_TIMEOUT'> {
  return new StreamError('KAFKA_READ_TIMEOUT', {
    partition: partitionName(of),
    from: at,
    to,
    waitedMs: pollTimeoutMs,
  })
}
