import { expect, test } from 'vitest'
import { type BrokerSink, brokerSink, sentRow } from '../../properties/broker-sink.ts'
import { keptTable } from '../../properties/kept-table.ts'
import { logEntries } from '../../properties/logged-epochs.ts'
import { simulatedSession } from '../../properties/simulated-session.ts'
import { type VirtualBroker, virtualBroker } from '../../properties/virtual-broker.ts'
import { type VirtualFileSystem, virtualFileSystem } from '../../properties/virtual-file-system.ts'
import type { SinkFactory } from '../../src/connectors/registry.ts'
import type { Sink, SinkAttempt } from '../../src/flow/connector.ts'
import { plannedRecovery } from '../../src/runtime/open-sinks.ts'
import type { LocalEpochLog } from '../../state/local-epoch-log.ts'
import { epochOf, sinkStart } from '../connectors/contexts.ts'

const here = { step: () => undefined, files: virtualFileSystem() }

/** A machine whose query copies numbers, in one life after the other. */
function machine(disk: VirtualFileSystem = virtualFileSystem()) {
  const arrived: string[] = []
  let lives = 0
  const begun = (
    sinkOf: (pause: () => Promise<void>) => SinkFactory,
    checkpoint = 'checkpoint',
  ) => {
    const files = disk.kill()
    const { session, simulation } = simulatedSession({ seed: 7 + lives, files, life: lives })
    lives += 1
    const sink = sinkOf(simulation.pause)
    session.register({ sink })
    const stream = session.memoryStream('name STRING')
    for (const name of arrived) stream.addData([[name]])
    const run = async (): Promise<void> => {
      const query = stream
        .toDF()
        .writeStream.format(sink.format)
        .option('checkpointLocation', checkpoint)
        .start()
      await query.processAllAvailable()
      await query.stop()
    }
    return { simulation, work: run() }
  }
  return {
    disk,
    /** A process at its beginning, with a sink that may wait for the simulation. */
    begun,
    /** More rows arrive, and everything is written to the sink; then the query stops. */
    async live(sink: SinkFactory, rows: readonly string[], checkpoint = 'checkpoint') {
      arrived.push(...rows)
      const { simulation, work } = begun(() => sink, checkpoint)
      await simulation.run(work)
    },
  }
}

const lastMarker = (broker: VirtualBroker, sink: BrokerSink) => {
  broker.settle()
  return sink.markers().at(-1)?.epoch
}

test('a sink that takes the place of another gets what is new, and its word begins there', async () => {
  const { live, disk } = machine()
  const broker = virtualBroker()
  const sink = brokerSink(broker)
  await live(keptTable().sink(), ['a'])
  await live(sink.factory(here), ['b'])
  const stood = lastMarker(broker, sink)
  await live(keptTable().sink(), ['c'])
  expect(lastMarker(broker, sink)).toBe(stood)
  await live(sink.factory(here), ['d'])
  broker.settle()
  const rows = [0, 1].flatMap((partition) => broker.committed({ topic: 'out', partition }))
  expect(rows.map((record) => sentRow(record).values[0]).toSorted()).toEqual(['b', 'd'])
  const manifests = (await logEntries(disk, 'checkpoint')).filter(({ type }) => type === 'manifest')
  // The initial checkpoint has none before it.
  expect(lastMarker(broker, sink)).toBe(manifests.length - 2)
})

test('a process that slept before its fence does not turn the word of its sink back', async () => {
  const world = machine()
  const broker = virtualBroker()
  const sink = brokerSink(broker)
  await world.live(keptTable().sink(), ['a'])
  let sleeps = false
  const sleeper = world.begun((pause) =>
    sink.factory({
      ...here,
      pause() {
        sleeps = true
        return pause()
      },
    }),
  )
  await sleeper.simulation.run(sleeper.work, { isDead: () => sleeps })
  expect(broker.requests).toBe(0)
  await world.live(sink.factory(here), ['b'])
  const word = lastMarker(broker, sink)
  const requests = broker.requests
  await expect(sleeper.simulation.run(sleeper.work)).rejects.toMatchObject({ code: 'FENCED' })
  expect(broker.requests).toBeGreaterThan(requests)
  expect(lastMarker(broker, sink)).toBe(word)
})

test('a sink whose word has expired goes on, as its last commit was noted', async () => {
  const { live, disk } = machine()
  await live(brokerSink(virtualBroker()).factory(here), ['a'])
  const other = virtualBroker()
  const sink = brokerSink(other)
  await live(sink.factory(here), ['b'])
  const manifests = (await logEntries(disk, 'checkpoint')).filter(({ type }) => type === 'manifest')
  expect(lastMarker(other, sink)).toBe(manifests.length - 2)
  expect(other.committed({ topic: 'out', partition: 0 })).toHaveLength(1)
})

test('a checkpoint that was put back to an older one is refused', async () => {
  const { live, disk } = machine()
  const sink = brokerSink(virtualBroker())
  await live(sink.factory(here), ['a'])
  const old = machine(disk.twin())
  await live(sink.factory(here), ['b'])
  await expect(old.live(sink.factory(here), ['a', 'b'])).rejects.toMatchObject({
    code: 'CHECKPOINT_CORRUPT',
  })
})

const attempt: SinkAttempt = sinkStart()

/** A sink that is never written to. */
function authoritative(part: Partial<Sink>): Sink {
  const nothing = async () => undefined
  return {
    description: 'authority',
    kind: 'authoritative',
    open: nothing,
    write: nothing,
    prepare: async () => null,
    commit: nothing,
    abort: nothing,
    close: nothing,
    ...part,
  }
}

test('an authoritative sink without a fence is refused, and so is a second one', async () => {
  const { live } = machine()
  const factory: SinkFactory = {
    format: 'authority',
    options: [],
    modes: ['append'],
    create: async () => authoritative({}),
  }
  await expect(live(factory, ['a'])).rejects.toMatchObject({
    code: 'SINK_INVALID',
    details: { sink: 'authority', why: 'it is authoritative and has no fence' },
  })
  const log: Pick<LocalEpochLog, 'entries'> = { entries: [] }
  const fence = async () => undefined
  const byName = new Map([
    ['result', authoritative({ fence })],
    ['lateRows', authoritative({ fence, description: 'second' })],
  ])
  await expect(plannedRecovery(log, { byName }, attempt)).rejects.toMatchObject({
    code: 'SINK_INVALID',
    details: { why: 'second is authoritative too' },
  })
})

test('a damaged log is refused before the sink hears of the attempt', async () => {
  let asked = 0
  const fence = async () => {
    asked += 1
    return undefined
  }
  const byName = new Map([['result', authoritative({ fence })]])
  const entries: LocalEpochLog['entries'] = [{ type: 'decision', epoch: epochOf(0), header: null }]
  await expect(plannedRecovery({ entries }, { byName }, attempt)).rejects.toMatchObject({
    code: 'CHECKPOINT_CORRUPT',
  })
  expect(asked).toBe(0)
})
