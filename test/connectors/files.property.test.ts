import { describe, expect, test } from 'vitest'
import { rowsAsText } from '../../properties/laws/rows-as-text.ts'
import { sinkLaw } from '../../properties/laws/sink.ts'
import { type SourceUnderTest, sourceLaw } from '../../properties/laws/source.ts'
import {
  SimulatedCrash,
  type VirtualDiskOptions,
  type VirtualFileSystem,
  virtualFileSystem,
} from '../../properties/virtual-file-system.ts'
import { csvSink, jsonSink } from '../../src/connectors/files/sink.ts'
import { csvSource, jsonSource } from '../../src/connectors/files/source.ts'
import type { SourceFactory } from '../../src/connectors/registry.ts'
import type { FileSystem } from '../../src/core/file-system.ts'
import type { Json } from '../../src/core/json.ts'
import { seededRandom } from '../../src/core/random.ts'
import type { Epoch } from '../../src/core/units.ts'
import { epochOf, noTime, sinkContext, sinkStart, sourceContext } from './contexts.ts'
import { fileSchema, hiddenOf, numbered, readAll, sinkWorld } from './file-worlds.ts'

describe('the law of sinks', () => {
  const powerCut = () => {
    const random = seededRandom(7)
    return (files: VirtualFileSystem) => files.crash({ random })
  }
  test('holds for json files whose process is killed', () =>
    sinkLaw(async () => sinkWorld(jsonSink, jsonSource, [], (files) => files.kill())))

  test('holds for json files in folders when the power is cut', () =>
    sinkLaw(async () => sinkWorld(jsonSink, jsonSource, ['k'], powerCut())))

  test('holds for csv files when the power is cut', () =>
    sinkLaw(async () => sinkWorld(csvSink, csvSource, [], powerCut())))
})

/** One run of three epochs and what it had published when it ended or died. */
async function runEpochs(files: FileSystem): Promise<Published> {
  const published: Published = { last: undefined }
  try {
    await epochs(files, 1, published)
  } catch (thrown) {
    if (!(thrown instanceof SimulatedCrash)) throw thrown
  }
  return published
}

interface Published {
  last: { readonly epoch: Epoch; readonly committable: Json } | undefined
}

async function epochs(files: FileSystem, token: number, published: Published): Promise<void> {
  const context = { files, partitionBy: ['k'], options: new Map([['path', 'out']]) }
  const sink = await jsonSink.create(sinkContext(fileSchema, context))
  await sink.open(sinkStart({ token, lastCommitted: published.last }))
  for (let number = (published.last?.epoch ?? -1) + 1; number < 3; number++) {
    const epoch = epochOf(number)
    await sink.write(numbered([number * 2, number * 2 + 1]), epoch)
    const committable = await sink.prepare(epoch, noTime)
    published.last = { epoch, committable }
    await sink.commit(epoch, committable)
  }
  await sink.close()
}

const all = rowsAsText(numbered([0, 1, 2, 3, 4, 5])).toSorted()

describe('a file sink that dies at any step of the disk', () => {
  const stepsOf = async () => {
    const files = virtualFileSystem()
    await runEpochs(files)
    return files.steps()
  }
  const diesAt = (last: number): VirtualDiskOptions => ({
    onStep: (_, number) => {
      if (number === last) throw new SimulatedCrash('here')
    },
  })

  test.each(['kill', 'crash'] as const)('shows every row once after a restart: %s', async (how) => {
    const steps = await stepsOf()
    expect(steps).toBeGreaterThan(50)
    for (let step = 0; step < steps; step++) {
      const before = virtualFileSystem({ ...diesAt(step), random: seededRandom(step) })
      const published = await runEpochs(before)
      const after = before[how]()
      await epochs(after, 2, published)
      expect([...(await readAll(jsonSource, after))].sort(), `step ${step}`).toEqual(all)
      expect(hiddenOf(after), `step ${step}`).toEqual([])
    }
  })
})

async function sourceWorld(
  factory: SourceFactory,
  line: (n: number) => string,
  die: (files: VirtualFileSystem) => VirtualFileSystem,
): Promise<SourceUnderTest> {
  let files = virtualFileSystem()
  await files.makeFolder('in/deep=1')
  let count = 0
  const open = () =>
    factory.create(
      sourceContext(fileSchema, {
        files,
        folder: 'checkpoint/sources/0',
        options: new Map([['path', 'in']]),
      }),
    )
  return {
    source: await open(),
    async arrive(rows) {
      // Several files, some of them empty, one of them in a folder of its own.
      for (let left = rows, part = 0; left > 0; part++) {
        const size = Math.min(left, part % 3)
        const lines = Array.from({ length: size }, () => line(count++)).join('')
        left -= Math.max(size, 0)
        const folder = part % 2 === 0 ? 'in' : 'in/deep=1'
        const path = `${folder}/${String(files.steps()).padStart(6, '0')}`
        await files.create(path, new TextEncoder().encode(lines))
        await files.syncFolder(folder)
      }
    },
    async reopen() {
      files = die(files)
      return await open()
    },
  }
}

describe('the law of sources', () => {
  const json = (n: number) => `{"n":${n},"k":"k${n}"}\n`
  const csv = (n: number) => `${n},"k,${n}"\n`

  test('holds for json files whose process is killed', () =>
    sourceLaw(() => sourceWorld(jsonSource, json, (files) => files.kill()), { runs: 50 }))

  test('holds for csv files when the power is cut', () =>
    sourceLaw(
      () => sourceWorld(csvSource, csv, (files) => files.crash({ random: seededRandom(3) })),
      { runs: 50 },
    ))
})
