import { expect, test } from 'vitest'
import { type SimulatedSession, simulatedSession } from '../../properties/simulated-session.ts'
import {
  SimulatedCrash,
  type VirtualFileSystem,
  virtualFileSystem,
} from '../../properties/virtual-file-system.ts'
import type { FileSystem } from '../../src/core/file-system.ts'
import { seededRandom } from '../../src/core/random.ts'
import type { DataFrame, DataStreamWriter } from '../../src/dataframe/data-frame.ts'
import { expr } from '../../src/functions.ts'

const sums = (input: DataFrame): DataFrame =>
  input.groupBy('k').agg(expr('sum(n)').alias('total')).name('sums')

function life(files: FileSystem, number: number): SimulatedSession {
  const config = { minEpochsToRetain: 20, minRetention: '0 seconds' }
  return simulatedSession({ seed: 11 + number, files, life: number, config })
}

/** The writer of a query over three rows a source gives again in every life, and more if asked for. */
function writerOf({ session }: SimulatedSession, checkpoint: string, more = 0): DataStreamWriter {
  const input = session.memoryStream('k STRING, n INT')
  for (let n = 1; n <= 3 + more; n++) input.addData([['a', n]])
  return sums(input.toDF())
    .writeStream.outputMode('update')
    .option('checkpointLocation', checkpoint)
    .format('noop')
}

/** A disk with a query that has ended, and a savepoint of it. */
async function withSavepoint(files: VirtualFileSystem): Promise<void> {
  const made = life(files, 0)
  const run = async (): Promise<void> => {
    const query = writerOf(made, 'origin').start()
    await query.processAllAvailable()
    await query.savepoint('safe')
    await made.session.stop()
  }
  await made.simulation.run(run())
}

/** The sum that a query comes to that begins with the savepoint, or goes on from where it began. */
async function total(files: FileSystem, number: number, more: number): Promise<unknown> {
  const made = life(files, number)
  const run = async (): Promise<unknown> => {
    const query = writerOf(made, 'branch', more).start({ from: 'safe' })
    await query.processAllAvailable()
    const row = await query.state('sums').get('a')
    await made.session.stop()
    return row?.['total']
  }
  return made.simulation.run(run())
}

const code = (problem: Promise<unknown>): Promise<unknown> =>
  problem.then(
    () => 'nothing',
    (thrown: unknown) => Object(thrown).code,
  )

test('what is started from a savepoint is a query of its own, and goes on from there', async () => {
  const files = virtualFileSystem()
  await withSavepoint(files)
  const made = life(files.kill(), 1)
  const run = async (): Promise<void> => {
    const query = writerOf(made, 'branch', 1).start({ from: 'safe' })
    await query.processAllAvailable()
    expect(await query.state('sums').get('a')).toEqual({ total: 10n })
    const metadata = (path: string) =>
      made.session.read.format('state-metadata').load(path).collect()
    expect(await metadata('branch')).toMatchObject([{ minBatchId: 0n, maxBatchId: 1n }])
    expect(await metadata('safe')).toMatchObject([{ minBatchId: 0n, maxBatchId: 0n }])
    const { queryId } = JSON.parse(new TextDecoder().decode(await files.read('safe/savepoint')))
    expect(query.id).not.toBe(queryId)
    const tokens = (folder: string) =>
      files
        .allFiles()
        .flatMap((path) => new RegExp(`^${folder}/deltas/(\\d+)-`).exec(path)?.[1] ?? [])
        .map(Number)
    // Files of the branch cannot meet those that it was given in one name.
    expect(Math.max(...tokens('branch'))).toBeGreaterThan(Math.max(...tokens('safe')))
    await made.session.stop()
  }
  await made.simulation.run(run())
  // The savepoint counts once: another start goes on from the branch's own checkpoint.
  expect(await total(files.kill(), 2, 2)).toBe(15n)
})

test('a savepoint holds everything: the checkpoint that it was made of may go', async () => {
  const files = virtualFileSystem()
  await withSavepoint(files)
  await files.removeFolder('origin')
  expect(await total(files.kill(), 1, 0)).toBe(6n)
  await files.removeFolder('branch')
  expect(await total(files.kill(), 2, 3)).toBe(21n)
})

test('where files cannot be linked they are copied', async () => {
  const files = virtualFileSystem()
  let refusals = 0
  const refusing: VirtualFileSystem = {
    ...files,
    link: (from, to) => {
      if (!/^(?:safe|branch)\/deltas/.test(to)) return files.link(from, to)
      refusals++
      return Promise.reject(new Error('EXDEV: cross-device link not permitted'))
    },
  }
  await withSavepoint(refusing)
  expect(await total(refusing, 1, 1)).toBe(10n)
  expect(refusals).toBeGreaterThan(1)
})

test('a folder that is not empty, or no savepoint, is refused at once', async () => {
  const files = virtualFileSystem()
  await withSavepoint(files)
  const made = life(files.kill(), 1)
  const run = async (): Promise<void> => {
    const query = writerOf(made, 'origin').start()
    await query.processAllAvailable()
    expect(await code(query.savepoint('safe'))).toBe('SAVEPOINT_EXISTS')
    expect(await code(query.savepoint('origin'))).toBe('SAVEPOINT_EXISTS')
    await made.session.stop()
    const start = async (from: string) => writerOf(made, 'branch').start({ from })
    expect(await code(start('nowhere'))).toBe('CHECKPOINT_NOT_FOUND')
    expect(await code(start('origin'))).toBe('CHECKPOINT_NOT_FOUND')
    const changed = made.session
      .memoryStream('k STRING, n INT')
      .toDF()
      .groupBy('k')
      .count()
      .writeStream.outputMode('update')
      .option('checkpointLocation', 'other')
      .option('startFrom', 'safe')
      .format('noop')
      .start()
    expect(await code(changed.awaitTermination())).toBe('CHECKPOINT_OTHER_QUERY')
  }
  await made.simulation.run(run())
})

test('what the query would clean up stays until the copy is made', async () => {
  const disk = virtualFileSystem()
  let copying: (() => void) | undefined
  let isCopying = false
  const epochsWent = new Promise<void>((resolve) => {
    copying = resolve
  })
  const files: VirtualFileSystem = {
    ...disk,
    async link(from, to) {
      if (to.startsWith('safe/')) {
        isCopying = true
        await epochsWent
      }
      return disk.link(from, to)
    },
  }
  const made = life(files, 0)
  const run = async (): Promise<void> => {
    const input = made.session.pushSource('k STRING, n INT', { name: 'pushed' })
    const query = sums(input.toDF())
      .writeStream.outputMode('update')
      .option('checkpointLocation', 'origin')
      .format('noop')
      .start()
    const push = async (): Promise<void> => {
      await input.push([{ k: 'a', n: 1 }])
      await query.processAllAvailable()
    }
    for (let n = 0; n < 10; n++) await push()
    const oldest = async (): Promise<number> => {
      const [row] = await made.session.read.format('state-metadata').load('origin').collect()
      return Number(row?.['minBatchId'])
    }
    const saved = query.savepoint('safe')
    while (!isCopying) await made.simulation.pause()
    for (let n = 0; n < 150; n++) await push()
    expect(await oldest()).toBe(-1)
    copying?.()
    expect(await saved).toMatchObject({ epoch: 9 })
    for (let n = 0; n < 5; n++) await push()
    expect(await oldest()).toBeGreaterThan(100)
    await query.stop()
  }
  await made.simulation.run(run())
  await disk.removeFolder('origin')
  const second = life(disk.kill(), 1)
  const after = async (): Promise<void> => {
    const input = second.session.pushSource('k STRING, n INT', { name: 'pushed' })
    const query = sums(input.toDF())
      .writeStream.outputMode('update')
      .option('checkpointLocation', 'branch')
      .format('noop')
      .start({ from: 'safe' })
    await query.processAllAvailable()
    // Ten rows were committed, and the journal was copied after 150 more had been accepted.
    expect(await query.state('sums').get('a')).toEqual({ total: 160n })
    await second.session.stop()
  }
  await second.simulation.run(after())
})

test.each(['its own', 'a temporary'])(
  'a savepoint that takes long holds up neither epochs nor the end of a query with %s checkpoint',
  async (kind) => {
    const disk = virtualFileSystem()
    let goOn: () => void = () => undefined
    let isCopying = false
    const mayGoOn = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const files: FileSystem = {
      ...disk,
      async link(from, to) {
        if (to.startsWith('safe/')) {
          isCopying = true
          await mayGoOn
        }
        return disk.link(from, to)
      },
    }
    const made = life(files, 0)
    const run = async (): Promise<unknown> => {
      const input = made.session.memoryStream('k STRING, n INT')
      const writer = sums(input.toDF()).writeStream.outputMode('update').format('noop')
      const query = (
        kind === 'a temporary' ? writer : writer.option('checkpointLocation', 'origin')
      ).start()
      input.addData([['a', 1]])
      await query.processAllAvailable()
      const saved = query.savepoint('safe')
      while (!isCopying) await made.simulation.pause()
      input.addData([['a', 2]])
      await query.processAllAvailable()
      expect(query.lastProgress?.batchId).toBe(1)
      await query.stop()
      expect(query.isActive).toBe(false)
      goOn()
      expect(await saved).toMatchObject({ epoch: 0 })
      await made.session.stop()
      return 'done'
    }
    expect(await made.simulation.run(run())).toBe('done')
    expect(await total(disk.kill(), 1, 0)).toBe(6n)
    // Nobody copies it any more: what was only lent is gone.
    expect(disk.allFiles().filter((path) => path.startsWith('tmp/'))).toEqual([])
  },
)

test('accepted pushes that no epoch took yet are in the savepoint', async () => {
  const files = virtualFileSystem()
  const first = life(files, 0)
  const writer = ({ session }: SimulatedSession, checkpoint: string) => {
    const input = session.pushSource('k STRING, n INT', { name: 'pushed' })
    const frame = sums(input.toDF()).writeStream.outputMode('update').format('noop')
    return { input, writer: frame.option('checkpointLocation', checkpoint) }
  }
  const before = async (): Promise<void> => {
    const { input, writer: made } = writer(first, 'origin')
    const query = made.trigger({ processingTime: '1 hour' }).start()
    await input.push([{ k: 'a', n: 1 }])
    await query.processAllAvailable()
    await input.push([{ k: 'a', n: 2 }])
    await query.savepoint('safe')
    await input.push([{ k: 'a', n: 100 }])
    await query.stop({ force: true })
  }
  await first.simulation.run(before())
  await files.removeFolder('origin')
  const second = life(files.kill(), 1)
  const after = async (): Promise<void> => {
    const { input, writer: made } = writer(second, 'branch')
    const query = made.start({ from: 'safe' })
    await query.processAllAvailable()
    await input.push([{ k: 'a', n: 4 }])
    await query.processAllAvailable()
    expect(await query.state('sums').get('a')).toEqual({ total: 7n })
    await second.session.stop()
  }
  await second.simulation.run(after())
})

test('a sink of files belongs to one query: what is started from a savepoint needs its own', async () => {
  const files = virtualFileSystem()
  const made = life(files, 0)
  const run = async (): Promise<void> => {
    const input = made.session.memoryStream('n INT')
    input.addData([[1], [2]])
    const writer = input.toDF().writeStream.format('json').option('checkpointLocation', 'origin')
    const query = writer.start('out')
    await query.processAllAvailable()
    await query.savepoint('safe')
    input.addData([[3]])
    await query.processAllAvailable()
    await query.stop()
    const branch = writer.option('checkpointLocation', 'branch')
    const same = branch.start('out', { from: 'safe' })
    expect(await code(same.awaitTermination())).toBe('SINK_IN_USE')
    const own = writer.option('checkpointLocation', 'branch-2').start('out-2', { from: 'safe' })
    await own.processAllAvailable()
    const rows = await made.session.read.schema('n INT').json('out-2').collect()
    expect(rows).toEqual([{ n: 3 }])
    await made.session.stop()
  }
  await made.simulation.run(run())
})

/** Runs a life that dies before a step of the disk, and leaves what a power cut leaves. */
async function dying(
  before: VirtualFileSystem,
  dieAt: number,
  work: (files: VirtualFileSystem) => Promise<unknown>,
): Promise<{ readonly files: VirtualFileSystem; readonly died: boolean }> {
  let died = false
  const files = before.kill({
    random: seededRandom(dieAt),
    onStep(name, number) {
      died ||= number >= dieAt
      if (died) throw new SimulatedCrash(name)
    },
  })
  await work(files).catch((thrown: unknown) => {
    if (!died) throw thrown
  })
  return { files: died ? files.crash({}) : files.kill(), died }
}

test('a start from a savepoint that dies at any step is made good by the next one', async () => {
  let crashes = 0
  for (let dieAt = 0; ; dieAt += 3) {
    const base = virtualFileSystem()
    await withSavepoint(base)
    const { files, died } = await dying(base, dieAt, async (disk) => {
      const made = life(disk, 1)
      const run = async (): Promise<void> => {
        const query = writerOf(made, 'branch').start({ from: 'safe' })
        await query.processAllAvailable()
        await made.session.stop()
      }
      await made.simulation.run(run())
    })
    expect(await total(files, 2, 2), `died before step ${dieAt}`).toBe(15n)
    if (!died) break
    crashes++
  }
  expect(crashes).toBeGreaterThan(15)
}, 60_000)

test('a savepoint that was cut short is none, and the query goes on', async () => {
  const outcomes = { none: 0, whole: 0 }
  for (let dieAt = 0; ; dieAt += 3) {
    const base = virtualFileSystem()
    const first = life(base, 0)
    const run = async (): Promise<void> => {
      await writerOf(first, 'origin').start().processAllAvailable()
      await first.session.stop()
    }
    await first.simulation.run(run())
    const { files, died } = await dying(base, dieAt, async (disk) => {
      const made = life(disk, 1)
      const again = async (): Promise<void> => {
        const query = writerOf(made, 'origin').start()
        await query.processAllAvailable()
        await query.savepoint('safe')
        await made.session.stop()
      }
      await made.simulation.run(again())
    })
    const isWhole = (await files.read('safe/savepoint')) !== undefined
    if (isWhole) expect(await total(files, 2, 1), `died before step ${dieAt}`).toBe(10n)
    else expect(await code(total(files, 2, 1))).toBe('CHECKPOINT_NOT_FOUND')
    outcomes[isWhole ? 'whole' : 'none']++
    if (!died) break
  }
  expect(outcomes.none).toBeGreaterThan(10)
  expect(outcomes.whole).toBeGreaterThan(0)
}, 60_000)

test('a savepoint does not read the log back to its beginning', async () => {
  const disk = virtualFileSystem()
  let reads = 0
  const files: FileSystem = {
    ...disk,
    readNow(path) {
      if (/^origin\/log\/\d+$/.test(path)) reads++
      return disk.readNow(path)
    },
  }
  const { session, simulation } = simulatedSession({ seed: 1, files, life: 0 })
  const run = async (): Promise<void> => {
    const input = session.memoryStream('k STRING, n INT')
    const query = sums(input.toDF())
      .writeStream.outputMode('update')
      .option('checkpointLocation', 'origin')
      .format('noop')
      .start()
    for (let n = 0; n < 20; n++) {
      input.addData([['a', n]])
      await query.processAllAvailable()
    }
    reads = 0
    await query.savepoint('safe')
    await session.stop()
  }
  await simulation.run(run())
  // The newest epoch has three entries: what was decided, its manifest, and that it is committed.
  expect(reads).toBeGreaterThan(0)
  expect(reads).toBeLessThan(8)
})
