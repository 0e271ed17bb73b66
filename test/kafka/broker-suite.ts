import { expect, test } from 'vitest'
import { rowsOf } from '../../src/batch/read.ts'
import type { KafkaCluster } from '../../src/connectors/kafka/cluster.ts'
import { clusterRequests } from '../../src/connectors/kafka/cluster-requests.ts'
import { readPartition } from '../../src/connectors/kafka/partition-reader.ts'
import { edge } from '../../src/connectors/kafka/positions.ts'
import { findCoordinatorApi, offsetAt } from '../../src/connectors/kafka/protocol/cluster-api.ts'
import {
  type OffsetFetchResponse,
  offsetCommitApi,
  offsetFetchApi,
} from '../../src/connectors/kafka/protocol/transaction-api.ts'
import { recordColumns, recordSchema } from '../../src/connectors/kafka/records/record-columns.ts'
import {
  type PackedRecords,
  RecordWriter,
} from '../../src/connectors/kafka/records/record-writer.ts'
import { kafkaSource } from '../../src/connectors/kafka/source.ts'
import { sourceSettings } from '../../src/connectors/kafka/source-options.ts'
import {
  kafkaError as code,
  outcomeOf,
  type Producer,
  type TopicPartition,
  type TransactionRequests,
} from '../../src/connectors/kafka/transaction-requests.ts'
import { checkOptions } from '../../src/connectors/registry.ts'
import { sleep } from '../../src/core/clock.ts'
import { systemClock } from '../../src/core/system-clock.ts'

/** A cluster whose behaviour is looked at. */
export interface ClusterUnderTest {
  /** A connection of its own, as another process has it. */
  connect(): KafkaCluster
  /** A new topic with one partition, and another name than all before. */
  newTopic(): Promise<string>
  /** Time passes, more than a second, after which brokers abort what took too long. */
  letTimePass(): Promise<void>
  /** Values that a reader of committed records sees, by another way than ours. */
  committed(of: TopicPartition): Promise<readonly string[]>
}

export interface SuiteOptions {
  /** Seconds for a test. */
  readonly seconds: number
  readonly transactionVersion: 1 | 2
  readonly nodes: number
}

/** One more producer than all before, on any machine. */
let ids = 0

/**
 * What our engine relies on, run against brokers in memory and real ones: fencing, ends of transactions, stable offsets,
 * the order of markers, and codes in unexpected places.
 */
export function brokerSuite(
  name: string,
  clusterOf: () => ClusterUnderTest,
  { seconds, transactionVersion, nodes }: SuiteOptions,
): void {
  const check = (what: string, run: (one: Bench) => Promise<void>): void =>
    test(`${name}: ${what}`, { timeout: seconds * 1_000 }, async () => {
      const under = clusterOf()
      const one = await benchOf(under)
      try {
        await run(one)
      } finally {
        await one.cluster.close()
      }
    })

  check('a fenced producer is refused whatever it asks for', async (one) => {
    const old = await one.prepared('a', 1)
    await one.producer('a')
    expect([
      await one.produce(old, 1, 'late'),
      await one.commitOffset(old, 9),
      await one.end(old, 'commit'),
      await one.end(old, 'abort'),
    ]).toEqual([47, 47, 90, 90])
    expect(await one.stableOffset()).toBe(-1)
    expect(await one.committed()).toEqual([])
  })

  if (transactionVersion === 1) {
    check('a fenced producer takes nothing more into its transaction', async (one) => {
      const old = await one.prepared('a', 1)
      await one.producer('a')
      const { requests, out, group } = one
      expect([
        await requests.addPartition(old, out),
        await requests.addOffsets(old, group),
      ]).toEqual([90, 90])
    })
  }

  check(
    'a producer that is fenced under its own name goes on, one that was fenced by another does not',
    async (one) => {
      const first = await one.producer('a')
      const again = await one.producer('a', first)
      expect(again.id === first.id ? again.epoch > first.epoch : true).toBe(true)
      await one.producer('a')
      const { error } = await one.settled(async () =>
        one.requests.initProducer(again.transactionalId, again),
      )
      expect(error).toBe(code.producerFenced)
    },
  )

  check('the end of a transaction can be asked for again, but not another one', async (one) => {
    const producer = await one.prepared('a', 1)
    expect([
      await one.end(producer, 'commit'),
      await one.end(producer, 'commit'),
      await one.end(producer, 'abort'),
    ]).toEqual([0, 0, 48])
    expect(await one.stableOffset()).toBe(1)
    await one.eventually(() => one.committed(), ['row of a'])
  })

  check('a transaction without anything in it cannot be committed', async (one) => {
    expect(await one.end(await one.producer('a'), 'commit')).toBe(48)
  })

  check('a transaction with an offset and no record can be', async (one) => {
    const producer = await one.producer('a')
    expect(await one.commitOffset(producer, 4)).toBe(0)
    expect(await one.end(producer, 'commit')).toBe(0)
    expect(await one.stableOffset()).toBe(4)
  })

  check(
    'the offset of an open transaction is not stable; rows and offset come with its end',
    async (one) => {
      const producer = await one.prepared('a', 1)
      for (let times = 0; times < 20; times++) {
        expect((await one.requests.fetchOffset(one.marker)).error).toBe(code.unstableOffset)
      }
      expect(await one.committed()).toEqual([])
      expect(await one.end(producer, 'commit')).toBe(0)
      expect(await one.stableOffset()).toBe(1)
      await one.eventually(() => one.committed(), ['row of a'])
    },
  )

  check('an aborted transaction leaves neither rows nor offset', async (one) => {
    const producer = await one.prepared('a', 1)
    expect(await one.end(producer, 'abort')).toBe(0)
    expect(await one.stableOffset()).toBe(-1)
    expect(await one.committed()).toEqual([])
  })

  check(
    'of two markers that one stands that was appended last, whatever was committed last',
    async (one) => {
      for (const order of ['ab', 'ba']) {
        const group = `${one.group}-${order}`
        const b = await one.prepared(`${order}-b`, 2, group)
        const a = await one.prepared(`${order}-a`, 1, group)
        for (const id of order) expect(await one.end(id === 'a' ? a : b, 'commit')).toBe(0)
        expect(await one.stableOffset(group)).toBe(1)
      }
    },
  )

  check('an offset outside of transactions makes the one inside be passed over', async (one) => {
    const producer = await one.prepared('a', 2)
    await one.plainOffset(1)
    expect(await one.end(producer, 'commit')).toBe(0)
    expect(await one.stableOffset()).toBe(1)
    await one.eventually(() => one.committed(), ['row of a'])
  })

  check(
    'transactions follow one another at once, each from sequence 0 where it has an epoch of its own',
    async (one) => {
      let producer = await one.producer('a')
      let sequence = 0
      for (let times = 0; times < 10; times++) {
        expect(await one.produce(producer, sequence, `row ${times}`)).toBe(0)
        const ended = await one.settled(async () => one.requests.endTransaction(producer, 'commit'))
        expect(ended.error).toBe(0)
        expect(ended.producer.epoch > producer.epoch).toBe(transactionVersion === 2)
        sequence = transactionVersion === 2 ? 0 : sequence + 1
        producer = ended.producer
      }
      const rows = Array.from({ length: 10 }, (_, times) => `row ${times}`)
      await one.eventually(() => one.committed(), rows)
    },
  )

  check('a batch that is sent again is there once, and one too early is refused', async (one) => {
    const producer = await one.producer('a')
    expect(await one.produce(producer, 0, 'row 0')).toBe(0)
    expect(outcomeOf(await one.produce(producer, 0, 'row 0'))).toBe('done')
    expect(await one.produce(producer, 5, 'row 5')).toBe(code.outOfOrderSequence)
    expect(await one.produce(producer, 1, 'row 1')).toBe(0)
    expect(await one.end(producer, 'commit')).toBe(0)
    await one.eventually(() => one.committed(), ['row 0', 'row 1'])
  })

  check('a transaction that is open for too long is aborted', async (one) => {
    const producer = await one.prepared('a', 1, undefined, 1_000)
    await one.under.letTimePass()
    await one.eventually(async () => (await one.requests.fetchOffset(one.marker)).error, 0)
    const late = [
      await one.produce(producer, 1, 'late'),
      await one.end(producer, 'commit'),
      await one.end(producer, 'abort'),
    ]
    expect(late.map((error, at) => (at === 2 ? error : outcomeOf(error)))).toEqual([
      'refused',
      'refused',
      transactionVersion === 2 ? 0 : 90,
    ])
    expect(await one.stableOffset()).toBe(-1)
    expect(await one.committed()).toEqual([])
  })

  check(
    'records of aborted transactions that overlap are left out, wherever reading begins',
    async (one) => {
      const [first, second, good] = [
        await one.producer('first'),
        await one.producer('second'),
        await one.producer('good'),
      ]
      // The one that began last ends first: the brokers list them in the order of their ends.
      expect(await one.produce(second, 0, 'bad')).toBe(0)
      expect(await one.produce(first, 0, 'bad')).toBe(0)
      expect(await one.produce(second, 1, 'bad')).toBe(0)
      expect(await one.produce(first, 1, 'bad')).toBe(0)
      expect(await one.produce(good, 0, 'good')).toBe(0)
      expect(await one.end(first, 'abort')).toBe(0)
      expect(await one.end(second, 'abort')).toBe(0)
      expect(await one.end(good, 'commit')).toBe(0)
      await one.eventually(() => one.committed(), ['good'])
      for (const from of [0, 1, 2, 3, 4]) {
        await one.eventually(() => one.read(from), ['good'])
      }
    },
  )

  check('a key of four zeros in an aborted transaction is no end of it', async (one) => {
    const producer = await one.producer('a')
    expect(await one.produce(producer, 0, 'bad', new Uint8Array(4))).toBe(0)
    expect(await one.produce(producer, 1, 'bad too')).toBe(0)
    const ended = await one.settled(() => one.requests.endTransaction(producer, 'abort'))
    expect(ended.error).toBe(0)
    const sequence = transactionVersion === 2 ? 0 : 2
    expect(await one.produce(ended.producer, sequence, 'good', new Uint8Array(4))).toBe(0)
    expect(await one.end(ended.producer, 'commit')).toBe(0)
    await one.eventually(() => one.read(0), ['good'])
    expect(await one.read(1)).toEqual(['good'])
    expect(await one.committed()).toEqual(['good'])
  })

  if (nodes > 1) {
    check(
      'who does not look after a group says so for all of it, which is not "no offset"',
      async (one) => {
        await one.plainOffset(7)
        const { node } = await one.cluster.ask(1, findCoordinatorApi, { key: one.group, type: 0 })
        const other = (node % nodes) + 1
        const answer: OffsetFetchResponse = await one.cluster.ask(other, offsetFetchApi, {
          group: one.group,
          topics: [{ topic: one.out.topic, partitions: [0] }],
          requireStable: true,
        })
        expect(answer).toMatchObject({ error: code.notCoordinator, topics: [] })
      },
    )
  }
}

/** Everything that a check works with. */
interface Bench {
  readonly under: ClusterUnderTest
  readonly cluster: KafkaCluster
  readonly requests: TransactionRequests<PackedRecords>
  readonly out: TopicPartition
  readonly group: string
  readonly marker: TopicPartition & { readonly group: string }
  producer(id: string, current?: Producer): Promise<Producer>
  /** A producer with an open transaction that holds one record and one marker. */
  prepared(id: string, offset: number, group?: string, timeoutMs?: number): Promise<Producer>
  produce(producer: Producer, sequence: number, text: string, key?: Uint8Array): Promise<number>
  commitOffset(producer: Producer, offset: number, group?: string): Promise<number>
  plainOffset(offset: number): Promise<void>
  end(producer: Producer, how: 'commit' | 'abort'): Promise<number>
  stableOffset(group?: string): Promise<number>
  committed(): Promise<readonly string[]>
  /** The same as our own source reads it, from an offset on. */
  read(from: number): Promise<readonly string[]>
  /** Asks again while the answer is that it is too early. */
  settled<Answer extends { readonly error: number }>(ask: () => Promise<Answer>): Promise<Answer>
  eventually<Value>(look: () => Promise<Value>, expected: Value): Promise<void>
}

const clock = systemClock()

async function benchOf(under: ClusterUnderTest): Promise<Bench> {
  const cluster = under.connect()
  const run = `suite-${process.pid}-${ids++}`
  const group = `${run}.eos`
  const out = { topic: await under.newTopic(), partition: 0 }
  const marker = { group, ...out }
  const requestsWith = (transactionTimeoutMs: number) =>
    clusterRequests({ cluster, transactionTimeoutMs, requestTimeoutMs: 30_000 })
  const requests = requestsWith(60_000)
  const settled: Bench['settled'] = async (ask) => {
    for (;;) {
      const answer = await ask()
      if (outcomeOf(answer.error) !== 'again') return answer
      await sleep(clock, 2)
    }
  }
  const coded = async (ask: () => Promise<number>): Promise<number> =>
    (await settled(async () => ({ error: await ask() }))).error
  const producer = async (
    id: string,
    current: Producer | undefined,
    by: TransactionRequests<PackedRecords>,
  ): Promise<Producer> => {
    const answer = await settled(() => by.initProducer(`${run}/${id}`, current))
    expect(answer.error).toBe(code.none)
    if (answer.producer === undefined) throw new Error('no producer')
    return answer.producer
  }
  const produce: Bench['produce'] = async (by, sequence, text, key) => {
    const added = await coded(() => requests.addPartition(by, out))
    // What is refused there is refused here too.
    if (added === code.none || added === code.producerFenced) {
      return coded(() => requests.produce(by, out, sequence, packed(text, key)))
    }
    return added
  }
  const commitOffset: Bench['commitOffset'] = async (by, offset, of = group) => {
    await coded(() => requests.addOffsets(by, of))
    return coded(() =>
      requests.commitOffset(by, { ...marker, group: of }, { offset, metadata: `${offset}` }),
    )
  }
  return {
    under,
    cluster,
    requests,
    out,
    group,
    marker,
    producer: (id, current) => producer(id, current, requests),
    async prepared(id, offset, of, timeoutMs = 60_000) {
      const made = await producer(id, undefined, requestsWith(timeoutMs))
      expect(await produce(made, 0, `row of ${id}`)).toBe(code.none)
      expect(await commitOffset(made, offset, of)).toBe(code.none)
      return made
    },
    produce,
    commitOffset,
    async plainOffset(offset) {
      const { topic, partition } = out
      await settled(async () => {
        const { error, node } = await cluster.coordinator({ type: 'group', key: group })
        if (error !== code.none) return { error }
        const answer = await cluster.ask(node, offsetCommitApi, {
          group,
          topics: [
            { topic, partitions: [{ partition, offset, leaderEpoch: -1, metadata: 'by hand' }] },
          ],
        })
        return { error: answer.topics[0]?.partitions[0]?.error ?? -1 }
      })
    },
    end: async (by, how) => (await settled(() => requests.endTransaction(by, how))).error,
    async stableOffset(of = group) {
      const { error, offset } = await settled(() => requests.fetchOffset({ ...marker, group: of }))
      expect(error).toBe(code.none)
      return offset
    },
    committed: () => under.committed(out),
    read: (from) => readByUs(cluster, out, from),
    settled,
    async eventually(look, expected) {
      const untilMs = clock.monotonic() + 20_000
      for (;;) {
        const found = await look()
        if (JSON.stringify(found) === JSON.stringify(expected) || clock.monotonic() > untilMs) {
          expect(found).toEqual(expected)
          return
        }
        await sleep(clock, 50)
      }
    },
  }
}

function packed(text: string, key?: Uint8Array): PackedRecords {
  const writer = new RecordWriter(1_000)
  const part = (bytes: Uint8Array) => ({ bytes, start: 0, end: bytes.length })
  writer.append(0, key && part(key), part(new TextEncoder().encode(text)))
  return writer.take()
}

async function readByUs(
  cluster: KafkaCluster,
  of: TopicPartition,
  from: number,
): Promise<readonly string[]> {
  const options = { 'kafka.bootstrap.servers': 'any:1', subscribe: of.topic }
  const settings = sourceSettings(checkOptions(kafkaSource, options), true)
  const asking = { cluster, clock, patienceMs: 20_000 }
  const to = await edge(asking, of, offsetAt.latest, settings)
  const reading = { asking, settings, lost: async () => to }
  const columns = recordColumns(
    recordSchema(false).filter(({ name }) => name === 'value'),
    of,
  )
  const texts: string[] = []
  for await (const { batch } of readPartition(reading, { of, from, to }, columns)) {
    for (const [value] of rowsOf(batch)) texts.push(new TextDecoder().decode(value as Uint8Array))
  }
  return texts
}
