import { describe, expect, test } from 'vitest'
import { rowsAsText } from '../../properties/laws/rows-as-text.ts'
import { type SinkUnderTest, sinkLaw } from '../../properties/laws/sink.ts'
import { batchOf } from '../../src/batch/build.ts'
import { parseSchema } from '../../src/batch/ddl.ts'
import { memoryTable } from '../../src/connectors/memory/sink.ts'
import type { SinkMode } from '../../src/connectors/registry.ts'
import type { Sink } from '../../src/flow/connector.ts'

const schema = parseSchema('n LONG')

async function memoryWorld(
  mode: SinkMode,
  change: (sink: Sink) => Partial<Sink> = () => ({}),
): Promise<SinkUnderTest> {
  const table = memoryTable(schema)
  return {
    async make() {
      const sink = table.sink(mode)
      return { ...sink, ...change(sink) }
    },
    batch: (numbers) =>
      batchOf(
        schema,
        numbers.map((n) => [BigInt(n)]),
      ),
    visible: async () => table.batches().flatMap(rowsAsText),
    replaces: mode === 'complete',
  }
}

describe('the law of sinks', () => {
  test.each(['append', 'update', 'complete'] as const)('holds for memory in %s mode', (mode) =>
    sinkLaw(() => memoryWorld(mode)),
  )
})

describe('the law of sinks finds', () => {
  const runs = { runs: 300 }

  test('rows that show before their commit', () =>
    expect(
      sinkLaw(
        () =>
          memoryWorld('append', (sink) => ({
            async prepare(epoch, time) {
              const committable = await sink.prepare(epoch, time)
              await sink.commit(epoch, committable)
              return committable
            },
          })),
        runs,
      ),
    ).rejects.toThrow('before epoch'))

  test('an abort that is not heeded', () =>
    expect(
      sinkLaw(
        () =>
          memoryWorld('append', (sink) => ({ abort: (epoch) => sink.commit(epoch, `0/${epoch}`) })),
        runs,
      ),
    ).rejects.toThrow('was aborted'))

  test('a published epoch that is not committed again', () =>
    expect(
      sinkLaw(
        () =>
          memoryWorld('append', (sink) => ({
            async open(start) {
              const last = start.lastCommitted
              const forgotten = last && { epoch: last.epoch, committable: 'nothing' }
              await sink.open({ ...start, lastCommitted: forgotten })
            },
          })),
        runs,
      ),
    ).rejects.toThrow('was published'))

  test('an epoch that is there twice', () =>
    expect(
      sinkLaw(async () => {
        const world = await memoryWorld('append')
        const commits: string[] = []
        return {
          ...world,
          async make() {
            const sink = await world.make()
            return {
              ...sink,
              async commit(epoch, committable) {
                const before = await world.visible()
                await sink.commit(epoch, committable)
                if ((await world.visible()).length === before.length) commits.push(...before)
              },
            }
          },
          visible: async () => [...(await world.visible()), ...commits],
        }
      }, runs),
    ).rejects.toThrow('committed again'))
})
