import { type FileSystem, joinPath } from '../src/core/file-system.ts'
import type { Epoch } from '../src/core/units.ts'
import { deltaFolder, snapshotFolder, tokenOfName } from './checkpoint-paths.ts'
import type { LocalEpochLog } from './local-epoch-log.ts'
import type { LogFile } from './log-file.ts'
import type { LogEntry, Manifest } from './manifest.ts'
import { filesOfState } from './manifest-state.ts'

/** How much of the past a checkpoint keeps; whatever one of the limits keeps is kept. */
export interface RetentionLimits {
  /** Newest checkpoints that are kept in any case. */
  readonly minEpochsToRetain: number
  /** Checkpoints younger than this are kept in any case, milliseconds. */
  readonly minRetentionMs: number
}

/** What may go. */
export interface RetentionPlan {
  /** The log may begin at this number. */
  readonly firstEntry: number
  /** Files and folders below the checkpoint that only dropped entries name. */
  readonly drop: readonly string[]
}

/**
 * Which entries and files are needed no more. Kept are: every checkpoint that one of the limits keeps,
 * everything from the last committed one on, the decisions that follow the oldest checkpoint kept, and
 * every file that any entry kept names.
 */
export function planRetention(
  records: readonly LogFile<LogEntry>[],
  limits: RetentionLimits,
  nowMs: number,
): RetentionPlan {
  const first = records[0]
  const standing = standingManifests(records)
  const oldest = oldestNeeded(standing, lastCommittedEpoch(records), limits, nowMs)
  if (first === undefined || oldest === undefined) {
    return { firstEntry: first?.number ?? 0, drop: [] }
  }
  // With pipelined epochs a decision may lie before the manifest that it comes after.
  const next = records.find(
    ({ entry }) => entry.type === 'decision' && entry.epoch > oldest.manifest.epoch,
  )
  const firstEntry = Math.min(oldest.number, next?.number ?? oldest.number)
  // A file that a checkpoint let go is never named again by those that come after it: the oldest ones
  // kept speak for all. Looking at every one would take long enough for a user to notice.
  const kept = records.filter(({ number }) => number >= firstEntry && number <= oldest.number)
  const needed = filesOf(kept)
  const before = filesOf(records.filter(({ number }) => number < firstEntry))
  return { firstEntry, drop: [...before].filter((path) => !needed.has(path)) }
}

interface Standing {
  readonly number: number
  readonly atMs: number
  readonly manifest: Manifest
}

function standingManifests(records: readonly LogFile<LogEntry>[]): readonly Standing[] {
  let standing: Standing[] = []
  for (const { number, atMs, entry } of records) {
    if (entry.type === 'manifest') standing.push({ number, atMs, manifest: entry.manifest })
    if (entry.type === 'void') {
      standing = standing.filter(({ manifest }) => manifest.epoch <= entry.epoch)
    }
  }
  return standing
}

function lastCommittedEpoch(records: readonly LogFile<LogEntry>[]): Epoch | undefined {
  let last: Epoch | undefined
  for (const { entry } of records) if (entry.type === 'committed') last = entry.epoch
  return last
}

function oldestNeeded(
  standing: readonly Standing[],
  committed: Epoch | undefined,
  limits: RetentionLimits,
  nowMs: number,
): Standing | undefined {
  const firstByCount = standing.length - Math.max(1, limits.minEpochsToRetain)
  return standing.find(
    ({ atMs, manifest }, index) =>
      index >= firstByCount ||
      nowMs - atMs < limits.minRetentionMs ||
      committed === undefined ||
      manifest.epoch >= committed,
  )
}

/** What any manifest among these entries needs, those that were voided included. */
function filesOf(records: readonly LogFile<LogEntry>[]): ReadonlySet<string> {
  const paths = new Set<string>()
  for (const { entry } of records) {
    if (entry.type !== 'manifest') continue
    for (const path of filesOfState(entry.manifest.state)) paths.add(path)
  }
  return paths
}

/** A decision, a manifest and a note that it was committed. */
const entriesPerEpoch = 3

/** Where the clean-up works. */
export interface CleanUpOptions {
  readonly files: FileSystem
  /** The checkpoint folder. */
  readonly root: string
  readonly log: LocalEpochLog
  /** Entries that are dropped at a time, at least. Default 64, and not many more than are kept on purpose. */
  readonly minEntries?: number
}

/**
 * Shortens the log, then deletes what only its old entries named: a crash in between leaves files that
 * nobody names, which `removeOrphans` finds. Called after an epoch was committed; it waits until some
 * entries have gathered, as a note must be made durable each time.
 */
export async function cleanUp(
  { files, root, log, minEntries }: CleanUpOptions,
  limits: RetentionLimits,
  nowMs: number,
): Promise<void> {
  const least = minEntries ?? Math.min(64, entriesPerEpoch * limits.minEpochsToRetain)
  const records = log.records()
  const first = records[0]
  if (first === undefined || records.length < least) return
  const { firstEntry, drop } = planRetention(records, limits, nowMs)
  if (firstEntry - first.number < least) return
  await log.prune(firstEntry)
  for (const path of drop) await removeAny(files, joinPath(root, path))
}

/**
 * Deletes deltas and snapshots that older attempts wrote and no entry of the log names: they crashed
 * before they could publish them, or before they could delete them. Called once, after recovery.
 */
export async function removeOrphans({ files, root, log }: CleanUpOptions): Promise<void> {
  const named = filesOf(log.records())
  for (const folder of [deltaFolder, snapshotFolder]) {
    for (const { name } of await files.list(joinPath(root, folder))) {
      const token = tokenOfName(name)
      const isOld = token !== undefined && token < log.token
      if (isOld && !named.has(`${folder}/${name}`)) {
        await removeAny(files, joinPath(root, folder, name))
      }
    }
  }
}

async function removeAny(files: FileSystem, path: string): Promise<void> {
  if ((await files.stat(path))?.isFolder === true) await files.removeFolder(path)
  else await files.remove(path)
}
