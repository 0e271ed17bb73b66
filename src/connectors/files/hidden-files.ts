import { type AppendFile, type FileSystem, joinPath } from '../../core/file-system.ts'
import type { Epoch } from '../../core/units.ts'

/** A file that was written out of sight and where it will be seen, both relative to the output's path. */
export type HiddenFile = readonly [hidden: string, visible: string]

/** Writes the files of epochs out of sight, one per folder of the output. */
export interface HiddenFiles {
  /** Adds bytes to the epoch's file for a `key=value/…` folder, or for the output itself with ''. */
  add(epoch: Epoch, folder: string, bytes: Uint8Array): Promise<void>
  /** Makes the files of the epoch durable; none if nothing was added. */
  finish(epoch: Epoch): Promise<readonly HiddenFile[]>
  /** Removes what was written for `epoch` and later. */
  drop(epoch: Epoch): Promise<void>
}

export interface HiddenOptions {
  readonly files: FileSystem
  readonly path: string
  /** Where hidden files lie, relative to `path`; it exists. */
  readonly place: string
  readonly token: number
  /** What every file begins with. */
  readonly head: Uint8Array
  /** The name of the epoch's file number `index`. */
  readonly nameOf: (epoch: Epoch, index: number) => string
}

interface Part {
  readonly hidden: string
  readonly visible: string
  readonly pending: Uint8Array[]
  pendingBytes: number
}

/** Bytes of an epoch that wait in memory before they are written. */
const pendingMax = 4 << 20

/** The name of a hidden file says which attempt wrote it, so that attempts never meet in one file. */
export function hiddenName(token: number, epoch: Epoch, serial: number): string {
  return `${token}-${epoch}-${serial}`
}

/** The attempt in the name of a hidden file; `undefined` for names of another kind. */
export function hiddenToken(name: string): number | undefined {
  const token = /^(\d+)-/.exec(name)?.[1]
  return token === undefined ? undefined : Number(token)
}

/** Files of one attempt. */
export function hiddenFiles(options: HiddenOptions): HiddenFiles {
  const { files, path, place, token, head } = options
  const epochs = new Map<Epoch, Map<string, Part>>()
  let serial = 0

  const flush = async (part: Part, use?: (file: AppendFile) => Promise<void>): Promise<void> => {
    const file = await files.append(joinPath(path, part.hidden))
    try {
      for (const bytes of part.pending.splice(0)) await file.append(bytes)
      part.pendingBytes = 0
      await use?.(file)
    } finally {
      await file.close()
    }
  }
  const partOf = (parts: Map<string, Part>, epoch: Epoch, folder: string): Part => {
    const known = parts.get(folder)
    if (known !== undefined) return known
    const part: Part = {
      hidden: joinPath(place, hiddenName(token, epoch, serial++)),
      visible: joinPath(folder, options.nameOf(epoch, parts.size)),
      pending: head.length > 0 ? [head] : [],
      pendingBytes: head.length,
    }
    parts.set(folder, part)
    return part
  }

  return {
    async add(epoch, folder, bytes) {
      const parts = epochs.get(epoch) ?? new Map<string, Part>()
      epochs.set(epoch, parts)
      const part = partOf(parts, epoch, folder)
      part.pending.push(bytes)
      part.pendingBytes += bytes.length
      const waiting = [...parts.values()].reduce((sum, { pendingBytes }) => sum + pendingBytes, 0)
      if (waiting < pendingMax) return
      for (const one of parts.values()) await flush(one)
    },
    async finish(epoch) {
      const parts = [...(epochs.get(epoch)?.values() ?? [])]
      epochs.delete(epoch)
      for (const part of parts) await flush(part, (file) => file.sync())
      if (parts.length > 0) await files.syncFolder(joinPath(path, place))
      return parts.map(({ hidden, visible }) => [hidden, visible])
    },
    async drop(from) {
      for (const epoch of [...epochs.keys()]) if (epoch >= from) epochs.delete(epoch)
      for (const { name } of await files.list(joinPath(path, place))) {
        const [, of = '-1'] = /^\d+-(\d+)-\d+$/.exec(name) ?? []
        if (hiddenToken(name) === token && Number(of) >= from) {
          await files.remove(joinPath(path, place, name))
        }
      }
    },
  }
}
