import fc from 'fast-check'
import { expect, test } from 'vitest'
import { batchOf } from '../../src/batch/build.ts'
import { rowsOf } from '../../src/batch/read.ts'
import { kafkaCluster } from '../../src/connectors/kafka/cluster.ts'
import { readPartition } from '../../src/connectors/kafka/partition-reader.ts'
import {
  chosenPosition,
  rangesOf,
  shareOffsets,
  topicsOf,
} from '../../src/connectors/kafka/positions.ts'
import { listOffsetsApi, metadataApi } from '../../src/connectors/kafka/protocol/cluster-api.ts'
import { type FetchedRecords, fetchApi } from '../../src/connectors/kafka/protocol/data-api.ts'
import { recordColumns, recordSchema } from '../../src/connectors/kafka/records/record-columns.ts'
import { RecordWriter } from '../../src/connectors/kafka/records/record-writer.ts'
import { checkSinkColumns, recordsOf } from '../../src/connectors/kafka/sink-rows.ts'
import { kafkaSourceOver } from '../../src/connectors/kafka/source.ts'
import {
  type SourceSettings,
  sourceOptions,
  sourceSettings,
} from '../../src/connectors/kafka/source-options.ts'
import { checkOptions } from '../../src/connectors/registry.ts'
import { systemClock } from '../../src/core/system-clock.ts'
import { sourceContext } from './contexts.ts'
import { type Answer, answering, fakeTransport, oneBroker, ordersOn } from './fake-brokers.ts'

const orders = { topic: 'orders', partition: 0 }
const settings = settingsOf({})

function settingsOf(options: Readonly<Record<string, string>>): SourceSettings {
  const given = { 'kafka.bootstrap.servers': 'fake:1', subscribe: 'orders', ...options }
  return sourceSettings(checkOptions({ format: 'kafka', options: sourceOptions }, given), true)
}

function askingOf(answers: readonly Answer[], patienceMs = 2_000) {
  const cluster = kafkaCluster(fakeTransport(answers), [{ host: 'fake', port: 1 }])
  return { cluster, clock: systemClock(), patienceMs }
}

/** A batch at an offset with these texts as values. */
function batchAt(offset: number, texts: readonly string[], producerId = -1): Uint8Array {
  const writer = new RecordWriter(100)
  for (const text of texts) {
    const bytes = new TextEncoder().encode(text)
    writer.append(1_000, undefined, { bytes, start: 0, end: bytes.length })
  }
  const isTransactional = producerId >= 0
  const batch = writer
    .take()
    .finish({ isTransactional, producerId, producerEpoch: 0, baseSequence: 0 })
  new DataView(batch.buffer, batch.byteOffset).setBigInt64(0, BigInt(offset))
  return batch
}

const empty: FetchedRecords = {
  partition: 0,
  error: 0,
  highWatermark: 9,
  lastStableOffset: 9,
  logStart: 0,
  aborted: [],
  records: new Uint8Array(0),
}

function fetching(found: (offset: number) => Partial<FetchedRecords>): Answer {
  return answering(fetchApi, ({ topics }) => {
    const { offset = 0 } = topics[0]?.partitions[0] ?? {}
    const partitions = [{ ...empty, ...found(offset) }]
    return { throttleMs: 0, error: 0, topics: [{ topic: 'orders', partitions }] }
  })
}

async function valuesIn(
  answers: readonly Answer[],
  range: { readonly from: number; readonly to: number },
  own: Partial<SourceSettings> = {},
): Promise<readonly (readonly [bigint, string])[]> {
  const schema = recordSchema(false).filter(({ name }) => ['value', 'offset'].includes(name))
  const reading = {
    asking: askingOf([...answers, ...oneBroker], 200),
    settings: { ...settings, ...own },
    lost: async () => range.to,
  }
  const found: (readonly [bigint, string])[] = []
  for await (const { batch } of readPartition(
    reading,
    { of: orders, ...range },
    recordColumns(schema, orders),
  )) {
    for (const [value, offset] of rowsOf(batch)) {
      found.push([offset as bigint, new TextDecoder().decode(value as Uint8Array)])
    }
  }
  return found
}

test('a range is read to its end and no further, over batches that begin before it and answers that end in the middle', async () => {
  const log = [batchAt(0, ['a', 'b', 'c']), batchAt(3, ['d']), batchAt(6, ['e', 'f', 'g'])]
  const fetch = fetching((offset) => {
    const [first, second, third] = log as [Uint8Array, Uint8Array, Uint8Array]
    if (offset < 3) return { records: Buffer.concat([first, second, third.subarray(0, 70)]) }
    return { records: third }
  })
  expect(await valuesIn([fetch], { from: 1, to: 8 })).toEqual([
    [1n, 'b'],
    [2n, 'c'],
    [3n, 'd'],
    [6n, 'e'],
    [7n, 'f'],
  ])
})

test('records of an aborted transaction are left out, unless uncommitted ones are wanted', async () => {
  const records = Buffer.concat([batchAt(0, ['bad'], 5), batchAt(1, ['good'], 6)])
  const fetch = fetching(() => ({ records, aborted: [{ producerId: 5, firstOffset: 0 }] }))
  const range = { from: 0, to: 2 }
  expect(await valuesIn([fetch], range)).toEqual([[1n, 'good']])
  const both = await valuesIn([fetch], range, { isCommittedOnly: false })
  expect(both).toEqual([
    [0n, 'bad'],
    [1n, 'good'],
  ])
})

test('a record that was changed is refused, unless nobody looks', async () => {
  const records = batchAt(0, ['money=100'])
  records[records.length - 2] = 0x39
  const fetch = fetching(() => ({ records }))
  const range = { from: 0, to: 1 }
  await expect(valuesIn([fetch], range)).rejects.toMatchObject({ code: 'KAFKA_RECORDS_CORRUPT' })
  const unchecked = await valuesIn([fetch], range, { checksCrc: false })
  expect(unchecked).toEqual([[0n, 'money=109']])
})

test('records that do not come, that may not be read, and that are not packed as they say end with a code', async () => {
  const range = { from: 0, to: 1 }
  const silent = valuesIn([fetching(() => ({}))], range, { pollTimeoutMs: 20 })
  await expect(silent).rejects.toMatchObject({ code: 'KAFKA_READ_TIMEOUT' })
  const denied = valuesIn([fetching(() => ({ error: 29 }))], range)
  await expect(denied).rejects.toMatchObject({
    code: 'KAFKA_DENIED',
    details: { resource: 'topic orders', operation: 'Read' },
  })
  const broken = valuesIn([fetching(() => ({ error: 42 }))], range)
  await expect(broken).rejects.toMatchObject({ code: 'KAFKA_REQUEST_REFUSED' })
  const gone = valuesIn([fetching(() => ({ error: 3 }))], range)
  await expect(gone).rejects.toMatchObject({ code: 'KAFKA_TOPIC_NOT_FOUND' })
  const packed = batchAt(0, ['a'])
  packed[22] = (packed[22] as number) | 4
  const zstd = valuesIn([fetching(() => ({ records: packed }))], range, { checksCrc: false })
  await expect(zstd).rejects.toMatchObject({ code: 'KAFKA_RECORDS_CORRUPT' })
})

test('offsets that are gone are passed over where the source says so', async () => {
  const fetch = fetching(() => ({ error: 1 }))
  expect(await valuesIn([fetch], { from: 0, to: 5 })).toEqual([])
})

const metadata = answering(metadataApi, () => ordersOn(1))

test('reading begins where the options say', async () => {
  const offsets = answering(listOffsetsApi, ({ topics }) => {
    const { timestamp = 0 } = topics[0]?.partitions[0] ?? {}
    const offset = timestamp === -2 ? 3 : timestamp === -1 ? 90 : timestamp > 5_000 ? -1 : 40
    const partitions = [{ partition: 0, error: 0, timestamp, offset, leaderEpoch: 1 }]
    return { throttleMs: 0, topics: [{ topic: 'orders', partitions }] }
  })
  const asking = askingOf([metadata, offsets])
  const begin = async (options: Readonly<Record<string, string>>) => {
    const own = settingsOf(options)
    const { partitions } = await topicsOf(asking, own.topics)
    return (await chosenPosition(asking, partitions, own.starting, own))['orders/0']
  }
  expect(await begin({})).toBe(90)
  expect(await begin({ startingOffsets: 'earliest' })).toBe(3)
  expect(await begin({ startingOffsets: '{"orders":{"0":17}}' })).toBe(17)
  expect(await begin({ startingOffsets: '{"orders":{"0":-2}}' })).toBe(3)
  expect(await begin({ startingOffsets: 'earliest', startingTimestamp: '5000' })).toBe(40)
  expect(await begin({ startingOffsetsByTimestamp: '{"orders":{"0":1000}}' })).toBe(40)
  const late = { startingTimestamp: '6000' }
  expect(await begin({ ...late, startingOffsetsByTimestampStrategy: 'latest' })).toBe(90)
  await expect(begin(late)).rejects.toMatchObject({ code: 'KAFKA_NO_OFFSET_FOR_TIME' })
  const other = begin({ startingOffsets: '{"orders":{"1":17}}' })
  await expect(other).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
})

test('an epoch takes from each partition by what waits there, together what it may', () => {
  const from = { 'a/0': 10, 'a/1': 0, 'a/2': 5 }
  const to = { 'a/0': 20, 'a/1': 30, 'a/2': 5 }
  expect(shareOffsets(from, to, 100)).toEqual(to)
  expect(shareOffsets(from, to, 20)).toEqual({ 'a/0': 15, 'a/1': 15, 'a/2': 5 })
  expect(shareOffsets(from, to, 3)).toEqual({ 'a/0': 11, 'a/1': 2, 'a/2': 5 })
  // What is new begins where it is, however little may be read, and what was cut off goes back.
  const others = { ...to, 'a/2': 3, 'new/0': 100 }
  expect(shareOffsets(from, others, 3)).toEqual({ 'a/0': 11, 'a/1': 2, 'a/2': 3, 'new/0': 100 })
})

test('large partitions are read in parts, which are the whole together', () => {
  const sizes = fc.array(fc.nat(1_000), { maxLength: 6 })
  fc.assert(
    fc.property(
      sizes,
      fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }),
      (all, minimum) => {
        const from = Object.fromEntries(all.map((_, at) => [`a/${at}`, 10 * at]))
        const to = Object.fromEntries(all.map((size, at) => [`a/${at}`, 10 * at + size]))
        const ranges = rangesOf({ from, to: { ...to, 'new/0': 5 } }, minimum)
        for (const [at, size] of all.entries()) {
          const own = ranges.filter(({ of }) => of.partition === at)
          const offsets = own.flatMap((range) =>
            Array.from({ length: range.to - range.from }, (_, row) => range.from + row),
          )
          expect(offsets).toEqual(Array.from({ length: size }, (_, row) => 10 * at + row))
        }
        expect(ranges.every(({ of }) => of.topic === 'a')).toBe(true)
        const waiting = all.filter((size) => size > 0)
        if (minimum === undefined) expect(ranges).toHaveLength(waiting.length)
        // Each is a whole number of parts, so the sum may be a few off.
        else if (waiting.length > 0 && waiting.every((size) => size > 100)) {
          expect(ranges.length).toBeGreaterThanOrEqual(minimum - waiting.length / 2)
        }
      },
    ),
  )
})

test.each([
  [{ subscribe: 'a', assign: '{"a":[0]}' }, 'CONFIG_INVALID'],
  [{ assign: '{"a":[0,0]}' }, 'CONFIG_INVALID'],
  [{ subscribePattern: '(' }, 'CONFIG_INVALID'],
  [{ subscribe: 'a', startingOffsets: 'first' }, 'CONFIG_INVALID'],
  [{ subscribe: 'a', 'kafka.group.id': 'g' }, 'CONFIG_INVALID'],
  [{ subscribe: 'a', 'kafka.auto.offset.reset': 'latest' }, 'CONFIG_INVALID'],
  [{ subscribe: 'a', 'kafka.bootstrap.servers': 'host' }, 'CONFIG_INVALID'],
  [{ subscribe: 'a', 'kafka.no.such': '1' }, 'OPTION_UNKNOWN'],
])('the options %j are refused', (options, code) => {
  const given = { 'kafka.bootstrap.servers': 'fake:1', ...options }
  expect(() =>
    sourceSettings(checkOptions({ format: 'kafka', options: sourceOptions }, given), true),
  ).toThrow(expect.objectContaining({ code }))
})

test('a sink says which column it lacks', () => {
  const layout = { topic: undefined, valueFormat: 'columns', hasHeaders: false } as const
  const value = { name: 'value', type: { kind: 'string' }, nullable: true } as const
  expect(() => checkSinkColumns([value], layout)).toThrow(
    expect.objectContaining({ code: 'KAFKA_SINK_COLUMNS' }),
  )
  expect(() => checkSinkColumns([value], { ...layout, topic: 'out' })).not.toThrow()
  expect(() =>
    checkSinkColumns([{ ...value, type: { kind: 'int' } }], { ...layout, topic: 'out' }),
  ).toThrow(expect.objectContaining({ code: 'KAFKA_SINK_COLUMNS' }))
})

test('a row that names no topic is not sent anywhere else', () => {
  const layout = { topic: undefined, valueFormat: 'columns', hasHeaders: false } as const
  const schema = [
    { name: 'value', type: { kind: 'string' }, nullable: true },
    { name: 'topic', type: { kind: 'string' }, nullable: true },
  ] as const
  const sent: string[] = []
  const send = (rows: readonly (readonly (string | null)[])[]) =>
    recordsOf(batchOf(schema, rows), layout, (topic) => sent.push(topic))
  send([['a', 'orders']])
  expect(sent).toEqual(['orders'])
  expect(() => send([['b', null]])).toThrow(expect.objectContaining({ code: 'KAFKA_TOPIC_NULL' }))
  expect(sent).toEqual(['orders'])
})

test('a partition that ends before the position has lost records, unless that is accepted', async () => {
  const offsets = answering(listOffsetsApi, () => {
    const partitions = [{ partition: 0, error: 0, timestamp: -1, offset: 5, leaderEpoch: 1 }]
    return { throttleMs: 0, topics: [{ topic: 'orders', partitions }] }
  })
  const factory = kafkaSourceOver(() => fakeTransport([metadata, offsets]))
  const latest = async (options: Readonly<Record<string, string>>, from: number) => {
    const given = { 'kafka.bootstrap.servers': 'fake:1', subscribe: 'orders', ...options }
    const checked = checkOptions(factory, given)
    const schema = factory.schemaFor(checked, undefined)
    const source = await factory.create(sourceContext(schema, { options: checked }))
    return source.latest({ 'orders/0': from }, {})
  }
  expect(await latest({}, 3)).toEqual({ 'orders/0': 5 })
  await expect(latest({}, 9)).rejects.toMatchObject({ code: 'KAFKA_DATA_LOST' })
  // Where the next record will be.
  expect(await latest({ failOnDataLoss: 'false' }, 9)).toEqual({ 'orders/0': 5 })
})
