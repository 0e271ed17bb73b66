/**
 * The only way to files. Paths use `/`. Errors of the medium arrive as `StreamError` `IO_ERROR`
 * whose `cause` keeps the system's own code; a missing file is `undefined` where a result can say so.
 */
export interface FileSystem {
  /** Whole content; `undefined` if there is no such file. */
  read(path: string): Promise<Uint8Array | undefined>
  /**
   * `length` bytes from `offset`, fewer at the end of the file; `undefined` if there is no such file. With `into`, an array
   * at least that long, the bytes may be put there and the result be a view of it: reading a large file
   * then makes no garbage.
   */
  readRange(
    path: string,
    offset: number,
    length: number,
    into?: Uint8Array,
  ): Promise<Uint8Array | undefined>
  /** Opens a file to read pieces of it one after another; `undefined` if there is no such file. */
  openRead(path: string): Promise<ReadFile | undefined>
  /** Creates the file, which must not exist, writes and fsyncs it. Its name is durable after `syncFolder`. */
  create(path: string, bytes: Uint8Array | readonly Uint8Array[]): Promise<void>
  /** Opens a file for appending, creating it if needed; `sync` makes what was appended durable. */
  append(path: string): Promise<AppendFile>
  /** A second name for a file. `false` if the name is taken: the atomic test-and-set of the log. */
  link(from: string, to: string): Promise<boolean>
  /** Replaces `to` if it exists. Changes nothing if both are names of one file already (POSIX `rename`). */
  rename(from: string, to: string): Promise<void>
  /** Harmless if there is no such file. */
  remove(path: string): Promise<void>
  /** Harmless if there is no such folder. */
  removeFolder(path: string): Promise<void>
  /** Creates it with its parents, all names durable; harmless if it exists. */
  makeFolder(path: string): Promise<void>
  /** Makes names created, renamed or removed in the folder durable. */
  syncFolder(path: string): Promise<void>
  /** Names in a folder, unordered; empty if there is no such folder. */
  list(path: string): Promise<readonly FileEntry[]>
  /** `read` that keeps the process waiting: for small files where an answer must be given at once. */
  readNow(path: string): Uint8Array | undefined
  /** `list` that keeps the process waiting; names only. */
  listNow(path: string): readonly string[]
  /** `undefined` if there is no such file or folder. */
  stat(path: string): Promise<FileStat | undefined>
  /** Copies the content to a new file, which must not exist, and fsyncs it. */
  copy(from: string, to: string): Promise<void>
}

export interface ReadFile {
  /** As `FileSystem.readRange`, also when the file has lost its name since. On its way when the call returns. */
  read(offset: number, length: number, into?: Uint8Array): Promise<Uint8Array>
  close(): Promise<void>
}

export interface AppendFile {
  append(bytes: Uint8Array): Promise<void>
  sync(): Promise<void>
  close(): Promise<void>
}

export interface FileEntry {
  readonly name: string
  readonly isFolder: boolean
}

export interface FileStat {
  readonly byteLength: number
  readonly modifiedMs: number
  readonly isFolder: boolean
}

/** Joins with single slashes and drops empty parts; keeps a leading slash. */
export function joinPath(...parts: readonly string[]): string {
  const joined = parts.filter((part) => part !== '').join('/')
  return joined.replace(/\/{2,}/g, '/')
}

/** Everything before the last slash; `.` without one. */
export function folderOf(path: string): string {
  const cut = path.lastIndexOf('/')
  if (cut === 0) return '/'
  return cut < 0 ? '.' : path.slice(0, cut)
}
