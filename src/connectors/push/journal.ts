import { type Schema, schemaText } from '../../batch/schema.ts'
import { StreamError } from '../../core/error.ts'
import { type AppendFile, type FileSystem, joinPath } from '../../core/file-system.ts'
import type { Random } from '../../core/random.ts'
import {
  decodeEntry,
  decodeFrames,
  encodeEntry,
  encodeFrame,
  type JournalEntry,
} from './journal-entry.ts'
import { type PushIds, readState, stateNumber, writeState } from './journal-state.ts'

/** The rows of a push source on disk, from those not yet committed to the newest accepted one. */
export interface Journal {
  /** What was accepted before and is still here, in order. */
  readonly found: readonly JournalEntry[]
  /** The number of the first row that was never given out. */
  readonly nextRow: number
  /** Ids of accepted pushes, with the number after their last row. */
  readonly ids: PushIds
  /**
   * Makes entries durable, all with one fsync. They were accepted only if it resolves.
   * @throws StreamError `PUSH_CLOSED` when another run has taken the journal over
   */
  append(entries: readonly JournalEntry[]): Promise<void>
  /** Lets go of files that hold only rows below the number; the ids are kept. */
  release(row: number, ids: PushIds): Promise<void>
  close(): Promise<void>
}

export interface JournalOptions {
  readonly files: FileSystem
  readonly folder: string
  readonly random: Random
  readonly schema: Schema
  readonly source: string
  /** A file that is longer is closed and the next one begun. */
  readonly segmentBytes: number
}

interface Segment {
  readonly path: string
  /** The number after its last row. */
  end: number
}

interface OpenSegment {
  readonly file: AppendFile
  readonly number: number
  readonly segment: Segment
  byteLength: number
}

/**
 * Opens the journal and takes it over: files that an earlier run still has open are renamed, and
 * that run notices before it confirms another row.
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const { files, folder } = options
  await files.makeFolder(folder)
  await sealAll(files, folder)
  const names = (await files.list(folder)).map(({ name }) => name)
  const { state, found, sealed } = await readAll(options, names)
  let nextNumber = Math.max(0, ...names.map((name) => numberOf(name) + 1))
  let open: OpenSegment | undefined

  const begin = async (): Promise<OpenSegment> => {
    const number = nextNumber++
    const name = `${String(number).padStart(12, '0')}-${options.random.uuid()}.open`
    const path = joinPath(folder, name)
    const file = await files.append(path)
    const header = encodeFrame(new TextEncoder().encode(headerText(options.schema)))
    open = { file, number, segment: { path, end: 0 }, byteLength: header.length }
    await file.append(header)
    await files.syncFolder(folder)
    return open
  }

  /** Nothing is added to the file any more. */
  const seal = async ({ file, segment }: OpenSegment): Promise<void> => {
    open = undefined
    await file.close()
    const path = segment.path.replace(/\.open$/, '.sealed')
    await files.rename(segment.path, path)
    sealed.push({ path, end: segment.end })
  }

  /** After a failure the end of the file is unknown: the rows go on in another one. */
  const abandon = async (): Promise<void> => {
    const broken = open
    open = undefined
    if (broken === undefined) return
    sealed.push(broken.segment)
    await broken.file.close().catch(() => undefined)
  }

  return {
    found,
    nextRow: Math.max(state.end, endOf(found)),
    ids: idsOf(state.ids, found),

    async append(entries) {
      try {
        const current = open ?? (await begin())
        const bytes = joined(entries.map(encodeEntry))
        await current.file.append(bytes)
        current.byteLength += bytes.length
        await current.file.sync()
        if ((await files.stat(current.segment.path)) === undefined) throw takenOver(options.source)
        current.segment.end = endOf(entries)
        if (current.byteLength > options.segmentBytes) await seal(current)
      } catch (thrown) {
        await abandon()
        throw thrown
      }
    },

    async release(row, ids) {
      const gone = sealed.filter((segment) => segment.end <= row)
      if (gone.length === 0) return
      const number = nextNumber++
      await writeState({ files, folder, number }, { end: Math.max(...gone.map(end)), ids })
      for (const segment of gone) {
        await files.remove(segment.path)
        sealed.splice(sealed.indexOf(segment), 1)
      }
      await removeOldStates(files, folder, number)
    },

    async close() {
      if (open !== undefined) await seal(open)
    },
  }
}

function end(segment: Segment): number {
  return segment.end
}

/** One write for a whole group, however many pushes it has. */
function joined(frames: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(frames.reduce((sum, frame) => sum + frame.length, 0))
  let at = 0
  for (const frame of frames) {
    bytes.set(frame, at)
    at += frame.length
  }
  return bytes
}

async function sealAll(files: FileSystem, folder: string): Promise<void> {
  for (const { name } of await files.list(folder)) {
    if (!name.endsWith('.open')) continue
    await files.rename(joinPath(folder, name), joinPath(folder, name.replace(/open$/, 'sealed')))
  }
  await files.syncFolder(folder)
}

async function readAll(options: JournalOptions, names: readonly string[]) {
  const { files, folder } = options
  const state = await readState(files, folder, names)
  const found: JournalEntry[] = []
  const sealed: Segment[] = []
  for (const name of names.filter((each) => each.endsWith('.sealed')).sort()) {
    const path = joinPath(folder, name)
    const [header, ...frames] = decodeFrames((await files.read(path)) ?? new Uint8Array())
    if (header !== undefined) checkHeader(options, path, header)
    for (const frame of frames) addEntry(found, decodeEntry(frame), { path, start: state.end })
    sealed.push({ path, end: Math.max(state.end, endOf(found)) })
  }
  return { state, found, sealed }
}

/**
 * An entry whose write failed was refused, but may be on disk all the same: then the next file
 * begins with the same row number, and what it says counts.
 */
function addEntry(
  found: JournalEntry[],
  entry: JournalEntry,
  { path, start }: { readonly path: string; readonly start: number },
): void {
  // A file whose removal did not survive a power cut; the state says that its rows are committed.
  if (entry.firstRow + entry.rowCount <= start) return
  while (found.length > 0 && endOf(found) > entry.firstRow) found.pop()
  const next = found.length > 0 ? endOf(found) : start
  if (next < entry.firstRow) {
    const what = `the rows ${next} to ${entry.firstRow - 1} are missing`
    throw new StreamError('CHECKPOINT_CORRUPT', { path, what })
  }
  found.push(entry)
}

function endOf(entries: readonly JournalEntry[]): number {
  const last = entries.at(-1)
  return last === undefined ? 0 : last.firstRow + last.rowCount
}

function idsOf(known: PushIds, found: readonly JournalEntry[]): PushIds {
  const ids = new Map(known)
  for (const { id, firstRow, rowCount } of found) {
    if (id !== undefined) ids.set(id, firstRow + rowCount)
  }
  return ids
}

async function removeOldStates(files: FileSystem, folder: string, newest: number): Promise<void> {
  for (const { name } of await files.list(folder)) {
    const number = stateNumber(name)
    if (number !== undefined && number < newest) await files.remove(joinPath(folder, name))
  }
}

function numberOf(name: string): number {
  return stateNumber(name) ?? Number(/^(\d+)-/.exec(name)?.[1] ?? -1)
}

const journalFormat = 1

function headerText(schema: Schema): string {
  return JSON.stringify({ format: journalFormat, schema: schemaText(schema) })
}

function checkHeader({ schema }: JournalOptions, path: string, bytes: Uint8Array): void {
  const header: unknown = JSON.parse(new TextDecoder().decode(bytes))
  if (typeof header !== 'object' || header === null) return
  const format = 'format' in header ? Number(header.format) : 0
  if (format > journalFormat) {
    throw new StreamError('CHECKPOINT_NEWER_FORMAT', {
      path,
      found: format,
      supported: journalFormat,
    })
  }
  const written = 'schema' in header ? String(header.schema) : ''
  if (written === schemaText(schema)) return
  const difference = `rows were pushed as (${written}), and the source has now (${schemaText(schema)})`
  throw new StreamError('CHECKPOINT_OTHER_QUERY', { path, difference })
}

function takenOver(source: string): StreamError<'PUSH_CLOSED'> {
  return new StreamError('PUSH_CLOSED', { source, why: 'another run has taken its journal over' })
}
