import type { Random } from '../src/core/random.ts'

/** The content of a file. */
export interface Inode {
  bytes: Uint8Array<ArrayBuffer>
  length: number
  /** What is on the medium for certain. */
  synced: Uint8Array
  modifiedMs: number
}

/** What happened to names of a folder since it was last synced; each change survives or not as a whole. */
export interface NameChange {
  readonly remove?: string
  readonly add?: readonly [name: string, inode: Inode]
}

/** The names of a folder: as they are, as they are for certain, and what happened in between. */
export interface Folder {
  readonly names: Map<string, Inode>
  readonly durable: Map<string, Inode>
  readonly pending: NameChange[]
}

/** All folders of a disk by their paths. */
export type Folders = Map<string, Folder>

/** An empty folder. */
export function newFolder(): Folder {
  return { names: new Map(), durable: new Map(), pending: [] }
}

/** A file that is on the medium. */
export function newInode(bytes: Uint8Array, modifiedMs: number): Inode {
  return { bytes: bytes.slice(), length: bytes.length, synced: bytes.slice(), modifiedMs }
}

/** Changes names. */
export function apply(names: Map<string, Inode>, change: NameChange): void {
  if (change.remove !== undefined) names.delete(change.remove)
  if (change.add !== undefined) names.set(...change.add)
}

/** The same content once more; names that share a file go on sharing it. */
export function twinOf(folders: Folders): Folders {
  const copies = new Map<Inode, Inode>()
  const copied = (inode: Inode): Inode => {
    const known = copies.get(inode)
    if (known !== undefined) return known
    const { length, synced, modifiedMs } = inode
    const copy = { bytes: inode.bytes.slice(0, length), length, synced, modifiedMs }
    copies.set(inode, copy)
    return copy
  }
  const named = (names: ReadonlyMap<string, Inode>): Map<string, Inode> =>
    new Map([...names].map(([name, inode]) => [name, copied(inode)]))
  return new Map(
    [...folders].map(([path, { names, durable, pending }]) => [
      path,
      {
        names: named(names),
        durable: named(durable),
        pending: pending.map((change) =>
          change.add === undefined
            ? change
            : { ...change, add: [change.add[0], copied(change.add[1])] as const },
        ),
      },
    ]),
  )
}

/** Everything there is, as text: names with the numbers of their files, and the files. */
export function stateOf(folders: Folders): string {
  const numbers = new Map<Inode, number>()
  const parts: string[] = []
  const numberOf = (inode: Inode): number => {
    const known = numbers.get(inode)
    if (known !== undefined) return known
    const { bytes, length, synced, modifiedMs } = inode
    const { buffer, byteOffset } = bytes
    const content = Buffer.from(buffer, byteOffset, length).toString('latin1')
    parts.push(`${length} ${synced.length} ${modifiedMs} ${content}`)
    numbers.set(inode, numbers.size)
    return numbers.size - 1
  }
  const named = (names: ReadonlyMap<string, Inode>): string =>
    JSON.stringify([...names].map(([name, inode]) => [name, numberOf(inode)]))
  for (const [path, { names, durable, pending }] of folders) {
    const changes = pending.map(({ remove, add }) => [remove, add && [add[0], numberOf(add[1])]])
    parts.push(`${path} ${named(names)} ${named(durable)} ${JSON.stringify(changes)}`)
  }
  return parts.join('\n')
}

/** The disk that is found when the power is back. */
export function afterPowerCut(folders: Folders, random: Random): Folders {
  const found: Folders = new Map()
  const contents = new Map<Inode, Inode>()
  for (const [path, folder] of folders) {
    const names = new Map(folder.durable)
    // A journal keeps the order of changes, others do not: both kinds of disk are tried.
    const keepsOrder = random.next() < 0.5
    const kept = Math.floor(random.next() * (folder.pending.length + 1))
    for (const [index, change] of folder.pending.entries()) {
      if (keepsOrder ? index < kept : random.next() < 0.5) apply(names, change)
    }
    const left = new Map<string, Inode>()
    for (const [name, inode] of names) {
      const content = contents.get(inode) ?? newInode(remains(inode, random), inode.modifiedMs)
      contents.set(inode, content)
      left.set(name, content)
    }
    found.set(path, { names: left, durable: new Map(left), pending: [] })
  }
  return found
}

/** Synced bytes stay; of the rest a prefix may have reached the medium, and its end may be scrambled. */
function remains(inode: Inode, random: Random): Uint8Array {
  const synced = inode.synced.length
  const unsynced = inode.length - synced
  const bytes = inode.bytes.slice(0, synced + Math.floor(random.next() * (unsynced + 1)))
  if (random.next() < 0.3) {
    for (let at = Math.max(synced, bytes.length - 16); at < bytes.length; at++) {
      bytes[at] = Math.floor(random.next() * 256)
    }
  }
  return bytes
}
