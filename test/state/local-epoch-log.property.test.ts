import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SimulatedCrash, virtualFileSystem } from '../../properties/virtual-file-system.ts'
import { StreamError } from '../../src/core/error.ts'
import type { FileSystem } from '../../src/core/file-system.ts'
import { seededRandom } from '../../src/core/random.ts'
import { openEpochLog } from '../../state/local-epoch-log.ts'
import type { LogEntry } from '../../state/manifest.ts'
import { committed, decision, logOptions, published } from './log-kit.ts'

const script: readonly (LogEntry | { readonly prune: number })[] = [
  published(-1),
  decision(0),
  decision(1),
  published(0),
  committed(0),
  { prune: 3 },
  published(1),
  { prune: 5 },
  committed(1),
]

/** Runs the script in two attempts and tells which entries were acknowledged. */
async function run(files: FileSystem, acknowledged: LogEntry[]): Promise<void> {
  for (const part of [script.slice(0, 4), script.slice(4)]) {
    const log = await openEpochLog(logOptions(files))
    for (const step of part) {
      if ('prune' in step) await log.prune(step.prune)
      else {
        await log.append(step)
        acknowledged.push(step)
      }
    }
    await log.close()
  }
}

const written = script.filter((step) => 'type' in step)

/** What is found is the script up to some entry that was acknowledged or under way, without a pruned beginning. */
function expectPrefix(found: readonly LogEntry[], acknowledged: readonly LogEntry[]): void {
  const entries = found.filter(({ type }) => type !== 'attempt')
  const begin =
    entries[0] === undefined
      ? written.length
      : written.findIndex((entry) => same(entry, entries[0]))
  const first = entries.length === 0 ? 0 : begin
  expect(entries).toEqual(written.slice(first, first + entries.length))
  expect(first + entries.length).toBeGreaterThanOrEqual(acknowledged.length)
  expect(first + entries.length).toBeLessThanOrEqual(acknowledged.length + 1)
}

function same(left: LogEntry, right: LogEntry | undefined): boolean {
  return JSON.stringify(left) === JSON.stringify(right)
}

test('after a power cut at any step the log opens and has every acknowledged entry', async () => {
  const plain = virtualFileSystem()
  await run(plain, [])
  const total = plain.steps()
  expect(total).toBeGreaterThan(100)
  let points = 0
  for (let at = 0; at < total; at++) {
    for (const [seed, end] of [
      [at, 'crash'],
      [at + 1000, 'crash'],
      [at, 'kill'],
    ] as const) {
      const disk = virtualFileSystem({
        random: seededRandom(seed),
        onStep: (name, number) => {
          if (number === at) throw new SimulatedCrash(name)
        },
      })
      const acknowledged: LogEntry[] = []
      await expect(run(disk, acknowledged)).rejects.toThrow(SimulatedCrash)
      const found = end === 'crash' ? disk.crash() : disk.kill()
      const log = await openEpochLog(logOptions(found))
      expectPrefix(log.entries, acknowledged)
      await log.append(decision(7))
      await log.close()
      const left = found.allFiles().filter((path) => /lock\.|new-/.test(path))
      expect(left).toEqual([])
      points++
    }
  }
  expect(points).toBe(3 * total)
})

test('after a process was killed, a power cut while the next one begins leaves no gap', async () => {
  const plain = virtualFileSystem()
  const named: number[] = []
  await run(
    virtualFileSystem({
      onStep: (name, number) => {
        if (/^(?:sync folder|link|rename) /.test(name)) named.push(number)
      },
    }),
    [],
  )
  await run(plain, [])
  expect(named.length).toBeGreaterThan(20)
  let points = 0
  for (const at of named) {
    const acknowledged: LogEntry[] = []
    const killed = virtualFileSystem({
      onStep: (name, number) => {
        if (number === at) throw new SimulatedCrash(name)
      },
    })
    await expect(run(killed, acknowledged)).rejects.toThrow(SimulatedCrash)
    for (let step = 0, isOver = false; !isOver; step++) {
      for (const seed of [1, 2, 3, 4]) {
        const disk = killed.twin().kill({
          random: seededRandom(1_000 * step + seed),
          onStep: (name, number) => {
            if (number === step) throw new SimulatedCrash(name)
          },
        })
        const opened = await openEpochLog(logOptions(disk)).then(
          () => true,
          (thrown: unknown) => {
            expect(thrown).toBeInstanceOf(SimulatedCrash)
            return false
          },
        )
        isOver ||= opened
        const log = await openEpochLog(logOptions(disk.crash()))
        expectPrefix(log.entries, acknowledged)
        points++
      }
    }
  }
  expect(points).toBeGreaterThan(1_000)
})

test('a medium error at any step leaves a log that the next attempt opens', async () => {
  const plain = virtualFileSystem()
  await run(plain, [])
  for (let at = 0; at < plain.steps(); at++) {
    const disk = virtualFileSystem({
      fault: (_, number) => (number === at ? (at % 2 === 0 ? 'ENOSPC' : 'EIO') : undefined),
    })
    const acknowledged: LogEntry[] = []
    // An error in the clean-up after the last entry may go unnoticed by the script.
    const outcome = await run(disk, acknowledged).catch((thrown: unknown) => thrown)
    if (outcome !== undefined) expect(outcome).toBeInstanceOf(StreamError)
    // The failed attempt may still be registered as a holder of this object; the next process is not.
    const log = await openEpochLog(logOptions(disk.kill()))
    expectPrefix(log.entries, acknowledged)
  }
})

test('attempts that append at the same time: the log has one history and the loser stops', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { minLength: 2, maxLength: 20 }), async (turns) => {
      const files = virtualFileSystem()
      // The second opener sees a disk of its own process, on which the first one is not alive.
      const older = await openEpochLog(logOptions({ ...files }))
      const newer = await openEpochLog(logOptions({ ...files }))
      const done = turns.map((isNewer, index) =>
        (isNewer ? newer : older).append(decision(index)).then(
          () => isNewer,
          (thrown: unknown) => {
            expect(thrown).toMatchObject({ code: 'FENCED' })
            expect(isNewer).toBe(false)
            return undefined
          },
        ),
      )
      await Promise.all(done)
      const reader = await openEpochLog(logOptions({ ...files }))
      const expected = turns.flatMap((isNewer, index) => (isNewer ? [decision(index)] : []))
      expect(reader.entries.filter(({ type }) => type === 'decision')).toEqual(expected)
    }),
    { numRuns: 50 },
  )
})
