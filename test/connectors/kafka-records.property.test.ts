import fc from 'fast-check'
import { expect, test } from 'vitest'
import { WireFault } from '../../src/connectors/kafka/protocol/wire-fault.ts'
import { abortedTransactions } from '../../src/connectors/kafka/records/aborted-transactions.ts'
import { type BatchHeader, batchHeader } from '../../src/connectors/kafka/records/batch-header.ts'
import { RecordReader } from '../../src/connectors/kafka/records/record-reader.ts'
import { type RecordPart, RecordWriter } from '../../src/connectors/kafka/records/record-writer.ts'

interface SentRecord {
  readonly timestamp: number
  readonly key: Uint8Array | undefined
  readonly value: Uint8Array | undefined
  readonly headers: readonly { readonly key: Uint8Array; readonly value: Uint8Array | undefined }[]
}

const bytes = fc.uint8Array({ maxLength: 300 })
const maybeBytes = fc.option(bytes, { nil: undefined })
const sentRecord: fc.Arbitrary<SentRecord> = fc.record({
  timestamp: fc.oneof(fc.integer(), fc.integer({ min: -1, max: 2 ** 42 })),
  key: maybeBytes,
  value: maybeBytes,
  headers: fc.array(fc.record({ key: bytes, value: maybeBytes }), { maxLength: 3 }),
})
const sentBatch = fc.array(sentRecord, { minLength: 1, maxLength: 40 })
const producer = { isTransactional: true, producerId: 7, producerEpoch: 3, baseSequence: 11 }

function part(of: Uint8Array | undefined): RecordPart | undefined {
  return of && { bytes: of, start: 0, end: of.length }
}

function batchOf(records: readonly SentRecord[]): Uint8Array {
  const writer = new RecordWriter(16)
  for (const { timestamp, key, value, headers } of records) {
    writer.append(timestamp, part(key), part(value), headers)
  }
  expect(writer.recordCount).toBe(records.length)
  return writer.take().finish(producer)
}

/** Every record of a batch as it was sent; throws what the reader throws. */
function recordsIn(batch: Uint8Array): readonly SentRecord[] | undefined {
  const header = batchHeader(batch, 0, { end: batch.length, mustCheck: true })
  if (header === undefined) return undefined
  const reader = new RecordReader()
  reader.begin(header, batch, header.recordsAt, header.end)
  const found: SentRecord[] = []
  const slice = (start: number, end: number) => (end < 0 ? undefined : batch.slice(start, end))
  while (reader.next()) {
    const headers: { key: Uint8Array; value: Uint8Array | undefined }[] = []
    reader.headers((keyStart, keyEnd, start, end) => {
      headers.push({ key: batch.slice(keyStart, keyEnd), value: slice(start, end) })
    })
    expect(reader.offset).toBe(header.baseOffset + found.length)
    found.push({
      timestamp: reader.timestamp,
      key: slice(reader.keyStart, reader.keyEnd),
      value: slice(reader.valueStart, reader.valueEnd),
      headers,
    })
  }
  return found
}

test('what is written into a batch is read from it', () => {
  fc.assert(
    fc.property(sentBatch, (records) => {
      const batch = batchOf(records)
      expect(recordsIn(batch)).toEqual(records)
      const header = batchHeader(batch, 0, { end: batch.length, mustCheck: true })
      expect(header).toMatchObject({ ...producer, codec: 'none', isControl: false, baseOffset: 0 })
      expect(header?.maxTimestamp).toBe(Math.max(...records.map(({ timestamp }) => timestamp)))
    }),
    { numRuns: 500 },
  )
})

test('records that are sent again under another sequence are the same', () => {
  const writer = new RecordWriter(16)
  writer.append(1, undefined, part(Uint8Array.of(1, 2, 3)))
  const packed = writer.take()
  const [first, again] = [packed.finish(producer).slice(), packed.finish(producer)]
  expect(again).toEqual(first)
  const moved = packed.finish({ ...producer, baseSequence: 99 })
  expect(batchHeader(moved, 0, { end: moved.length, mustCheck: true })?.baseSequence).toBe(99)
  expect(recordsIn(moved)).toHaveLength(1)
})

test('a batch that is cut off is none, and one with a bit turned behind its checksum is refused', () => {
  fc.assert(
    fc.property(sentBatch, fc.nat(), fc.nat(7), (records, place, bit) => {
      const batch = batchOf(records)
      expect(recordsIn(batch.subarray(0, place % batch.length))).toBeUndefined()
      const checkedFrom = 21
      const at = checkedFrom + (place % (batch.length - checkedFrom))
      batch[at] = (batch[at] as number) ^ (1 << bit)
      expect(() => recordsIn(batch)).toThrow(WireFault)
    }),
    { numRuns: 300 },
  )
})

/** An entry of a log: a record of a transaction, or its end. */
interface Entry {
  readonly producer: number
  readonly ends?: 'commit' | 'abort'
}

const entries: fc.Arbitrary<readonly Entry[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ producer: fc.nat(3) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        producer: fc.nat(3),
        ends: fc.constantFrom<'commit' | 'abort'>('commit', 'abort'),
      }),
    },
  ),
  { maxLength: 60, size: 'max' },
)

/** What became of each entry: the next end of its producer says so. */
function fates(log: readonly Entry[]): readonly ('open' | 'commit' | 'abort' | 'end')[] {
  return log.map((entry, at) => {
    if (entry.ends !== undefined) return 'end'
    const end = log.slice(at).find((each) => each.producer === entry.producer && each.ends)
    return end?.ends ?? 'open'
  })
}

/** As a broker lists them: those with an end behind `from`, in the order of their ends. */
function abortedList(log: readonly Entry[], from: number) {
  return log.flatMap(({ producer: id, ends }, at) => {
    if (ends !== 'abort' || at < from) return []
    const before = log.slice(0, at)
    const last = before.findLastIndex((each) => each.producer === id && each.ends !== undefined)
    const first = before.findIndex((each, place) => each.producer === id && place > last)
    return first < 0 ? [] : [{ producerId: id, firstOffset: first }]
  })
}

test('of a log with transactions that overlap exactly the committed records are seen, wherever reading begins', () => {
  let hidden = 0
  fc.assert(
    fc.property(entries, fc.nat(59), (log, start) => {
      const outcome = fates(log)
      const open = outcome.indexOf('open')
      const stable = open < 0 ? log.length : open
      const from = Math.min(start, stable)
      const transactions = abortedTransactions(abortedList(log, from))
      const seen: number[] = []
      for (let offset = from; offset < stable; offset++) {
        const { producer: producerId, ends } = log[offset] as Entry
        const header = {
          baseOffset: offset,
          lastOffset: offset,
          producerId,
          isTransactional: true,
          isControl: ends !== undefined,
        } as BatchHeader
        const isAborted = transactions.isAborted(header, ends === 'abort')
        if (ends === undefined && !isAborted) seen.push(offset)
        if (isAborted) hidden += 1
      }
      const wanted = outcome.flatMap((fate, offset) =>
        fate === 'commit' && offset >= from && offset < stable ? [offset] : [],
      )
      expect(seen).toEqual(wanted)
    }),
    { numRuns: 3_000 },
  )
  expect(hidden).toBeGreaterThan(2_000)
})
