import { reasonOf, StreamError } from '../src/core/error.ts'
import type { FileEntry, FileSystem } from '../src/core/file-system.ts'
import { type Random, seededRandom } from '../src/core/random.ts'
import {
  afterPowerCut,
  apply,
  type Folders,
  type Inode,
  type NameChange,
  newFolder,
  newInode,
  stateOf,
  twinOf,
} from './virtual-disk-content.ts'

/** Thrown by a step hook to stop the process there; everything in memory is then gone. */
export class SimulatedCrash extends Error {
  override readonly name = 'SimulatedCrash'
}

/**
 * What can go wrong with a step: the medium says so (`ENOSPC`, `EIO`), or nobody does: a read gives the first half
 * (`shortRead`), a write has one wrong bit (`bitFlip`), or goes to another file of the folder (`misdirected`).
 */
export type DiskFault = 'ENOSPC' | 'EIO' | 'shortRead' | 'bitFlip' | 'misdirected'

/** How a virtual disk behaves. */
export interface VirtualDiskOptions {
  /** Decides what a power cut leaves. Default: seed 1. */
  readonly random?: Random
  /** Modification times, milliseconds. Default: the number of the step. */
  readonly now?: () => number
  /** Called before each step takes effect, with a name such as `write log/3`; may throw `SimulatedCrash`. */
  readonly onStep?: (name: string, number: number) => void
  /** What goes wrong with a step, if anything; what does not fit the step changes nothing. */
  readonly fault?: (name: string, number: number) => DiskFault | undefined
}

/** A disk in memory that can lose its power. As a plain `FileSystem` it is exact and fast. */
export interface VirtualFileSystem extends FileSystem {
  /** Steps taken so far. */
  steps(): number
  /** What lies on the disk after a power cut now; this object is not changed and must not be used again. */
  crash(options?: VirtualDiskOptions): VirtualFileSystem
  /** What a killed process leaves: everything it wrote, as the machine itself lives on. */
  kill(options?: VirtualDiskOptions): VirtualFileSystem
  /** The same disk once more; what happens to one is nothing to the other. */
  twin(options?: VirtualDiskOptions): VirtualFileSystem
  /** All that a process finds here, and all that a power cut may make of it, as text: equal for equal disks. */
  state(): string
  /** Every file, by path, ascending. */
  allFiles(): readonly string[]
  /** Changes a file behind everybody's back: bit flips, cuts; `undefined` deletes it. */
  tamper(path: string, change: (bytes: Uint8Array) => Uint8Array | undefined): void
}

/**
 * A deterministic disk with a power-cut model: bytes that were not synced are lost, cut or scrambled;
 * names that were added, renamed or removed since the last `syncFolder` of their folder may be as
 * before, independently of each other. Folders themselves are durable at once, as the port says.
 * All operations settle within microtasks.
 */
export function virtualFileSystem(options: VirtualDiskOptions = {}): VirtualFileSystem {
  return disk(new Map([['', newFolder()]]), options)
}

function disk(folders: Folders, options: VirtualDiskOptions): VirtualFileSystem {
  const medium = createMedium(folders, options)
  return {
    ...contentOperations(medium),
    ...nameOperations(medium),
    ...folderOperations(medium),
    steps: medium.steps,
    crash: (next) => disk(afterPowerCut(folders, options.random ?? seededRandom(1)), next ?? {}),
    kill: (next) => disk(folders, next ?? {}),
    twin: (next) => disk(twinOf(folders), next ?? {}),
    state: () => stateOf(folders),
    allFiles: () =>
      [...folders]
        .flatMap(([folder, { names }]) =>
          [...names.keys()].map((name) => (folder === '' ? name : `${folder}/${name}`)),
        )
        .toSorted(),
    tamper(given, changed) {
      const [folderPath, name] = split(normal(given))
      const folder = folders.get(folderPath)
      const inode = folder?.names.get(name)
      if (folder === undefined || inode === undefined) {
        throw ioError('tamper', normal(given), 'ENOENT')
      }
      const bytes = changed(inode.bytes.slice(0, inode.length))
      for (const names of [folder.names, folder.durable]) {
        if (bytes === undefined) names.delete(name)
        else names.set(name, newInode(bytes, inode.modifiedMs))
      }
    },
  }
}

/** The disk below the port: numbered steps on folders and inodes. Paths are normal. */
interface Medium {
  readonly folders: Folders
  steps(): number
  /** Called before every effect; throws the crash or the error that was put there, and tells of silent faults. */
  step(operation: string, path: string): DiskFault | undefined
  inodeAt(path: string): Inode | undefined
  /** Changes names of the folder of `path`. */
  change(path: string, operation: string, what: NameChange): void
  addInode(path: string, operation: string): Inode
  write(path: string, inode: Inode, bytes: Uint8Array): void
  sync(path: string, inode: Inode): void
}

function createMedium(folders: Folders, options: VirtualDiskOptions): Medium {
  let steps = 0
  let crashed = false
  const now = options.now ?? (() => steps)
  const step: Medium['step'] = (operation, path) => {
    if (crashed) throw new SimulatedCrash('the process is gone')
    const name = `${operation} ${path}`
    const number = steps++
    try {
      options.onStep?.(name, number)
    } catch (thrown) {
      // Whatever of the process still runs must not touch the disk any more.
      if (thrown instanceof SimulatedCrash) crashed = true
      throw thrown
    }
    const fault = options.fault?.(name, number)
    if (fault === 'ENOSPC' || fault === 'EIO') throw ioError(operation, path, fault)
    return fault
  }
  const change: Medium['change'] = (path, operation, what) => {
    const folder = folders.get(split(path)[0])
    if (folder === undefined) throw ioError(operation, path, 'ENOENT')
    apply(folder.names, what)
    folder.pending.push(what)
  }
  return {
    folders,
    steps: () => steps,
    step,
    inodeAt(path) {
      const [folder, name] = split(path)
      return folders.get(folder)?.names.get(name)
    },
    change,
    addInode(path, operation) {
      const inode = newInode(new Uint8Array(), now())
      change(path, operation, { add: [split(path)[1], inode] })
      return inode
    },
    write(path, inode, bytes) {
      let fault: DiskFault | undefined
      try {
        fault = step('write', path)
      } catch (thrown) {
        // A full disk takes what fits.
        if (thrown instanceof StreamError) grow(inode, bytes.subarray(0, bytes.length >>> 1))
        throw thrown
      }
      const [folder] = split(path)
      const others = [...(folders.get(folder)?.names.values() ?? [])].filter((one) => one !== inode)
      const target = fault === 'misdirected' ? (others[0] ?? inode) : inode
      grow(target, fault === 'bitFlip' ? flipped(bytes) : bytes)
      target.modifiedMs = now()
    },
    sync(path, inode) {
      step('sync', path)
      inode.synced = inode.bytes.slice(0, inode.length)
    },
  }
}

function createFile(medium: Medium, path: string, parts: readonly Uint8Array[]): void {
  medium.step('create', path)
  if (medium.inodeAt(path) !== undefined) throw ioError('create', path, 'EEXIST')
  const inode = medium.addInode(path, 'create')
  try {
    for (const part of parts) medium.write(path, inode, part)
    medium.sync(path, inode)
  } catch (thrown) {
    if (thrown instanceof StreamError) medium.change(path, 'create', { remove: split(path)[1] })
    throw thrown
  }
}

/** What a read gives, as real ones do: a Buffer, whose `slice` is a view, in the middle of other memory. */
function asRead(bytes: Uint8Array): Uint8Array {
  const around = Buffer.alloc(bytes.length + 24, 0xa5)
  around.set(bytes, 16)
  return around.subarray(16, 16 + bytes.length)
}

function piece(
  { bytes, length: whole }: Inode,
  offset: number,
  length: number,
  fault: DiskFault | undefined,
): Uint8Array {
  const end = Math.min(offset + length, whole)
  return asRead(given(bytes.subarray(Math.min(offset, end), end), fault))
}

/** What a read gives under a fault. */
function given(bytes: Uint8Array, fault: DiskFault | undefined): Uint8Array {
  return fault === 'shortRead' ? bytes.subarray(0, bytes.length >>> 1) : bytes
}

function flipped(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes)
  const at = copy.length >>> 1
  if (copy.length > 0) copy[at] = (copy[at] as number) ^ 4
  return copy
}

type Content = 'read' | 'readNow' | 'readRange' | 'openRead' | 'create' | 'append' | 'copy'

function contentOperations(medium: Medium): Pick<FileSystem, Content> {
  const { step, inodeAt } = medium
  const readNow = (path: string): Uint8Array | undefined => {
    const fault = step('read', normal(path))
    const inode = inodeAt(normal(path))
    return inode && asRead(given(inode.bytes.subarray(0, inode.length), fault))
  }
  return {
    read: async (path) => readNow(path),
    readNow,
    async readRange(path, offset, length) {
      const fault = step('read', normal(path))
      const inode = inodeAt(normal(path))
      return inode && piece(inode, offset, length, fault)
    },
    async openRead(path) {
      const inode = inodeAt(normal(path))
      return (
        inode && {
          async read(offset, length) {
            const fault = step('read', normal(path))
            return piece(inode, offset, length, fault)
          },
          close: async () => undefined,
        }
      )
    },
    async create(path, bytes) {
      createFile(medium, normal(path), bytes instanceof Uint8Array ? [bytes] : bytes)
    },
    async append(given) {
      const path = normal(given)
      step('open', path)
      const inode = inodeAt(path) ?? medium.addInode(path, 'open')
      return {
        append: async (bytes) => medium.write(path, inode, bytes),
        sync: async () => medium.sync(path, inode),
        close: async () => undefined,
      }
    },
    async copy(from, to) {
      const inode = inodeAt(normal(from))
      if (inode === undefined) throw ioError('copy', normal(from), 'ENOENT')
      createFile(medium, normal(to), [inode.bytes.slice(0, inode.length)])
    },
  }
}

type Names = 'link' | 'rename' | 'remove' | 'stat'

function nameOperations({ step, inodeAt, change, folders }: Medium): Pick<FileSystem, Names> {
  return {
    async link(from, to) {
      step('link', normal(to))
      const inode = inodeAt(normal(from))
      if (inode === undefined) throw ioError('link', normal(from), 'ENOENT')
      if (inodeAt(normal(to)) !== undefined) return false
      change(normal(to), 'link', { add: [split(normal(to))[1], inode] })
      return true
    },
    async rename(from, to) {
      step('rename', normal(from))
      const inode = inodeAt(normal(from))
      if (inode === undefined) throw ioError('rename', normal(from), 'ENOENT')
      if (inodeAt(normal(to)) === inode) return
      const [fromFolder, fromName] = split(normal(from))
      const [toFolder, toName] = split(normal(to))
      if (fromFolder === toFolder) {
        change(normal(to), 'rename', { remove: fromName, add: [toName, inode] })
      } else {
        change(normal(to), 'rename', { add: [toName, inode] })
        change(normal(from), 'rename', { remove: fromName })
      }
    },
    async remove(path) {
      step('remove', normal(path))
      if (inodeAt(normal(path)) === undefined) return
      change(normal(path), 'remove', { remove: split(normal(path))[1] })
    },
    async stat(path) {
      step('stat', normal(path))
      const inode = inodeAt(normal(path))
      if (inode !== undefined) {
        return { byteLength: inode.length, modifiedMs: inode.modifiedMs, isFolder: false }
      }
      if (!folders.has(normal(path))) return undefined
      return { byteLength: 0, modifiedMs: 0, isFolder: true }
    },
  }
}

type FolderNames = 'makeFolder' | 'removeFolder' | 'syncFolder' | 'list' | 'listNow'

function folderOperations({ step, folders }: Medium): Pick<FileSystem, FolderNames> {
  const listed = (path: string): readonly FileEntry[] => {
    step('list', normal(path))
    const files = [...(folders.get(normal(path))?.names.keys() ?? [])]
    const inside = [...folders.keys()].filter(
      (known) => known !== '' && split(known)[0] === normal(path),
    )
    return [
      ...files.map((name) => ({ name, isFolder: false })),
      ...inside.map((known) => ({ name: split(known)[1], isFolder: true })),
    ]
  }
  return {
    async makeFolder(path) {
      step('make folder', normal(path))
      let at = ''
      for (const part of normal(path).split('/')) {
        at = at === '' ? part : `${at}/${part}`
        if (!folders.has(at)) folders.set(at, newFolder())
      }
    },
    async removeFolder(path) {
      step('remove folder', normal(path))
      for (const known of [...folders.keys()]) {
        if (isWithin(known, normal(path))) folders.delete(known)
      }
    },
    async syncFolder(path) {
      step('sync folder', normal(path))
      const folder = folders.get(normal(path))
      if (folder === undefined) throw ioError('sync folder', normal(path), 'ENOENT')
      for (const one of folder.pending.splice(0)) apply(folder.durable, one)
    },
    list: async (path) => listed(path),
    listNow: (path) => listed(path).map(({ name }) => name),
  }
}

function grow(inode: Inode, bytes: Uint8Array): void {
  const needed = inode.length + bytes.length
  if (needed > inode.bytes.length) {
    const larger = new Uint8Array(Math.max(needed, 64, 2 * inode.bytes.length))
    larger.set(inode.bytes.subarray(0, inode.length))
    inode.bytes = larger
  }
  inode.bytes.set(bytes, inode.length)
  inode.length = needed
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`)
}

function normal(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')
}

function split(path: string): readonly [folder: string, name: string] {
  const cut = path.lastIndexOf('/')
  return cut < 0 ? ['', path] : [path.slice(0, cut), path.slice(cut + 1)]
}

function ioError(operation: string, path: string, code: string): StreamError<'IO_ERROR'> {
  const cause = Object.assign(new Error(`${code}: ${operation} of ${path}`), { code })
  return new StreamError('IO_ERROR', { operation, path, why: reasonOf(cause) }, { cause })
}
