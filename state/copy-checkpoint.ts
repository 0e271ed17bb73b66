import { StreamError } from '../src/core/error.ts'
import { type FileSystem, folderOf, joinPath } from '../src/core/file-system.ts'
import { logFolder } from './checkpoint-paths.ts'
import type { FoundManifest } from './checkpoint-reader.ts'
import { corrupt } from './corrupt.ts'
import { encodeLogFile } from './log-file.ts'
import { checkpointFormat, type LogEntry, type Manifest } from './manifest.ts'
import { filesOfState } from './manifest-state.ts'

/** The folder in which sources keep what they need to read again. */
const sourcesFolder = 'sources'
/** Says that a folder holds a whole savepoint: written last. */
const noteName = 'savepoint'

/** One committed epoch of a checkpoint, to be copied. */
export interface CheckpointCopy {
  readonly files: FileSystem
  readonly from: string
  readonly to: string
  readonly found: FoundManifest
  /** Whose the copy is. */
  readonly queryId: string
  /** No attempt on the copy may have this token or a smaller one: it is in the names of the files. */
  readonly token: number
  /** What its sinks committed; a query of its own has committed nothing. */
  readonly committables: Manifest['committables']
}

/**
 * Copies an epoch with everything that it needs, files linked where the folders are on one device: state
 * first, the log last, so that a copy that was cut short has no manifest. Nothing of the epoch may be
 * cleaned up meanwhile.
 */
export async function copyCheckpoint(copy: CheckpointCopy): Promise<void> {
  const { files, from, to, found } = copy
  const folders = new Set<string>()
  for (const path of pathsOf(found.manifest)) {
    const target = joinPath(to, path)
    const folder = folderOf(target)
    if (!folders.has(folder)) await files.makeFolder(folder)
    folders.add(folder)
    await place(files, joinPath(from, path), target)
  }
  for (const folder of folders) await files.syncFolder(folder)
  await copyFolder(files, joinPath(from, sourcesFolder), joinPath(to, sourcesFolder))
  await writeLog(copy)
}

function pathsOf({ state }: Manifest): readonly string[] {
  const cold = Object.values(state).flatMap((shards) =>
    Object.values(shards).flatMap(({ snapshot }) => snapshot?.cold ?? []),
  )
  const folders = new Set(cold.map(({ folder }) => folder))
  const inFolders = cold.flatMap(({ folder, files }) =>
    files.map(({ name }) => joinPath(folder, name)),
  )
  return [...[...filesOfState(state)].filter((path) => !folders.has(path)), ...inFolders]
}

/** Links a file that is never written to again, or copies it to another device. */
async function place(files: FileSystem, from: string, to: string): Promise<void> {
  // What an earlier try left may be half a file.
  await files.remove(to)
  if ((await files.stat(from)) === undefined) throw corrupt(from, 'the file is missing')
  const isLinked = await files.link(from, to).catch(() => false)
  if (!isLinked) await files.copy(from, to)
}

/** Files are renamed and closed at any time: then the folder is copied again. */
const tries = 20

async function copyFolder(files: FileSystem, from: string, to: string): Promise<void> {
  for (let left = tries; left > 0; left--) {
    await files.removeFolder(to)
    if (await copyOnce(files, from, to)) return
  }
  throw corrupt(from, 'its files change faster than they can be copied')
}

/** `false` when a file went before it was copied. */
async function copyOnce(files: FileSystem, from: string, to: string): Promise<boolean> {
  const entries = await files.list(from)
  if (entries.length > 0) await files.makeFolder(to)
  for (const { name, isFolder } of entries) {
    const [source, target] = [joinPath(from, name), joinPath(to, name)]
    if (isFolder) {
      if (!(await copyOnce(files, source, target))) return false
      continue
    }
    try {
      await files.copy(source, target)
    } catch (thrown) {
      if ((await files.stat(source)) === undefined) return false
      throw thrown
    }
  }
  if (entries.length > 0) await files.syncFolder(to)
  return true
}

/** A log of one attempt, the manifest, and the note that it is committed. */
async function writeLog(copy: CheckpointCopy): Promise<void> {
  const { files, to, found, queryId, token, committables } = copy
  const { atMs } = found
  const manifest: Manifest = { ...found.manifest, committables }
  const { epoch, snapshotId } = manifest
  const entries: readonly LogEntry[] = [
    {
      type: 'attempt',
      token,
      attempt: `copy of ${snapshotId}`,
      atMs,
      format: checkpointFormat,
      queryId,
    },
    { type: 'manifest', manifest },
    { type: 'committed', epoch, snapshotId },
  ]
  const folder = joinPath(to, logFolder)
  await files.removeFolder(folder)
  await files.makeFolder(folder)
  // Whole entries only, one after the other: whoever finds the folder after a crash takes it for a log.
  for (const [number, entry] of entries.entries()) {
    const temporary = joinPath(folder, `new-${token}-copy`)
    await files.create(temporary, encodeLogFile({ number, atMs, entry }))
    await files.rename(temporary, joinPath(folder, String(number)))
    await files.syncFolder(folder)
  }
}

/** Says that everything of a savepoint is there. */
export async function noteSavepoint(files: FileSystem, path: string, note: object): Promise<void> {
  const bytes = new TextEncoder().encode(`${JSON.stringify(note)}\n`)
  await files.create(joinPath(path, noteName), bytes)
  await files.syncFolder(path)
}

/**
 * Refuses a folder that is no savepoint, or not a whole one.
 * @throws StreamError `CHECKPOINT_NOT_FOUND`
 */
export function checkSavepoint(files: FileSystem, path: string): void {
  if (files.readNow(joinPath(path, noteName)) !== undefined) return
  const what = 'it is no savepoint, or one that was cut short'
  throw new StreamError('CHECKPOINT_NOT_FOUND', { path, what })
}
