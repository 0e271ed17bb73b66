import { constants, readdirSync, readFileSync } from 'node:fs'
import {
  copyFile,
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  unlink,
} from 'node:fs/promises'
import { reasonOf, StreamError } from './error.ts'
import { type AppendFile, type FileSystem, folderOf, type ReadFile } from './file-system.ts'

/** The machine's files. Always the same object, so that users of one process can know of each other. */
export function nodeFileSystem(): FileSystem {
  return shared
}

const shared: FileSystem = {
  read: (path) =>
    absentAs(
      undefined,
      attempt('reading', path, () => readFile(path)),
    ),
  readRange: (path, offset, length, into) =>
    absentAs(
      undefined,
      attempt('reading', path, () =>
        withFile(path, 'r', (file) => readAt(file, offset, roomFor(length, into))),
      ),
    ),
  openRead: (path) =>
    absentAs(
      undefined,
      attempt('opening', path, async () => openedFile(path, await open(path, 'r'))),
    ),
  create: (path, bytes) =>
    attempt('creating', path, () =>
      createFile(path, bytes instanceof Uint8Array ? [bytes] : bytes),
    ),
  append: (path) => attempt('opening', path, async () => appendFile(path, await open(path, 'a'))),
  link: (from, to) =>
    attempt('linking', to, async () => {
      try {
        await link(from, to)
        return true
      } catch (thrown) {
        if (systemCode(thrown) === 'EEXIST') return false
        throw thrown
      }
    }),
  rename: (from, to) => attempt('renaming', from, () => rename(from, to)),
  remove: (path) =>
    absentAs(
      undefined,
      attempt('removing', path, () => unlink(path)),
    ),
  removeFolder: (path) =>
    attempt('removing', path, () => rm(path, { recursive: true, force: true })),
  makeFolder: (path) => attempt('creating', path, () => makeFolder(path)),
  syncFolder: (path) => attempt('syncing', path, () => syncFolder(path)),
  list: (path) =>
    absentAs(
      [],
      attempt('listing', path, async () => {
        const entries = await readdir(path, { withFileTypes: true })
        return entries.map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }))
      }),
    ),
  readNow: (path) => attemptNow('reading', path, undefined, () => readFileSync(path)),
  listNow: (path) => attemptNow('listing', path, [], () => readdirSync(path)),
  stat: (path) =>
    absentAs(
      undefined,
      attempt('examining', path, async () => {
        const found = await stat(path)
        return {
          byteLength: found.size,
          modifiedMs: found.mtimeMs,
          isFolder: found.isDirectory(),
        }
      }),
    ),
  copy: (from, to) =>
    attempt('copying', from, async () => {
      await copyFile(from, to, constants.COPYFILE_EXCL)
      await withFile(to, 'r+', (file) => file.sync())
    }),
}

async function createFile(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const file = await open(path, 'wx')
  try {
    for (const part of parts) await writeAll(file, part)
    await file.sync()
  } catch (thrown) {
    // Half a file must not keep the name from the next try; the first error is the one to tell.
    await unlink(path).catch(() => undefined)
    throw thrown
  } finally {
    await file.close()
  }
}

function openedFile(path: string, file: FileHandle): ReadFile {
  return {
    read: (offset, length, into) =>
      attempt('reading', path, () => readAt(file, offset, roomFor(length, into))),
    close: () => attempt('closing', path, () => file.close()),
  }
}

function roomFor(length: number, into: Uint8Array | undefined): Uint8Array {
  return into?.subarray(0, length) ?? new Uint8Array(length)
}

function appendFile(path: string, file: FileHandle): AppendFile {
  return {
    append: (bytes) => attempt('writing', path, () => writeAll(file, bytes)),
    sync: () => attempt('syncing', path, () => file.sync()),
    close: () => attempt('closing', path, () => file.close()),
  }
}

/** `write` may take fewer bytes than it was given, for example when the disk is nearly full. */
async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  let written = 0
  while (written < bytes.byteLength) {
    const { bytesWritten } = await file.write(bytes, written, bytes.byteLength - written)
    written += bytesWritten
  }
}

/** Fills `bytes` from `offset` on; what was filled, less at the end of the file. */
async function readAt(file: FileHandle, offset: number, bytes: Uint8Array): Promise<Uint8Array> {
  const { length } = bytes
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
}

/** The names of new folders are made durable at once: a checkpoint must not vanish with its parent. */
async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true })
  if (first === undefined) return
  let created = path.replace(/\/+$/, '')
  while (created.length > first.length) {
    created = folderOf(created)
    await syncFolder(created)
  }
  await syncFolder(folderOf(first))
}

async function syncFolder(path: string): Promise<void> {
  // Windows cannot open folders and writes names through by itself.
  if (process.platform === 'win32') return
  await withFile(path, 'r', (file) => file.sync())
}

async function withFile<T>(
  path: string,
  flags: string,
  use: (file: FileHandle) => Promise<T>,
): Promise<T> {
  const file = await open(path, flags)
  try {
    return await use(file)
  } finally {
    await file.close()
  }
}

async function attempt<T>(operation: string, path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (thrown) {
    throw new StreamError('IO_ERROR', { operation, path, why: reasonOf(thrown) }, { cause: thrown })
  }
}

/** `attempt` and `absentAs` in one, for calls that keep the process waiting. */
function attemptNow<T, Absent>(
  operation: string,
  path: string,
  absent: Absent,
  run: () => T,
): T | Absent {
  try {
    return run()
  } catch (thrown) {
    if (isAbsent(thrown)) return absent
    throw new StreamError('IO_ERROR', { operation, path, why: reasonOf(thrown) }, { cause: thrown })
  }
}

async function absentAs<T, Absent>(absent: Absent, result: Promise<T>): Promise<T | Absent> {
  try {
    return await result
  } catch (thrown) {
    if (thrown instanceof StreamError && isAbsent(thrown.cause)) return absent
    throw thrown
  }
}

function isAbsent(thrown: unknown): boolean {
  const code = systemCode(thrown)
  return code === 'ENOENT' || code === 'ENOTDIR'
}

function systemCode(thrown: unknown): unknown {
  return thrown instanceof Error && 'code' in thrown ? thrown.code : undefined
}
