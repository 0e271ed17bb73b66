import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import {
  type VirtualBroker,
  type VirtualBrokerOptions,
  virtualBroker,
} from '../../properties/virtual-broker.ts'
import { sleep } from '../../src/core/clock.ts'
import { systemClock } from '../../src/core/system-clock.ts'
import type { DataFrame, DataStreamWriter } from '../../src/dataframe/data-frame.ts'
import type { Fleet } from '../../src/dataframe/fleet.ts'
import { col, concat, lit, udf } from '../../src/functions.ts'
import type { Session } from '../../src/session/session.ts'
import { overBroker, virtualServers } from '../kafka/virtual-kafka.ts'
import { realSession } from './real-session.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-fleets-'))
const clock = systemClock()
const sessions: Session[] = []
afterAll(async () => {
  await Promise.all(sessions.map((session) => session.stop()))
  rmSync(folder, { recursive: true, force: true })
})

const partitions = 4
const names = Array.from({ length: partitions }, (_, at) => `orders/${at}`)
const sharing = { group: 'copies', sessionTimeout: '1 second', rebalanceTimeout: '10 seconds' }
let checkpoints = 0
const newCheckpoint = (): string => join(folder, `checkpoint-${checkpoints++}`)

/** A process over these brokers. */
function processOn(broker: VirtualBroker): Session {
  const session = realSession(folder, { store: 'memory', progress: 'off' })
  overBroker(session, broker)
  sessions.push(session)
  return session
}

function newBroker(fault?: VirtualBrokerOptions['fault']): VirtualBroker {
  const broker = virtualBroker({ nodes: 3, ...(fault === undefined ? {} : { fault }) })
  broker.createTopic('orders', partitions)
  broker.createTopic('copies', 2)
  return broker
}

function send(broker: VirtualBroker, name: string, perPartition = 5): readonly string[] {
  const sent: string[] = []
  for (let partition = 0; partition < partitions; partition++) {
    const texts = Array.from({ length: perPartition }, (_, row) => `${name} ${partition}.${row}`)
    const values = texts.map((text) => new TextEncoder().encode(text))
    broker.append({ topic: 'orders', partition }, values)
    sent.push(...texts)
  }
  return sent
}

function orders(session: Session, startingOffsets = 'earliest'): DataFrame {
  return session.readStream
    .format('kafka')
    .option(...virtualServers)
    .option('subscribe', 'orders')
    .option('startingOffsets', startingOffsets)
    .load()
}

function copied(frame: DataFrame, checkpoint: string): DataStreamWriter {
  return frame
    .select(concat(lit('copy of '), col('value').cast('string')).alias('value'))
    .writeStream.format('kafka')
    .option(...virtualServers)
    .option('topic', 'copies')
    .option('checkpointLocation', checkpoint)
}

async function eventually(what: string, isSo: () => boolean): Promise<void> {
  const untilMs = clock.monotonic() + 30_000
  while (!isSo()) {
    if (clock.monotonic() > untilMs) throw new Error(`not yet: ${what}`)
    await sleep(clock, 20)
  }
}

function copiesIn(broker: VirtualBroker): readonly string[] {
  return [0, 1]
    .flatMap((partition) => broker.committed({ topic: 'copies', partition }))
    .map(({ value }) => new TextDecoder().decode(value))
    .toSorted()
}

const ownedBy = (...fleets: readonly Fleet[]): readonly (readonly string[])[] =>
  fleets.map(({ queries }) => [...queries.keys()])

async function untilCopied(broker: VirtualBroker, sent: readonly string[]): Promise<void> {
  const wanted = sent.map((text) => `copy of ${text}`).toSorted()
  await eventually('all rows copied', () => copiesIn(broker).length >= wanted.length)
  expect(copiesIn(broker)).toEqual(wanted)
}

test('processes share partitions, hand them over, and every row is there once', async () => {
  const broker = newBroker()
  const checkpoint = newCheckpoint()
  const sent = [...send(broker, 'first')]
  const first = processOn(broker)
  const one = copied(orders(first), checkpoint).startFleet(sharing)
  await untilCopied(broker, sent)
  await eventually('it has all', () => ownedBy(one)[0]?.length === partitions)
  expect(ownedBy(one)[0]?.toSorted()).toEqual(names)
  const two = copied(orders(processOn(broker)), checkpoint).startFleet(sharing)
  await eventually('both have two', () => {
    const owned = ownedBy(one, two)
    return owned.every(({ length }) => length === 2) && new Set(owned.flat()).size === partitions
  })
  sent.push(...send(broker, 'second'))
  await untilCopied(broker, sent)
  // Partitions that went to another process are no end of anything; the fleet is.
  expect(await first.streams.awaitAnyTermination(0)).toBe(false)
  await one.stop()
  expect(await first.streams.awaitAnyTermination(0)).toBe(true)
  expect(one.isActive).toBe(false)
  expect(await one.awaitTermination()).toBe(true)
  await eventually('the other has all', () => ownedBy(two)[0]?.length === partitions)
  sent.push(...send(broker, 'third'))
  await untilCopied(broker, sent)
  await two.stop()
  // Each partition has a checkpoint and transactions of its own, named after the fleet and itself.
  const { entry } = JSON.parse(readFileSync(join(checkpoint, 'fleet'), 'utf8'))
  expect(Object.keys(entry.starting).toSorted()).toEqual(names)
  const folders = readdirSync(checkpoint).filter((name) => name !== 'fleet')
  expect(folders.toSorted()).toEqual(names.map(folderOf))
  const marker = { topic: 'copies', partition: 0, group: `millrace.${entry.id}-orders-2.eos` }
  expect(broker.markers(marker).length).toBeGreaterThan(1)
}, 60_000)

/** Values as lines of files. */
function listed(frame: DataFrame, path: string, checkpoint: string): DataStreamWriter {
  return frame
    .select(col('value').cast('string').alias('value'))
    .writeStream.format('text')
    .option('path', path)
    .option('checkpointLocation', checkpoint)
}

const folderOf = (name: string): string => name.replace('/', '-')

/** What lies in the folders of these partitions. */
function linesIn(path: string, of: readonly string[]): readonly string[] {
  return of
    .map((name) => join(path, folderOf(name)))
    .filter((own) => existsSync(own))
    .flatMap((own) =>
      readdirSync(own)
        .filter((file) => file.startsWith('part-'))
        .flatMap((file) => readFileSync(join(own, file), 'utf8').trim().split('\n')),
    )
    .toSorted()
}

test('each partition has a folder of its own in one that a sink writes to', async () => {
  const broker = newBroker()
  const sent = send(broker, 'row')
  const path = newCheckpoint()
  const fleet = listed(orders(processOn(broker)), path, newCheckpoint()).startFleet(sharing)
  await eventually('all rows', () => linesIn(path, names).length >= sent.length)
  expect(linesIn(path, names)).toEqual([...sent].toSorted())
  await fleet.stop()
}, 60_000)

test('a partition begins where it ended at the very first start, and a new one with its first row', async () => {
  const broker = newBroker()
  const [path, checkpoint] = [newCheckpoint(), newCheckpoint()]
  send(broker, 'before')
  const begun = listed(orders(processOn(broker), 'latest'), path, checkpoint).startFleet(sharing)
  await eventually('it has all', () => ownedBy(begun)[0]?.length === partitions)
  await begun.stop()
  // As if no process had come to work on them yet; what is sent now is before the end that such a one would find.
  for (const name of names) {
    for (const own of [checkpoint, path]) {
      rmSync(join(own, folderOf(name)), { recursive: true, force: true })
    }
  }
  const sent = [...send(broker, 'meanwhile'), 'of the new partition']
  broker.createTopic('orders', partitions + 1)
  const text = new TextEncoder().encode('of the new partition')
  broker.append({ topic: 'orders', partition: partitions }, [text])
  const again = listed(orders(processOn(broker), 'latest'), path, checkpoint).startFleet(sharing)
  const all = [...names, `orders/${partitions}`]
  await eventually('all rows', () => linesIn(path, all).length >= sent.length)
  expect(linesIn(path, all)).toEqual(sent.toSorted())
  await again.stop()
}, 60_000)

test('the error of a partition ends the share of the process, and the session stops its fleets', async () => {
  const broker = newBroker()
  const session = processOn(broker)
  const fails = udf((value: string) => {
    if (value.startsWith('bad')) throw new Error('no such order')
    return value
  }, 'string')
  const frame = orders(session).select(fails(col('value').cast('string')).alias('value'))
  const fleet = copied(frame, newCheckpoint()).startFleet(sharing)
  await eventually('it has all', () => ownedBy(fleet)[0]?.length === partitions)
  send(broker, 'bad', 1)
  await expect(fleet.awaitTermination()).rejects.toThrow('no such order')
  expect(fleet.exception()?.message).toContain('no such order')
  expect(session.streams.active).toEqual([])
  const others = processOn(broker)
  const other = copied(orders(others), newCheckpoint()).startFleet(sharing)
  await eventually('it has all', () => ownedBy(other)[0]?.length === partitions)
  await others.stop()
  expect(other.isActive).toBe(false)
  expect(other.exception()).toBeUndefined()
}, 60_000)

test('a partition whose start fails for a reason that passes is started again, unlike a query', async () => {
  const ends: string[] = []
  // The first transaction of a start, which says what it stands on, is aborted before it ends.
  const broker = newBroker((_, name) => {
    if (!name.startsWith('EndTxn')) return undefined
    ends.push(name)
    return ends.length === 1 ? 'timeout' : undefined
  })
  const sent = send(broker, 'row')
  const fleet = copied(orders(processOn(broker)), newCheckpoint()).startFleet(sharing)
  await untilCopied(broker, sent)
  expect(fleet.exception()).toBeUndefined()
  await fleet.stop()
  ends.length = 0
  const query = copied(orders(processOn(broker)), newCheckpoint()).start()
  await expect(query.awaitTermination()).rejects.toMatchObject({ code: 'KAFKA_TRANSACTION_ENDED' })
}, 60_000)

test('a fleet and a query refuse the folders of each other', async () => {
  const broker = newBroker()
  const session = processOn(broker)
  const [ofQuery, ofFleet] = [newCheckpoint(), newCheckpoint()]
  const query = copied(orders(session), ofQuery).start()
  await query.processAllAvailable()
  await query.stop()
  const fleet = copied(orders(session), ofQuery).startFleet(sharing)
  await expect(fleet.awaitTermination()).rejects.toMatchObject({ code: 'CHECKPOINT_OTHER_QUERY' })
  const started = copied(orders(session), ofFleet).startFleet(sharing)
  await eventually('it has all', () => ownedBy(started)[0]?.length === partitions)
  await started.stop()
  await expect(copied(orders(session), ofFleet).start().awaitTermination()).rejects.toMatchObject({
    code: 'CHECKPOINT_OTHER_QUERY',
  })
}, 60_000)

test('what no fleet can be made of is refused at once, with its name', () => {
  const session = processOn(newBroker())
  const frame = orders(session).select(col('value').cast('string').alias('value'), 'timestamp')
  const written = (made: DataFrame) =>
    made.writeStream
      .outputMode('update')
      .format('noop')
      .option('checkpointLocation', newCheckpoint())
  const refused: readonly (readonly [() => unknown, RegExp])[] = [
    [() => written(frame.groupBy('value').count()).startFleet(sharing), /the aggregate/],
    [
      () => written(frame.groupBy('value').count().name('per-value')).startFleet(sharing),
      /the aggregate per-value/,
    ],
    [
      () =>
        written(frame.dropDuplicates('value')).option('allowUnbounded', true).startFleet(sharing),
      /dropDuplicates/,
    ],
    [() => copied(frame.union(frame.limit(5)), newCheckpoint()).startFleet(sharing), /limit/],
    [
      () =>
        copied(
          frame.union(orders(session).select(col('value').cast('string'), 'timestamp')),
          newCheckpoint(),
        ).startFleet(sharing),
      /2 streams/,
    ],
    [
      () =>
        copied(session.memoryStream('value STRING').toDF(), newCheckpoint()).startFleet(sharing),
      /memory/,
    ],
    [
      () => copied(frame, newCheckpoint()).trigger({ availableNow: true }).startFleet(sharing),
      /availableNow/,
    ],
    [() => frame.writeStream.format('noop').startFleet(sharing), /checkpointLocation/],
    [() => copied(frame, newCheckpoint()).startFleet({ ...sharing, group: '' }), /group/],
    [
      () => copied(frame, newCheckpoint()).startFleet({ ...sharing, sessionTimeout: 'soon' }),
      /DURATION_INVALID/,
    ],
    [
      () => copied(frame, newCheckpoint()).option('startFrom', 'elsewhere').startFleet(sharing),
      /startFrom/,
    ],
  ]
  for (const [start, message] of refused) expect(start, String(message)).toThrow(message)
})
