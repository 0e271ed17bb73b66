import { StreamError } from '../src/core/error.ts'
import { type FileSystem, joinPath } from '../src/core/file-system.ts'
import type { Epoch } from '../src/core/units.ts'
import { deltaFolder, logFolder, snapshotFolder } from './checkpoint-paths.ts'
import { corrupt } from './corrupt.ts'
import type { EpochLog } from './epoch-log.ts'
import { currentlyInUse, type LockFile, type LockOptions, takeLock } from './lock-file.ts'
import { decodeLogFile, encodeLogFile, type LogFile, newerFormat } from './log-file.ts'
import { checkpointFormat, type LogEntry } from './manifest.ts'

/** What the log needs to open. */
export interface EpochLogOptions extends LockOptions {
  /** Used by a first start; later the log keeps the id that it has. */
  readonly queryId: string
  /**
   * Called under the lock before the first checkpoint is published: may put a log there that begins with
   * one, in place of what an earlier call left. Absent = the log begins empty.
   */
  readonly begin?: () => Promise<void>
}

/** The gapless log of a query on a file system, held by one attempt. */
export interface LocalEpochLog extends EpochLog {
  /** The id of the query since its first start. */
  readonly queryId: string
  /** The id of the checkpoint of an epoch that this attempt publishes, which it does once. */
  snapshotIdOf(epoch: Epoch): string
  /** Every entry not pruned, in order, those appended by this attempt included. */
  records(): readonly LogFile<LogEntry>[]
  /** Whether a newer attempt has begun, so that whatever this one finds may have changed under it. */
  isReplaced(): Promise<boolean>
  /** Forgets every entry before number `first`, which stays. Repeatable. */
  prune(first: number): Promise<void>
  /** Lets the next attempt in. The log cannot be used afterwards. */
  close(): Promise<void>
}

/**
 * Takes the lock, reads the log to its end and publishes an attempt, which fences every older one.
 * @throws StreamError `CHECKPOINT_IN_USE`, `CHECKPOINT_CORRUPT`, `CHECKPOINT_NEWER_FORMAT`
 */
export async function openEpochLog(options: EpochLogOptions): Promise<LocalEpochLog> {
  const { files, root } = options
  for (const folder of [logFolder, deltaFolder, snapshotFolder]) {
    await files.makeFolder(joinPath(root, folder))
  }
  const lock = await takeLock(options)
  try {
    const found = await readLog(files, joinPath(root, logFolder))
    const newest = found.first.number + found.records.length - 1
    if (newest < lock.lastEntryBefore) {
      throw corrupt(joinPath(root, logFolder), `entry ${lock.lastEntryBefore} is missing`)
    }
    return await beginAttempt(options, lock, await begun(options, found))
  } catch (thrown) {
    await lock.release()
    throw thrown
  }
}

/** Entries that go while they are read are met by looking again this often. */
const looks = 5

/**
 * Every entry of a log as it is now, read without its lock: its query may be running.
 * @throws StreamError `CHECKPOINT_CORRUPT`, `CHECKPOINT_NEWER_FORMAT`
 */
export async function readLogEntries(
  files: FileSystem,
  root: string,
): Promise<readonly LogEntry[]> {
  const folder = joinPath(root, logFolder)
  for (let left = looks; ; left--) {
    try {
      return (await readLog(files, folder)).records.map(({ entry }) => entry)
    } catch (thrown) {
      const isCorrupt = thrown instanceof StreamError && thrown.code === 'CHECKPOINT_CORRUPT'
      if (!isCorrupt || left === 1) throw thrown
    }
  }
}

async function begun({ files, root, begin }: EpochLogOptions, found: FoundLog): Promise<FoundLog> {
  const hasCheckpoint = found.records.some(({ entry }) => entry.type === 'manifest')
  if (begin === undefined || hasCheckpoint) return found
  await begin()
  return readLog(files, joinPath(root, logFolder))
}

/**
 * Where the log begins after older entries were deleted, in a file `log/first-<number>` of its own:
 * without it nobody could tell a pruned beginning from a lost one. A note has its number in its name
 * and the highest one counts, so that a fenced attempt that still prunes cannot turn it back.
 */
interface FirstNote {
  readonly type: 'first'
  readonly token: number
  readonly queryId: string
}

interface FoundLog {
  readonly first: { readonly number: number; readonly token: number; readonly queryId: string }
  readonly records: LogFile<LogEntry>[]
}

/** Fewer reads than this are under way at a time. */
const readsAtOnce = 32
const noNote = { number: 0, token: 0, queryId: '' }

async function readLog(files: FileSystem, folder: string): Promise<FoundLog> {
  const names = (await files.list(folder)).map(({ name }) => name)
  const first = await readFirst(files, folder, names)
  // Numbers below the first are left from a deletion that was cut short.
  const numbers = names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((number) => number >= first.number)
    .toSorted((left, right) => left - right)
  for (const [index, number] of numbers.entries()) {
    const expected = first.number + index
    if (number !== expected) throw corrupt(folder, `entry ${expected} is missing`)
  }
  if (numbers.length === 0 && first !== noNote) {
    throw corrupt(folder, `entry ${first.number} is missing`)
  }
  const records: LogFile<LogEntry>[] = []
  for (let at = 0; at < numbers.length; at += readsAtOnce) {
    const some = numbers.slice(at, at + readsAtOnce)
    records.push(...(await Promise.all(some.map((number) => readEntry(files, folder, number)))))
  }
  return { first, records }
}

async function readFirst(
  files: FileSystem,
  folder: string,
  names: readonly string[],
): Promise<FoundLog['first']> {
  const numbers = firstNumbers(names)
  if (numbers.length === 0) return noNote
  const number = Math.max(...numbers)
  const path = joinPath(folder, `first-${number}`)
  return decodeFirstNote(path, await present(files, path), number)
}

/** The beginnings that are noted in a folder; the highest one counts. */
function firstNumbers(names: readonly string[]): readonly number[] {
  return names.flatMap((name) => {
    const digits = /^first-(\d+)$/.exec(name)?.[1]
    return digits === undefined ? [] : [Number(digits)]
  })
}

/** The note on a beginning that was pruned: where the log begins now, and whose it is. */
export function decodeFirstNote(
  path: string,
  bytes: Uint8Array,
  number: number,
): FoundLog['first'] {
  const note = decodeLogFile(path, bytes, isFirstNote)
  if (note.number !== number) throw corrupt(path, `it holds the note of entry ${note.number}`)
  return { number, token: note.entry.token, queryId: note.entry.queryId }
}

async function readEntry(
  files: FileSystem,
  folder: string,
  number: number,
): Promise<LogFile<LogEntry>> {
  const path = joinPath(folder, String(number))
  return decodeLogEntry(path, await present(files, path), number)
}

/**
 * One entry of the log, which must be that of its number.
 * @throws StreamError `CHECKPOINT_CORRUPT`, `CHECKPOINT_NEWER_FORMAT`
 */
export function decodeLogEntry(path: string, bytes: Uint8Array, number: number): LogFile<LogEntry> {
  const file = decodeLogFile(path, bytes, isLogEntry)
  if (file.number !== number) throw corrupt(path, `it holds entry ${file.number}`)
  const { entry } = file
  const format =
    entry.type === 'attempt' ? entry.format : entry.type === 'manifest' ? entry.manifest.format : 0
  if (format > checkpointFormat) throw newerFormat(path, format)
  return file
}

async function present(files: FileSystem, path: string): Promise<Uint8Array> {
  const bytes = await files.read(path)
  if (bytes === undefined) throw corrupt(path, 'the file is missing')
  return bytes
}

const entryTypes: ReadonlySet<unknown> = new Set<LogEntry['type']>([
  'attempt',
  'decision',
  'manifest',
  'committed',
  'void',
])

/** The checksum held, so what was written is what was read: the tag is enough. */
function isLogEntry(found: unknown): found is LogEntry {
  return (
    typeof found === 'object' && found !== null && 'type' in found && entryTypes.has(found.type)
  )
}

function isFirstNote(found: unknown): found is FirstNote {
  return typeof found === 'object' && found !== null && 'type' in found && found.type === 'first'
}

async function beginAttempt(
  options: EpochLogOptions,
  lock: LockFile,
  found: FoundLog,
): Promise<LocalEpochLog> {
  const { clock, random } = options
  const known = found.records.flatMap(({ entry }) => (entry.type === 'attempt' ? [entry] : []))
  const token = Math.max(found.first.token, ...known.map((entry) => entry.token)) + 1
  const queryId = known[0]?.queryId ?? (found.first.queryId || options.queryId)
  const entries = found.records.map(({ entry }) => entry)
  const writer = logWriter(options, token, found)
  // A process that died may not have come to this: its entries could go in a power cut that leaves ours behind them.
  if (found.records.length > 0) await options.files.syncFolder(joinPath(options.root, logFolder))
  const attempt = random.uuid()
  const isMine = await writer.publish({
    type: 'attempt',
    token,
    attempt,
    atMs: clock.now(),
    format: checkpointFormat,
    queryId,
  })
  // Somebody began in the same moment and was faster.
  if (!isMine) throw await currentlyInUse(options)
  lock.note(writer.newest())
  await writer.sweep()
  await lock.sweep()
  let failure: unknown
  let isClosed = false
  return {
    entries,
    token,
    queryId,
    // Tokens begin anew in a copied or restored checkpoint; what a sink elsewhere keeps would fit by chance.
    snapshotIdOf: (epoch) => `${attempt}.${epoch}`,
    records: () => found.records,
    async append(entry) {
      if (isClosed)
        throw new StreamError('INTERNAL', { what: 'a closed epoch log was appended to' })
      // After a failed try nobody knows whether the entry is there: only a new attempt finds out.
      if (failure !== undefined) throw failure
      try {
        if (!(await writer.publish(entry))) throw new StreamError('FENCED', { attempt: token + 1 })
      } catch (thrown) {
        failure = thrown
        if (thrown instanceof StreamError && thrown.code === 'FENCED') lock.abandon()
        throw thrown
      }
      lock.note(writer.newest())
    },
    isReplaced: () => writer.isReplaced(),
    prune: (first) => writer.prune(first, queryId),
    async close() {
      isClosed = true
      if (failure instanceof StreamError && failure.code === 'FENCED') return
      await lock.release()
    },
  }
}

interface LogWriter {
  /** `false` if the next number is taken; then nothing was written. */
  publish(entry: LogEntry): Promise<boolean>
  isReplaced(): Promise<boolean>
  prune(first: number, queryId: string): Promise<void>
  /** Removes what crashed attempts left in the folder; while nothing is being published. */
  sweep(): Promise<void>
  newest(): number
}

function logWriter(options: EpochLogOptions, token: number, found: FoundLog): LogWriter {
  const { files, clock, random } = options
  const folder = joinPath(options.root, logFolder)
  let { number: first } = found.first
  let appending: Promise<unknown> = Promise.resolve()
  const next = (): number => first + found.records.length
  const publish = async (entry: LogEntry): Promise<boolean> => {
    const file = { number: next(), atMs: clock.now(), entry }
    const temporary = joinPath(folder, `new-${token}-${random.uuid()}`)
    await files.create(temporary, encodeLogFile(file))
    const path = joinPath(folder, String(file.number))
    const isLinked = await linkUnlessTaken(temporary, path)
    // A number that was pruned is free again: whoever slept that long finds it so, and a log that begins later.
    const isMine = isLinked && !(await beginsBehind(file.number))
    if (isLinked && !isMine) await files.remove(path)
    if (isMine) {
      await files.syncFolder(folder)
      found.records.push(file)
    }
    await files.remove(temporary)
    return isMine
  }
  const beginsBehind = async (number: number): Promise<boolean> =>
    firstNumbers((await files.list(folder)).map(({ name }) => name)).some((each) => each > number)
  const linkUnlessTaken = async (temporary: string, path: string): Promise<boolean> => {
    try {
      return await files.link(temporary, path)
    } catch (thrown) {
      // Whoever took the number may have swept our temporary file away.
      if ((await files.stat(path)) !== undefined) return false
      throw thrown
    }
  }
  return {
    async isReplaced() {
      const path = joinPath(folder, String(next()))
      const bytes = await files.read(path)
      if (bytes === undefined) return beginsBehind(next())
      // Our own entry may be there, too: the last one, of which nobody knew whether it stands.
      return decodeLogEntry(path, bytes, next()).entry.type === 'attempt'
    },
    publish(entry) {
      // One at a time, in the order of the calls: the number is taken from what was published before.
      const result = appending.then(() => publish(entry))
      appending = result.catch(() => undefined)
      return result
    },
    async prune(to, queryId) {
      if (to <= first) return
      const cut = Math.min(to, next() - 1)
      const name = joinPath(folder, `first-${cut}`)
      const temporary = joinPath(folder, `new-${token}-${random.uuid()}`)
      const note: FirstNote = { type: 'first', token, queryId }
      await files.create(temporary, encodeLogFile({ number: cut, atMs: clock.now(), entry: note }))
      await files.rename(temporary, name)
      await files.syncFolder(folder)
      const removed = found.records.splice(0, cut - first)
      const before = first
      first = cut
      for (const { number } of removed) await files.remove(joinPath(folder, String(number)))
      if (before > 0) await files.remove(joinPath(folder, `first-${before}`))
    },
    async sweep() {
      for (const { name } of await files.list(folder)) {
        const number = Number(/^(?:first-)?(\d+)$/.exec(name)?.[1] ?? Number.POSITIVE_INFINITY)
        const writer = Number(/^new-(\d+)-/.exec(name)?.[1] ?? Number.POSITIVE_INFINITY)
        if (number < first || writer <= token) await files.remove(joinPath(folder, name))
      }
    },
    newest: () => next() - 1,
  }
}
