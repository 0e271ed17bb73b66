import { StreamError } from '../src/core/error.ts'
import { type FileSystem, joinPath } from '../src/core/file-system.ts'
import { type Epoch, initialEpoch } from '../src/core/units.ts'
import { logFolder } from './checkpoint-paths.ts'
import { corrupt } from './corrupt.ts'
import { decodeFirstNote, decodeLogEntry, readLogEntries } from './local-epoch-log.ts'
import type { LogFile } from './log-file.ts'
import type { LogEntry, Manifest } from './manifest.ts'
import { planRecovery, type RecoveryPlan } from './recovery.ts'

/** A committed checkpoint with its place in the log. */
export interface FoundManifest {
  /** The number of its entry: while the log begins at or before it, its files are kept. */
  readonly number: number
  /** When it was published, by the clock of its writer. */
  readonly atMs: number
  readonly manifest: Manifest
}

/** Which committed epochs a checkpoint holds, both ends included. */
export interface RetainedEpochs {
  readonly first: Epoch
  readonly last: Epoch
}

/**
 * A checkpoint as it lies there, read without its lock: its query may be running, and may commit and let
 * go of old epochs meanwhile. Every call looks anew, newest entries first, and keeps the process waiting.
 */
export interface CheckpointReader {
  readonly root: string
  /** The newest committed epoch. @throws StreamError `CHECKPOINT_NOT_FOUND` */
  committed(): FoundManifest
  /** What a restart would do first; nobody waits meanwhile. @throws StreamError `CHECKPOINT_NOT_FOUND` */
  recovery(): Promise<RecoveryPlan & { readonly manifest: Manifest }>
  /** A committed epoch. @throws StreamError `CHECKPOINT_NOT_FOUND`, `EPOCH_NOT_RETAINED` */
  at(epoch: number): FoundManifest
  /** @throws StreamError `CHECKPOINT_NOT_FOUND` */
  retained(): RetainedEpochs
  /** The id of the query, and its newest attempt. @throws StreamError `CHECKPOINT_NOT_FOUND` */
  owner(): { readonly queryId: string; readonly token: number }
  /** Whether the files of a checkpoint that was found are still promised to be there. */
  isRetained(found: FoundManifest): boolean
}

/** Entries that go while they are read are met by looking again this often. */
const looks = 5

/** A reader of the checkpoint in a folder; nothing is read before it is asked. */
export function checkpointReader(files: FileSystem, root: string): CheckpointReader {
  /** What `find` finds in the log as it is now; again when an entry went meanwhile. */
  const look = <T>(find: (log: LogNow) => T): T => {
    for (let left = looks; left > 0; left--) {
      try {
        return find(logNow(files, root))
      } catch (thrown) {
        if (thrown !== gone) throw thrown
      }
    }
    throw corrupt(joinPath(root, logFolder), 'its entries go faster than they can be read')
  }
  return {
    root,
    committed: () => look((log) => newestCommitted(root, log)),
    async recovery() {
      const plan = planRecovery(await readLogEntries(files, root))
      const { manifest } = plan
      if (manifest === undefined) throw notFound(root, 'its query has never begun')
      return { ...plan, manifest }
    },
    retained: () => look((log) => retainedIn(log, newestCommitted(root, log))),

    at: (epoch) =>
      look((log) => {
        const newest = newestCommitted(root, log)
        const { first, last } = retainedIn(log, newest)
        const isThere = epoch >= first && epoch <= last
        const found = isThere ? findManifest(log, newest, epoch) : undefined
        if (found !== undefined) return found
        const what = `the checkpoint holds epochs ${first} to ${last}`
        throw new StreamError('EPOCH_NOT_RETAINED', { epoch, path: root, what })
      }),

    owner: () =>
      look((log) => {
        for (const number of log.newestFirst()) {
          const { entry } = log.read(number)
          if (entry.type === 'attempt') return { queryId: entry.queryId, token: entry.token }
        }
        return log.first()
      }),

    isRetained({ number }) {
      const [oldest] = logNow(files, root).numbers
      return oldest !== undefined && oldest <= number
    },
  }
}

/** Thrown where an entry was deleted since its number was listed. */
const gone = Symbol('gone')

/** The log at one moment: its numbers are known, its entries are read when they are asked for. */
interface LogNow {
  /** Ascending. */
  readonly numbers: readonly number[]
  newestFirst(): readonly number[]
  read(number: number): LogFile<LogEntry>
  /** What the note on the pruned beginning says. */
  first(): { readonly queryId: string; readonly token: number }
}

function logNow(files: FileSystem, root: string): LogNow {
  const folder = joinPath(root, logFolder)
  const names = files.listNow(folder)
  const begins = Math.max(0, ...names.flatMap((name) => numberIn(/^first-(\d+)$/, name)))
  const numbers = names
    .flatMap((name) => numberIn(/^(\d+)$/, name))
    .filter((number) => number >= begins)
    .toSorted((left, right) => left - right)
  if (numbers.length === 0) throw notFound(root, 'it has no log')
  const bytesOf = (path: string): Uint8Array => {
    const bytes = files.readNow(path)
    if (bytes === undefined) throw gone
    return bytes
  }
  return {
    numbers,
    newestFirst: () => numbers.toReversed(),
    read(number) {
      const path = joinPath(folder, String(number))
      return decodeLogEntry(path, bytesOf(path), number)
    },
    first() {
      const path = joinPath(folder, `first-${begins}`)
      return decodeFirstNote(path, bytesOf(path), begins)
    },
  }
}

/** What was noted as committed is never taken back; before the first note the initial checkpoint stands. */
function newestCommitted(root: string, log: LogNow): FoundManifest {
  let snapshotId: string | undefined
  for (const number of log.newestFirst()) {
    const { atMs, entry } = log.read(number)
    if (entry.type === 'committed') snapshotId ??= entry.snapshotId
    if (entry.type !== 'manifest') continue
    const { manifest } = entry
    const isInitial = snapshotId === undefined && manifest.epoch === initialEpoch
    if (isInitial || manifest.snapshotId === snapshotId) return { number, atMs, manifest }
  }
  throw notFound(root, 'no epoch was committed yet')
}

function retainedIn(log: LogNow, newest: FoundManifest): RetainedEpochs {
  const last = newest.manifest.epoch
  for (const number of log.numbers) {
    const { entry } = log.read(number)
    if (entry.type === 'manifest') return { first: entry.manifest.epoch, last }
  }
  return { first: last, last }
}

/**
 * A committed epoch: of several manifests under its number the newest, as the others were taken back. Every
 * epoch has an entry at least, so the way back is gone in strides.
 */
function findManifest(log: LogNow, from: FoundManifest, epoch: number): FoundManifest | undefined {
  let found = from
  while (found.manifest.epoch !== epoch) {
    const last = found.number - (found.manifest.epoch - epoch)
    const next = manifestAtOrBefore(log, last)
    if (next === undefined || next.manifest.epoch < epoch) return undefined
    found = next
  }
  return found
}

function manifestAtOrBefore(log: LogNow, last: number): FoundManifest | undefined {
  const [first = 0] = log.numbers
  for (let number = last; number >= first; number--) {
    const { atMs, entry } = log.read(number)
    if (entry.type === 'manifest') return { number, atMs, manifest: entry.manifest }
  }
  return undefined
}

function numberIn(pattern: RegExp, name: string): readonly number[] {
  const digits = pattern.exec(name)?.[1]
  return digits === undefined ? [] : [Number(digits)]
}

function notFound(path: string, what: string): StreamError<'CHECKPOINT_NOT_FOUND'> {
  return new StreamError('CHECKPOINT_NOT_FOUND', { path, what })
}
