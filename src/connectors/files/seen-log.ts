import { crc32c } from '../../core/crc32c.ts'
import { StreamError } from '../../core/error.ts'
import { type AppendFile, type FileSystem, joinPath } from '../../core/file-system.ts'
import type { FoundFile } from './list-files.ts'

/**
 * The files that a source has taken, in the order in which it did: a position is an index into it. An
 * entry is durable before its position is handed out, so every position of a checkpoint has a meaning.
 */
export interface SeenLog {
  /** The index of the next entry. */
  readonly end: number
  /** The newest modification time of any entry ever. */
  readonly newestMs: number
  /** @throws StreamError `CHECKPOINT_CORRUPT` when there is no such entry */
  at(index: number): FoundFile
  entries(): readonly FoundFile[]
  append(found: readonly FoundFile[]): Promise<void>
  /** Forgets entries from `index` on, which nobody can have read. */
  truncate(index: number): void
  /** Forgets the entries below `index` that `isOver` says can never be listed again. */
  compact(index: number, isOver: (file: FoundFile) => boolean): Promise<void>
  close(): Promise<void>
}

interface Loaded {
  readonly base: number
  readonly newestMs: number
  readonly files: FoundFile[]
  readonly generation: number
}

const empty: Loaded = { base: 0, newestMs: 0, files: [], generation: 0 }

/**
 * Opens the log in a folder of the checkpoint; without a folder it is kept in memory. Every attempt
 * to run the query appends to a file of its own, begun with a copy of what it found: an attempt that
 * was given up but still runs cannot add to it.
 */
export async function openSeenLog(files: FileSystem, folder: string | undefined): Promise<SeenLog> {
  const loaded = folder === undefined ? empty : await load(files, folder)
  let { base, newestMs } = loaded
  let taken = [...loaded.files]
  let generation = loaded.generation
  let output: AppendFile | undefined

  /** Writes everything to a new file and removes the old ones. */
  const roll = async (into: string): Promise<void> => {
    await output?.close()
    output = undefined
    await files.makeFolder(into)
    const before = await generations(files, into)
    generation = Math.max(generation, ...before) + 1
    const path = pathOf(into, generation)
    const head = { format: 1, base, count: taken.length, newestMs }
    await files.create(path, encode([head, ...taken]))
    await files.syncFolder(into)
    for (const old of before) await files.remove(pathOf(into, old))
    output = await files.append(path)
  }

  return {
    get end() {
      return base + taken.length
    },
    get newestMs() {
      return newestMs
    },
    at(index) {
      const file = taken[index - base]
      if (file !== undefined) return file
      throw new StreamError('CHECKPOINT_CORRUPT', {
        path: folder ?? 'memory',
        what: `the list of files taken has no number ${index}`,
      })
    },
    entries: () => taken,
    async append(found) {
      if (found.length === 0) return
      // A failed write may have left half a line: the next one then begins a new file.
      const writer = output
      output = undefined
      for (const file of found) {
        taken.push(file)
        newestMs = Math.max(newestMs, file.modifiedMs)
      }
      try {
        if (folder === undefined) return
        if (writer === undefined) return await roll(folder)
        await writer.append(encode(found))
        await writer.sync()
        output = writer
      } catch (thrown) {
        taken.length -= found.length
        throw thrown
      }
    },
    truncate(index) {
      if (index >= base + taken.length) return
      taken = taken.slice(0, Math.max(0, index - base))
      // The file still has them: the next append writes a new one.
      void output?.close()
      output = undefined
    },
    async compact(index, isOver) {
      const below = Math.min(index - base, taken.length)
      let over = 0
      while (over < below && isOver(taken[over] as FoundFile)) over++
      if (over < compactFrom || over * 2 < taken.length || folder === undefined) return
      taken = taken.slice(over)
      base += over
      await roll(folder)
    },
    async close() {
      await output?.close()
      output = undefined
    },
  }
}

/** Fewer entries than this are not worth a new file. */
const compactFrom = 1000

function pathOf(folder: string, generation: number): string {
  return joinPath(folder, `seen-${String(generation).padStart(6, '0')}`)
}

async function generations(files: FileSystem, folder: string): Promise<number[]> {
  const names = (await files.list(folder)).map(({ name }) => /^seen-(\d{6,})$/.exec(name)?.[1])
  return names.filter((found) => found !== undefined).map(Number)
}

function encode(records: readonly object[]): Uint8Array {
  const lines = records.map((record) => {
    const text = JSON.stringify(record)
    return `${checksum(text)} ${text}\n`
  })
  return new TextEncoder().encode(lines.join(''))
}

function checksum(text: string): string {
  return crc32c(new TextEncoder().encode(text)).toString(16).padStart(8, '0')
}

/** The newest file that was written to the end of its copy; a later one may be torn by a power cut. */
async function load(files: FileSystem, folder: string): Promise<Loaded> {
  const known = (await generations(files, folder)).sort((left, right) => right - left)
  for (const generation of known) {
    const path = pathOf(folder, generation)
    const bytes = await files.read(path)
    const found = bytes === undefined ? undefined : decode(path, bytes)
    if (found !== undefined) return { ...found, generation: known[0] ?? generation }
  }
  return empty
}

function decode(path: string, bytes: Uint8Array): Omit<Loaded, 'generation'> | undefined {
  const lines = new TextDecoder().decode(bytes).split('\n')
  const records = lines.map(recordOf)
  const broken = records.indexOf(undefined)
  const valid = broken < 0 ? records : records.slice(0, broken)
  if (records.some((record, index) => index > valid.length && record !== undefined)) {
    // A torn write damages the end only.
    throw new StreamError('CHECKPOINT_CORRUPT', { path, what: `line ${broken + 1} is damaged` })
  }
  const [head, ...entries] = valid
  if (!isHead(head) || entries.length < head.count) return undefined
  const found = entries.filter(isFound)
  if (found.length < entries.length) {
    throw new StreamError('CHECKPOINT_CORRUPT', { path, what: 'it has lines of another kind' })
  }
  const newestMs = found.reduce((max, file) => Math.max(max, file.modifiedMs), head.newestMs)
  return { base: head.base, newestMs, files: found }
}

function recordOf(line: string): unknown {
  const text = line.slice(9)
  return line.length > 9 && checksum(text) === line.slice(0, 8) ? JSON.parse(text) : undefined
}

function isHead(
  found: unknown,
): found is { readonly base: number; readonly count: number; readonly newestMs: number } {
  return (
    typeof found === 'object' &&
    found !== null &&
    'base' in found &&
    'count' in found &&
    'newestMs' in found &&
    [found.base, found.count, found.newestMs].every((value) => typeof value === 'number')
  )
}

function isFound(found: unknown): found is FoundFile {
  return (
    typeof found === 'object' &&
    found !== null &&
    'path' in found &&
    'byteLength' in found &&
    'modifiedMs' in found &&
    typeof found.path === 'string' &&
    typeof found.byteLength === 'number' &&
    typeof found.modifiedMs === 'number'
  )
}
