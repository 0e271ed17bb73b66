import type { FileSystem } from '../../core/file-system.ts'
import type { ReadLimit } from '../../flow/connector.ts'
import { type FoundFile, listFiles, nameOf } from './list-files.ts'
import type { SeenLog } from './seen-log.ts'

/** Decides which files come next and writes that down. */
export interface FileLister {
  /**
   * The number of files that may have been taken when an epoch begins at `from`; at least one more, if
   * there is one. With `end`, which it gave out before, it passes no further and looks for no new files.
   */
  take(from: number, limit: ReadLimit, end?: number): Promise<number>
  /** Entries below the number are needed only to know the files again. */
  forgetBefore(index: number): Promise<void>
}

export interface ListerOptions {
  readonly files: FileSystem
  readonly log: SeenLog
  readonly path: string
  readonly isLatestFirst: boolean
  /** A file is known by its name alone. */
  readonly byNameOnly: boolean
  readonly recursive: boolean
  readonly nameGlob: string | undefined
  /** How much older than the newest file a file may be. Absent = any age. */
  readonly maxAgeMs: number | undefined
}

/** A lister over the log; its calls run one after another. */
export function fileLister(options: ListerOptions): FileLister {
  const { files, log, maxAgeMs, isLatestFirst } = options
  const keyOf = (path: string) => (options.byNameOnly ? nameOf(path) : path)
  let seen = new Set(log.entries().map(({ path }) => keyOf(path)))
  let waiting: FoundFile[] = []
  let isFirst = true
  let turn: Promise<unknown> = Promise.resolve()

  const oldest = () =>
    maxAgeMs === undefined || log.end === 0 ? Number.NEGATIVE_INFINITY : log.newestMs - maxAgeMs

  const list = async (): Promise<void> => {
    const found = await listFiles(files, options.path, {
      recursive: options.recursive,
      nameGlob: options.nameGlob,
      isSeen: (path) => seen.has(keyOf(path)),
    })
    const limit = oldest()
    const names = new Set<string>()
    waiting = found.filter(({ path, modifiedMs }) => {
      const isNew = modifiedMs >= limit && !names.has(keyOf(path))
      names.add(keyOf(path))
      return isNew
    })
    if (isLatestFirst) waiting.reverse()
  }

  /** Files that were written down but never decided upon may be gone by now. */
  const dropVanished = async (from: number): Promise<void> => {
    for (let index = from; index < log.end; index++) {
      const { path } = log.at(index)
      if ((await files.stat(path)) !== undefined) continue
      log.truncate(index)
      seen = new Set(log.entries().map((entry) => keyOf(entry.path)))
    }
  }

  const take = async (from: number, limit: ReadLimit, end?: number): Promise<number> => {
    if (from > 0) log.at(from - 1)
    if (end !== undefined) return takeKnown(from, limit, end)
    if (isFirst) await dropVanished(from)
    isFirst = false
    const budget = budgetOf(limit)
    let next = from
    while (next < log.end && budget.admits(log.at(next))) next++
    if (next < log.end) return next
    const isUnlimited = limit.maxFiles === undefined && limit.maxBytes === undefined
    if (waiting.length === 0 || isUnlimited || isLatestFirst) await list()
    const stop = waiting.findIndex((file) => !budget.admits(file))
    const taken = waiting.splice(0, stop < 0 ? waiting.length : stop)
    await log.append(taken)
    for (const { path } of taken) seen.add(keyOf(path))
    return log.end
  }

  const takeKnown = (from: number, limit: ReadLimit, end: number): number => {
    const budget = budgetOf(limit)
    let next = from
    while (next < end && budget.admits(log.at(next))) next++
    return next
  }

  const inTurn = <T>(run: () => Promise<T>): Promise<T> => {
    const result = turn.then(run)
    turn = result.catch(() => undefined)
    return result
  }

  return {
    take: (from, limit, end) => inTurn(() => take(from, limit, end)),
    forgetBefore: (index) =>
      inTurn(async () => {
        const limit = oldest()
        await log.compact(index, ({ modifiedMs }) => modifiedMs < limit)
        if (log.entries().length < seen.size) {
          seen = new Set(log.entries().map(({ path }) => keyOf(path)))
        }
      }),
  }
}

/** Counts what a limit still allows; the first file is always allowed. */
function budgetOf({ maxFiles, maxBytes }: ReadLimit): { admits(file: FoundFile): boolean } {
  let count = 0
  let bytes = 0
  return {
    admits(file) {
      const tooMany = maxFiles !== undefined && count >= maxFiles
      const tooMuch = maxBytes !== undefined && bytes + file.byteLength > maxBytes
      if (count > 0 && (tooMany || tooMuch)) return false
      count++
      bytes += file.byteLength
      return true
    },
  }
}
