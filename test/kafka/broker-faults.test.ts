import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { logEntries } from '../../properties/logged-epochs.ts'
import { nodeFileSystem } from '../../src/core/node-file-system.ts'
import { col, length } from '../../src/functions.ts'
import { type DataFrame, Session } from '../../src/index.ts'
import { mustBeOnce, textsOf } from './filled-topic.ts'
import { leaveOutWithoutBrokers } from './left-out.ts'
import { type RealBrokers, realBrokers } from './real-brokers.ts'

const isLeftOut = leaveOutWithoutBrokers('codecs and damage')
const rows = 200
const sent = Array.from({ length: rows }, (_, at) => `row ${at}`)

describe.skipIf(isLeftOut)('what brokers hold, and lose', () => {
  const session = Session.builder.config('store', 'memory').config('progress', 'off').getOrCreate()
  const folder = mkdtempSync(join(tmpdir(), 'millrace-faults-'))
  let started: RealBrokers | undefined
  const brokers = (): RealBrokers => {
    if (started === undefined) throw new Error('the brokers did not start')
    return started
  }
  beforeAll(async () => {
    started = await realBrokers()
  }, 300_000)
  afterAll(async () => {
    await session.stop()
    await started?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const reading = (topic: string, options: Readonly<Record<string, string>> = {}): DataFrame =>
    session.readStream
      .format('kafka')
      .option('kafka.bootstrap.servers', brokers().bootstrap)
      .option('subscribe', topic)
      .option('startingOffsets', 'earliest')
      .option('kafka.default.api.timeout.ms', 5_000)
      .options(options)
      .load()
      .select('value')

  /** Copies what there is; the name is that of the checkpoint. */
  const copy = (frame: DataFrame, to: string, name: string): Promise<unknown> =>
    frame.writeStream
      .format('kafka')
      .option('kafka.bootstrap.servers', brokers().bootstrap)
      .option('topic', to)
      .option('kafka.max.block.ms', 10_000)
      .option('checkpointLocation', join(folder, name))
      .trigger({ availableNow: true })
      .start()
      .awaitTermination()

  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])(
    "records that Kafka's own producer packed with %s are read",
    async (codec) => {
      const topic = `packed-${codec}`
      await brokers().createTopic(topic, 1)
      await brokers().send(topic, codec, rows)
      const found = await session.read
        .format('kafka')
        .option('kafka.bootstrap.servers', brokers().bootstrap)
        .option('subscribe', topic)
        .load()
        .select(col('value').cast('string').alias('value'))
        .collect()
      expect(found.map(({ value }) => value)).toEqual(sent)
    },
    60_000,
  )

  test('a record that the topic does not take ends the query, and nothing of its epoch is seen', async () => {
    await brokers().createTopic('too-large', 1)
    const texts = ['small', 'x'.repeat(1_100_000)].map((value) => ({ value }))
    const stream = session.memoryStream('value STRING')
    stream.addData(texts)
    await expect(copy(stream.toDF(), 'too-large', 'too-large')).rejects.toMatchObject({
      code: 'KAFKA_RECORD_TOO_LARGE',
    })
    expect(await brokers().read('too-large')).toEqual([])
    await copy(stream.toDF().filter(length('value').lt(10)), 'too-large', 'too-large')
    expect(textsOf(await brokers().read('too-large'))).toEqual(['small'])
  }, 60_000)

  test('records that are gone end the query, unless it may go on behind them', async () => {
    await brokers().createTopic('shrinks', 1)
    await brokers().createTopic('of-shrinks', 1)
    await brokers().send('shrinks', 'none', rows)
    await copy(reading('shrinks'), 'of-shrinks', 'shrinks')
    await brokers().send('shrinks', 'none', rows)
    await brokers().deleteRecords('shrinks', rows + 50)
    await expect(copy(reading('shrinks'), 'of-shrinks', 'shrinks')).rejects.toMatchObject({
      code: 'KAFKA_DATA_LOST',
    })
    await copy(reading('shrinks', { failOnDataLoss: 'false' }), 'of-shrinks', 'shrinks')
    expect(textsOf(await brokers().read('of-shrinks'))).toEqual([...sent, ...sent.slice(50)])
  }, 60_000)

  test('a topic that is deleted ends the query', async () => {
    await brokers().createTopic('goes', 1)
    await brokers().createTopic('of-goes', 1)
    await brokers().send('goes', 'none', rows)
    await copy(reading('goes'), 'of-goes', 'goes')
    await brokers().deleteTopic('goes')
    await expect(copy(reading('goes'), 'of-goes', 'goes')).rejects.toMatchObject({
      code: 'KAFKA_TOPIC_NOT_FOUND',
    })
    // One of the same name is another one: its first rows would be passed over.
    await brokers().createTopic('goes', 1)
    await brokers().send('goes', 'none', 10)
    await expect(copy(reading('goes'), 'of-goes', 'goes')).rejects.toMatchObject({
      code: 'KAFKA_DATA_LOST',
    })
    expect(textsOf(await brokers().read('of-goes'))).toEqual(sent)
  }, 60_000)

  test('a stopped query goes on without its marker', async () => {
    await brokers().createTopic('marked', 1)
    await brokers().createTopic('of-marked', 1)
    await brokers().send('marked', 'none', rows)
    await copy(reading('marked'), 'of-marked', 'marked')
    const entries = await logEntries(nodeFileSystem(), join(folder, 'marked'))
    const attempt = entries.find((entry) => entry.type === 'attempt')
    await brokers().deleteGroup(`millrace.${attempt?.queryId}.eos`)
    await brokers().send('marked', 'none', rows)
    await copy(reading('marked'), 'of-marked', 'marked')
    const found = textsOf(await brokers().read('of-marked'))
    expect(found).toEqual([...sent, ...sent])
  }, 60_000)

  test('a byte that has changed on the disk of a broker ends the query', async () => {
    await brokers().createTopic('damaged', 1)
    await brokers().createTopic('of-damaged', 1)
    await brokers().send('damaged', 'none', rows)
    brokers().signal(1, 'SIGTERM')
    // Nothing writes to the file any more once the node has ended.
    await brokers().ended(1)
    const segment = brokers().segment('damaged')
    const at = readFileSync(segment).indexOf('row 77')
    expect(at).toBeGreaterThan(0)
    const file = openSync(segment, 'r+')
    writeSync(file, 'R', at)
    closeSync(file)
    await brokers().restart(1)
    await expect(copy(reading('damaged'), 'of-damaged', 'damaged')).rejects.toMatchObject({
      code: 'KAFKA_RECORDS_CORRUPT',
    })
    await copy(reading('damaged', { 'kafka.check.crcs': 'false' }), 'of-damaged', 'unchecked')
    mustBeOnce(
      sent.map((text) => (text === 'row 77' ? 'Row 77' : text)),
      textsOf(await brokers().read('of-damaged')),
    )
  }, 120_000)
})
