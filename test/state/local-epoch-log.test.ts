import { expect, test } from 'vitest'
import { type VirtualFileSystem, virtualFileSystem } from '../../properties/virtual-file-system.ts'
import { StreamError } from '../../src/core/error.ts'
import { nodeFileSystem } from '../../src/core/node-file-system.ts'
import { nodeProcessInfo } from '../../src/core/node-process-info.ts'
import { openEpochLog } from '../../state/local-epoch-log.ts'
import { handClock } from './hand-clock.ts'
import { committed, decision, fakeProcess, logOptions, published } from './log-kit.ts'

async function codeOf(run: Promise<unknown>): Promise<string> {
  try {
    await run
  } catch (thrown) {
    if (thrown instanceof StreamError) return thrown.code
    throw thrown
  }
  return 'no error'
}

const utf8 = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

test('a second attempt reads what the first one published, and has a larger token', async () => {
  const files = virtualFileSystem()
  const first = await openEpochLog(logOptions(files))
  await first.append(published(-1))
  await first.append(decision(0))
  await first.close()
  const second = await openEpochLog(logOptions(files, { queryId: 'other' }))
  expect(second.entries.slice(1)).toEqual([published(-1), decision(0)])
  expect(second.entries[0]).toMatchObject({ type: 'attempt', token: 1 })
  expect(second.token).toBe(2)
  expect(second.queryId).toBe('query')
})

test('an entry is one line of JSON that a person can read', async () => {
  const files = virtualFileSystem()
  const log = await openEpochLog(logOptions(files))
  await log.append(committed(3))
  const text = utf8((await files.read('checkpoint/log/1')) ?? new Uint8Array())
  expect(text.endsWith('\n')).toBe(true)
  expect(JSON.parse(text)).toMatchObject({ format: 1, number: 1, entry: committed(3) })
})

/** An attempt that slept past its lease, and the one that has taken its place. */
async function replaced(files: VirtualFileSystem) {
  const clock = handClock()
  // A clock of its own, as a stopped process has: its timers do not run.
  const asleep = handClock()
  const zombie = await openEpochLog(logOptions(files, { clock: asleep }))
  await zombie.append(published(-1))
  await clock.advance(20_000)
  const next = await openEpochLog(
    logOptions(virtualSibling(files), { clock, processInfo: fakeProcess(2, () => true) }),
  )
  return { zombie, next, clock, asleep }
}

const filesOfLog = (files: VirtualFileSystem): string[] =>
  files.allFiles().filter((path) => path.startsWith('checkpoint/log/'))

test('an attempt that was replaced is fenced: it publishes nothing more', async () => {
  const files = virtualFileSystem()
  const { zombie, next, clock } = await replaced(files)
  const before = filesOfLog(files)
  expect(await codeOf(zombie.append(decision(0)))).toBe('FENCED')
  expect(await codeOf(zombie.append(decision(0)))).toBe('FENCED')
  expect(filesOfLog(files)).toEqual(before)
  await next.append(decision(0))
  await zombie.close()
  expect(
    await codeOf(
      openEpochLog(
        logOptions(virtualSibling(files), { clock, processInfo: fakeProcess(3, () => true) }),
      ),
    ),
  ).toBe('CHECKPOINT_IN_USE')
})

test('an attempt knows whether a newer one has begun, also once the log begins behind it', async () => {
  const files = virtualFileSystem()
  const { zombie, next } = await replaced(files)
  expect([await zombie.isReplaced(), await next.isReplaced()]).toEqual([true, false])
  for (const epoch of [0, 1, 2]) await next.append(decision(epoch))
  await next.prune(4)
  expect([await zombie.isReplaced(), await next.isReplaced()]).toEqual([true, false])
})

test('an entry of its own of which nobody knows whether it stands is nobody else', async () => {
  const files = virtualFileSystem()
  let isBroken = false
  const log = await openEpochLog(
    logOptions({
      ...files,
      async syncFolder(path) {
        if (isBroken) throw new StreamError('IO_ERROR', { operation: 'sync', path, why: 'EIO' })
        await files.syncFolder(path)
      },
    }),
  )
  isBroken = true
  expect(await codeOf(log.append(published(-1)))).toBe('IO_ERROR')
  expect(await files.read('checkpoint/log/1')).toBeDefined()
  expect(await log.isReplaced()).toBe(false)
})

test('the heartbeat of an attempt that was replaced does not take the lock back', async () => {
  const files = virtualFileSystem()
  const { zombie, clock, asleep } = await replaced(files)
  await asleep.advance(20_000)
  const third = logOptions(virtualSibling(files), {
    clock,
    processInfo: fakeProcess(3, () => true),
  })
  const holder = { code: 'CHECKPOINT_IN_USE', details: { pid: 2 } }
  await expect(openEpochLog(third)).rejects.toMatchObject(holder)
  expect(asleep.waiting()).toBe(0)
  await zombie.close()
  await expect(openEpochLog(third)).rejects.toMatchObject(holder)
})

test('an attempt that slept until its numbers were pruned is fenced, though they are free', async () => {
  for (const prunedTo of [2, 3, 4, 5]) {
    const files = virtualFileSystem()
    const { zombie, next, clock } = await replaced(files)
    for (const epoch of [0, 1, 2]) await next.append(decision(epoch))
    await next.prune(prunedTo)
    const before = filesOfLog(files)
    expect(await codeOf(zombie.append(decision(9)))).toBe('FENCED')
    expect(filesOfLog(files)).toEqual(before)
    await next.append(decision(3))
    await next.close()
    const last = await openEpochLog(logOptions(virtualSibling(files), { clock }))
    const all = [decision(0), decision(1), decision(2), decision(3)]
    expect(last.entries.filter(({ type }) => type === 'decision')).toEqual(
      all.slice(Math.max(0, prunedTo - 3)),
    )
  }
})

/** The same disk seen by another process, that is with a registry of its own. */
function virtualSibling(files: VirtualFileSystem): VirtualFileSystem {
  return { ...files }
}

test('inside one process the second opener is refused at once', async () => {
  const files = virtualFileSystem()
  const log = await openEpochLog(logOptions(files))
  expect(await codeOf(openEpochLog(logOptions(files)))).toBe('CHECKPOINT_IN_USE')
  await log.close()
  expect(await codeOf(openEpochLog(logOptions(files)))).toBe('no error')
})

test('a live holder of the same boot keeps the checkpoint, and the error names it', async () => {
  const files = virtualFileSystem()
  await openEpochLog(logOptions(files, { processInfo: fakeProcess(41) }))
  const other = logOptions(virtualSibling(files), { processInfo: fakeProcess(42, () => true) })
  await expect(openEpochLog(other)).rejects.toMatchObject({
    code: 'CHECKPOINT_IN_USE',
    details: { path: 'checkpoint', pid: 41, heartbeatAgeMs: 0 },
  })
})

test('a holder whose process is gone is replaced at once, one of another boot after its lease', async () => {
  const files = virtualFileSystem()
  await openEpochLog(logOptions(files, { processInfo: fakeProcess(41) }))
  const gone = fakeProcess(42, (other) => other.pid !== 41)
  await openEpochLog(logOptions(virtualSibling(files), { processInfo: gone }))
  const elsewhere = { ...fakeProcess(43), bootId: 'another' }
  const clock = handClock()
  const third = logOptions(virtualSibling(files), { processInfo: elsewhere, clock })
  expect(await codeOf(openEpochLog(third))).toBe('CHECKPOINT_IN_USE')
  await clock.advance(10_001)
  expect(await codeOf(openEpochLog(third))).toBe('no error')
})

test('a heartbeat keeps the lock of a holder that another machine cannot see', async () => {
  const files = virtualFileSystem()
  const clock = handClock()
  const log = await openEpochLog(logOptions(files, { clock }))
  const elsewhere = { ...fakeProcess(43), bootId: 'another' }
  await clock.advance(60_000)
  const other = logOptions(virtualSibling(files), { clock, processInfo: elsewhere })
  expect(await codeOf(openEpochLog(other))).toBe('CHECKPOINT_IN_USE')
  await log.close()
  expect(clock.waiting()).toBe(0)
  expect(await codeOf(openEpochLog(other))).toBe('no error')
})

test('of several openers at the same moment one wins', async () => {
  for (let count = 2; count < 6; count++) {
    const files = virtualFileSystem()
    const opened = Array.from({ length: count }, (_, index) =>
      codeOf(
        openEpochLog(
          logOptions(virtualSibling(files), { processInfo: fakeProcess(index + 1, () => true) }),
        ),
      ),
    )
    const codes = (await Promise.all(opened)).toSorted()
    expect(codes).toEqual([
      ...Array.from({ length: count - 1 }, () => 'CHECKPOINT_IN_USE'),
      'no error',
    ])
  }
})

/** The disk as a process sees it that is slow just before it puts its file in place of the lock. */
function slowToLock(
  files: VirtualFileSystem,
  meanwhile: () => Promise<unknown>,
): VirtualFileSystem {
  const first = async (path: string): Promise<void> => {
    if (path.startsWith('checkpoint/lock.')) await meanwhile()
  }
  return {
    ...files,
    link: async (from, to) => first(from).then(() => files.link(from, to)),
    rename: async (from, to) => first(from).then(() => files.rename(from, to)),
  }
}

const inUseBy = (pid: number) => ({ code: 'CHECKPOINT_IN_USE', details: { pid } })

test('whoever is slower to take a lock is told who was faster and swept its file away', async () => {
  for (const isFirst of [true, false]) {
    const files = virtualFileSystem()
    if (!isFirst) await openEpochLog(logOptions(files, { processInfo: fakeProcess(1) }))
    const isAlive = ({ pid }: { readonly pid: number }) => pid > 1
    const faster = logOptions(virtualSibling(files), { processInfo: fakeProcess(2, isAlive) })
    const slower = logOptions(
      slowToLock(files, () => openEpochLog(faster)),
      { processInfo: fakeProcess(3, isAlive) },
    )
    await expect(openEpochLog(slower)).rejects.toMatchObject(inUseBy(2))
  }
})

test('whoever is slow to release a lock leaves it to the one that has taken it over', async () => {
  const files = virtualFileSystem()
  const clock = handClock()
  const next = logOptions(virtualSibling(files), { clock, processInfo: fakeProcess(2) })
  let isClosing = false
  const slow = slowToLock(files, async () => {
    if (isClosing) await openEpochLog(next)
  })
  const log = await openEpochLog(logOptions(slow))
  await clock.advance(20_000)
  isClosing = true
  await log.close()
  const third = logOptions(virtualSibling(files), {
    clock,
    processInfo: fakeProcess(3, () => true),
  })
  await expect(openEpochLog(third)).rejects.toMatchObject(inUseBy(2))
})

test('a lock that cannot be put in place is an error of the disk, if nobody else has it', async () => {
  for (const isFirst of [true, false]) {
    const files = virtualFileSystem()
    if (!isFirst) await openEpochLog(logOptions(files))
    const broken = slowToLock(files, () =>
      Promise.reject(
        new StreamError('IO_ERROR', { operation: 'rename', path: 'lock', why: 'EIO' }),
      ),
    )
    expect(await codeOf(openEpochLog(logOptions(broken)))).toBe('IO_ERROR')
  }
})

test('a pruned log begins where its note says, and a lost file is still noticed', async () => {
  const files = virtualFileSystem()
  const log = await openEpochLog(logOptions(files))
  for (const entry of [published(-1), decision(0), published(0), committed(0)]) {
    await log.append(entry)
  }
  await log.prune(3)
  await log.prune(2)
  expect(log.records().map(({ number }) => number)).toEqual([3, 4])
  await log.append(decision(1))
  await log.close()
  const kept = files.allFiles().filter((path) => path.startsWith('checkpoint/log/'))
  expect(kept).toEqual(
    ['first-3', '3', '4', '5'].map((name) => `checkpoint/log/${name}`).toSorted(),
  )
  const second = await openEpochLog(logOptions(files))
  expect(second.entries).toEqual([published(0), committed(0), decision(1)])
  expect(second.token).toBe(2)
  expect(second.queryId).toBe('query')
  await second.close()
  files.tamper('checkpoint/log/3', () => undefined)
  expect(await codeOf(openEpochLog(logOptions(files)))).toBe('CHECKPOINT_CORRUPT')
})

test('every deleted, cut, changed or swapped file of the log is refused', async () => {
  const build = async (): Promise<VirtualFileSystem> => {
    const files = virtualFileSystem()
    const log = await openEpochLog(logOptions(files))
    for (const entry of [published(-1), decision(0), published(0), committed(0), decision(1)]) {
      await log.append(entry)
    }
    await log.prune(2)
    await log.close()
    return files
  }
  const names = (await build()).allFiles().filter((path) => path.startsWith('checkpoint/log/'))
  expect(names.length).toBe(5)
  let seen = 0
  for (const name of names) {
    const length = ((await (await build()).read(name)) ?? []).length
    const changes: ((bytes: Uint8Array) => Uint8Array | undefined)[] = [
      () => undefined,
      (bytes) => bytes.subarray(0, bytes.length >>> 1),
      () => new Uint8Array(),
    ]
    for (let at = 0; at < length; at += 5) {
      changes.push((bytes) => bytes.map((byte, index) => (index === at ? byte ^ 1 : byte)))
    }
    for (const change of changes) {
      const files = await build()
      files.tamper(name, change)
      expect(await codeOf(openEpochLog(logOptions(files)))).toMatch(
        /^CHECKPOINT_(CORRUPT|NEWER_FORMAT)$/,
      )
      seen++
    }
  }
  expect(seen).toBeGreaterThan(100)
  // Without the lock file nobody knows how far the log went, but a gap is still a gap.
  const gap = await build()
  gap.tamper('checkpoint/lock', () => undefined)
  gap.tamper('checkpoint/log/3', () => undefined)
  expect(await codeOf(openEpochLog(logOptions(gap)))).toBe('CHECKPOINT_CORRUPT')
  const swapped = await build()
  const [four, three] = [
    await swapped.read('checkpoint/log/4'),
    await swapped.read('checkpoint/log/3'),
  ]
  swapped.tamper('checkpoint/log/3', () => four)
  swapped.tamper('checkpoint/log/4', () => three)
  expect(await codeOf(openEpochLog(logOptions(swapped)))).toBe('CHECKPOINT_CORRUPT')
})

test('after an append of which nobody knows whether it stands, the log takes nothing more', async () => {
  let isFailing = false
  const files = virtualFileSystem({
    fault: (name) => (isFailing && name.startsWith('sync folder') ? 'EIO' : undefined),
  })
  const log = await openEpochLog(logOptions(files))
  isFailing = true
  expect(await codeOf(log.append(published(-1)))).toBe('IO_ERROR')
  isFailing = false
  expect(await codeOf(log.append(decision(0)))).toBe('IO_ERROR')
  await log.close()
  const next = await openEpochLog(logOptions(files))
  expect(next.entries.slice(1)).toEqual([published(-1)])
})

test('a checkpoint of a newer version is refused as such', async () => {
  const files = virtualFileSystem()
  const log = await openEpochLog(logOptions(files))
  await log.close()
  files.tamper('checkpoint/log/0', () =>
    new TextEncoder().encode('{"format":2,"else":"unknown"}\n'),
  )
  expect(await codeOf(openEpochLog(logOptions(files)))).toBe('CHECKPOINT_NEWER_FORMAT')
})

test('on real files: two processes cannot hold one checkpoint, a dead one can be replaced', async () => {
  const files = nodeFileSystem()
  const self = await nodeProcessInfo(files)
  expect(await self.isAlive(self)).toBe(true)
  expect(await self.isAlive({ ...self, startTime: `${self.startTime}1` })).toBe(
    self.startTime === '',
  )
  expect(await self.isAlive({ ...self, pid: 2 ** 22 + 1 })).toBe(false)
})
