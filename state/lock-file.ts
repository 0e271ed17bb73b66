import type { Clock } from '../src/core/clock.ts'
import { StreamError } from '../src/core/error.ts'
import { type FileSystem, joinPath } from '../src/core/file-system.ts'
import type { ProcessInfo, ProcessName } from '../src/core/process-info.ts'
import type { Random } from '../src/core/random.ts'

/** What the lock file says: who works on the checkpoint, and since when nobody heard of it. */
interface Holder extends ProcessName {
  readonly holder: string
  readonly startedAtMs: number
  readonly heartbeatMs: number
  /** The newest log entry the holder knows to be durable: a log that ends before it was cut. */
  readonly lastEntry: number
  readonly released: boolean
}

/** What a lock needs. */
export interface LockOptions {
  readonly files: FileSystem
  /** The checkpoint folder. */
  readonly root: string
  readonly clock: Clock
  readonly random: Random
  readonly processInfo: ProcessInfo
  /** A holder not heard of for longer than this has lost the lock, milliseconds. */
  readonly lockLeaseMs: number
}

/** A held lock. It only spares users a fight: that two never publish the same is up to the log. */
export interface LockFile {
  /** The newest log entry that some earlier holder knew; −1 without one. */
  readonly lastEntryBefore: number
  /** Tells the heartbeat how far the log is known to be durable. */
  note(lastEntry: number): void
  /** Removes what crashed holders left beside the file. */
  sweep(): Promise<void>
  /** Stops the heartbeat and leaves the file to the one who took over. */
  abandon(): void
  /** Stops the heartbeat and lets the next one in at once. */
  release(): Promise<void>
}

/**
 * Takes the lock of a checkpoint, or says who holds it.
 * @throws StreamError `CHECKPOINT_IN_USE`
 */
export async function takeLock(options: LockOptions): Promise<LockFile> {
  const path = joinPath(options.root, 'lock')
  const registry = heldBy(options.files)
  if (registry.has(path)) throw await currentlyInUse(options)
  registry.add(path)
  try {
    const mine: Holder = {
      pid: options.processInfo.pid,
      startTime: options.processInfo.startTime,
      bootId: options.processInfo.bootId,
      holder: options.random.uuid(),
      startedAtMs: options.clock.now(),
      heartbeatMs: options.clock.now(),
      lastEntry: -1,
      released: false,
    }
    const lastEntry = await claim(options, path, mine)
    return beat(options, path, { ...mine, lastEntry }, () => registry.delete(path))
  } catch (thrown) {
    registry.delete(path)
    throw thrown
  }
}

/** The error for a checkpoint that somebody else holds. */
export async function currentlyInUse(
  options: LockOptions,
): Promise<StreamError<'CHECKPOINT_IN_USE'>> {
  return inUse(options, await readHolder(options.files, joinPath(options.root, 'lock')))
}

/** Locks of this process: asking the file would find ourselves alive. */
const registries = new WeakMap<FileSystem, Set<string>>()

function heldBy(files: FileSystem): Set<string> {
  const known = registries.get(files) ?? new Set<string>()
  registries.set(files, known)
  return known
}

/** Puts a first lock file in place, or replaces one whose holder is gone; gives what that one knew. */
async function claim(options: LockOptions, path: string, mine: Holder): Promise<number> {
  const { files } = options
  const before = await readHolder(files, path)
  if (before !== undefined && !(await isGone(options, before))) throw inUse(options, before)
  const lastEntry = before?.lastEntry ?? -1
  const temporary = `${path}.${mine.holder}`
  await files.create(temporary, encode({ ...mine, lastEntry }))
  try {
    if (before !== undefined) {
      await files.rename(temporary, path)
      return lastEntry
    }
    const isFirst = await files.link(temporary, path)
    await files.remove(temporary)
    // Two first starts at the same moment: the link decides.
    if (isFirst) return lastEntry
  } catch (thrown) {
    if (!(await isTaken(options, [before?.holder, mine.holder]))) throw thrown
  }
  throw await currentlyInUse(options)
}

/** Whether somebody else holds the lock by now, who has swept away what others were about to put in its place. */
async function isTaken(
  { files, root }: LockOptions,
  known: readonly (string | undefined)[],
): Promise<boolean> {
  const found = await readHolder(files, joinPath(root, 'lock'))
  return found !== undefined && !known.includes(found.holder)
}

async function isGone(options: LockOptions, holder: Holder): Promise<boolean> {
  if (holder.released) return true
  const { processInfo, clock, lockLeaseMs } = options
  const sameBoot = processInfo.bootId !== '' && holder.bootId === processInfo.bootId
  if (sameBoot && !(await processInfo.isAlive(holder))) return true
  // A heartbeat from the future is no better than an old one: the clock was set back.
  return Math.abs(clock.now() - holder.heartbeatMs) > lockLeaseMs
}

function beat(options: LockOptions, path: string, mine: Holder, forget: () => void): LockFile {
  const { files, clock, lockLeaseMs } = options
  const temporary = `${path}.${mine.holder}`
  let lastEntry = mine.lastEntry
  let isActive = true
  let writing = Promise.resolve()
  const write = async (released: boolean): Promise<void> => {
    const heartbeatMs = clock.now()
    await files.remove(temporary)
    await files.create(temporary, encode({ ...mine, lastEntry, heartbeatMs, released }))
    await files.rename(temporary, path)
  }
  /** Whoever took over while this process was stopped keeps the file. */
  const beatOnce = async (): Promise<void> => {
    if (await isTaken(options, [mine.holder, nobody.holder])) return
    await write(false)
    schedule()
  }
  let cancel = (): void => undefined
  const schedule = (): void => {
    if (!isActive) return
    const next = (): void => {
      // A beat that cannot be written is missed, no more: the log still fences whoever takes over.
      writing = beatOnce().catch(schedule)
    }
    cancel = clock.after(lockLeaseMs / 4, next, { background: true })
  }
  const stop = (): void => {
    isActive = false
    cancel()
    forget()
  }
  schedule()
  return {
    lastEntryBefore: mine.lastEntry,
    note(entry) {
      lastEntry = entry
    },
    async sweep() {
      for (const { name } of await files.list(options.root)) {
        const isLeft = name.startsWith('lock.') && name !== `lock.${mine.holder}`
        if (isLeft) await files.remove(joinPath(options.root, name))
      }
    },
    abandon: stop,
    async release() {
      stop()
      await writing
      const found = await readHolder(files, path)
      if (found?.holder !== mine.holder) return
      try {
        await write(true)
      } catch (thrown) {
        if (!(await isTaken(options, [mine.holder]))) throw thrown
      }
    },
  }
}

function encode(holder: Holder): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(holder)}\n`)
}

/** A lock file that cannot be read was cut by a power failure: nobody holds it, and it is replaced. */
async function readHolder(files: FileSystem, path: string): Promise<Holder | undefined> {
  const bytes = await files.read(path)
  if (bytes === undefined) return undefined
  const found = parse(new TextDecoder().decode(bytes))
  return isHolder(found) ? found : nobody
}

const nobody: Holder = {
  pid: 0,
  startTime: '',
  bootId: '',
  holder: '',
  startedAtMs: 0,
  heartbeatMs: 0,
  lastEntry: -1,
  released: true,
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isHolder(found: unknown): found is Holder {
  if (typeof found !== 'object' || found === null) return false
  const fields = new Map<string, unknown>(Object.entries(found))
  return Object.entries(nobody).every(([name, value]) => typeof fields.get(name) === typeof value)
}

function inUse(options: LockOptions, holder: Holder | undefined): StreamError<'CHECKPOINT_IN_USE'> {
  const { pid, startedAtMs, heartbeatMs } = holder ?? nobody
  return new StreamError('CHECKPOINT_IN_USE', {
    path: options.root,
    pid,
    startedAt: new Date(startedAtMs).toISOString(),
    heartbeatAgeMs: Math.max(0, options.clock.now() - heartbeatMs),
  })
}
