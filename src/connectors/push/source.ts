import type { EdgeRow } from '../../batch/edge-row.ts'
import type { Schema } from '../../batch/schema.ts'
import type { Clock } from '../../core/clock.ts'
import { StreamError } from '../../core/error.ts'
import type { Source } from '../../flow/connector.ts'
import { lossyNumbers } from '../lossy-rows.ts'
import { numberedSource } from '../numbered-source.ts'
import type { SourceContext, SourceFactory } from '../registry.ts'
import { type RowLog, rowLog } from '../row-log.ts'
import { createFeed, type Feed, type PushOptions } from './feed.ts'
import { openJournal } from './journal.ts'
import { decodeRows, encodeRows, type JournalEntry } from './journal-entry.ts'
import type { Intake } from './push-queue.ts'

export type { PushOptions } from './feed.ts'

export interface PushStreamOptions {
  /** `false`: accepted rows are only in memory, and lost with the process. Default true. */
  readonly journal?: boolean
  /** How much may be accepted before the query has read it; more has to wait. Default 64 MiB. */
  readonly bufferBytes?: number
  /** How long a push waits for a query that reads it, milliseconds. Default 30 seconds. */
  readonly waitMs?: number
  /** How many of the newest ids are remembered. Default 100,000. */
  readonly rememberIds?: number
}

/** A stream that the program around the query feeds: a service pushes what its requests bring. */
export interface PushStream {
  readonly schema: Schema
  /**
   * Adds rows, given as objects or as lists in column order: all of them or none. Resolves when they
   * are accepted, that is in the journal on disk, so that they survive the death of the process; with
   * `durable` when they are part of a committed epoch. Waits while the query is behind, and for a
   * query to start. A push that failed, or whose answer was lost, may be repeated under the same `id`.
   * @throws StreamError `CAST_INVALID_INPUT`, `PUSH_CLOSED`, `PUSH_OVERFLOW`, `IO_ERROR`
   */
  push(rows: readonly (EdgeRow | readonly unknown[])[], options?: PushOptions): Promise<void>
  /** Refuses every further push; what was accepted is read all the same. */
  close(): Promise<void>
}

/** What is behind the streams of this process; a stream shows only what users may do. */
interface Behind {
  readonly feed: Feed
  readonly journal: boolean
  /** Rows of a stream without journal: they stay while the process lives. */
  readonly volatile: RowLog
  readonly wakes: Set<() => void>
}

const behind = new WeakMap<object, Behind>()

/** A new stream; one query at a time reads it. */
export function pushStream(schema: Schema, options: PushStreamOptions, clock: Clock): PushStream {
  const feed = createFeed({
    schema,
    clock,
    bufferBytes: atLeastOne('bufferBytes', options.bufferBytes ?? 64 * 1024 * 1024),
    waitMs: atLeastOne('waitMs', options.waitMs ?? 30_000),
    rememberIds: atLeastOne('rememberIds', options.rememberIds ?? 100_000),
  })
  const stream: PushStream = {
    schema,
    push: (rows, how = {}) => feed.push(rows, how),
    close: () => feed.close(),
  }
  const journal = options.journal ?? true
  behind.set(stream, { feed, journal, volatile: rowLog(schema), wakes: new Set() })
  return stream
}

/** Reads a `pushStream`, given as the handle of the scan. */
export const pushSource: SourceFactory = {
  format: 'push',
  noPast: true,
  options: [],
  schemaFor(_, given) {
    if (given !== undefined) return given
    throw new StreamError('SCHEMA_REQUIRED', { format: 'push' })
  },
  async create(context) {
    const { handle } = context
    const found = handle === undefined ? undefined : behind.get(handle)
    if (found === undefined) {
      throw new StreamError('CONFIG_INVALID', {
        option: 'format',
        value: 'push',
        expected: 'a stream made with session.pushSource(…)',
      })
    }
    checkFree(found.feed)
    return found.journal && context.folder !== undefined
      ? await journaledSource(found.feed, context, context.folder)
      : volatileSource(found, context)
  },
}

/** Files of at most this size, and never so large that one alone fills the buffer. */
const segmentBytesMax = 8 * 1024 * 1024

async function journaledSource(
  feed: Feed,
  context: SourceContext,
  folder: string,
): Promise<Source> {
  const { files, random, schema, name } = context
  const journal = await openJournal({
    files,
    folder,
    random,
    schema,
    source: name,
    segmentBytes: segmentBytesMax,
  })
  const log = rowLog(schema, { firstRow: journal.found[0]?.firstRow ?? journal.nextRow })
  for (const entry of journal.found) {
    for (const row of decodeRows(schema, entry)) log.append(row)
  }
  const wakes = new Set<() => void>()
  const intake: Intake = {
    place: folder,
    ids: journal.ids,
    unread: journal.found.map(({ firstRow, rowCount, rows }) => ({
      end: firstRow + rowCount,
      byteLength: rows.length,
    })),
    async accept(groups) {
      let next = log.end
      const entries = groups.map(({ id, rows }): JournalEntry => {
        const entry = { firstRow: next, rowCount: rows.length, id, rows: encodeRows(schema, rows) }
        next += rows.length
        return entry
      })
      await journal.append(entries)
      for (const { rows } of groups) for (const row of rows) log.append(row)
      for (const wake of [...wakes]) wake()
      return entries.map(({ firstRow, rowCount }) => firstRow + rowCount)
    },
  }
  checkFree(feed)
  feed.attach(name, intake)
  return numberedSource(context, {
    description: 'push',
    replayable: true,
    log,
    wakes,
    reach(from, to) {
      if (to <= log.end && from >= log.start) return
      const what = `the rows ${from} to ${to} in the journal ${folder}, which has ${log.start} to ${log.end}`
      throw new StreamError('SOURCE_LOST_DATA', { source: name, what })
    },
    consumed: (row) => feed.consumed(row),
    async commit(row) {
      feed.committed(row)
      await journal.release(row, feed.ids)
    },
    async close() {
      await feed.detach()
      await journal.close()
    },
  })
}

function volatileSource({ feed, volatile, wakes }: Behind, context: SourceContext): Source {
  const intake: Intake = {
    place: 'memory',
    ids: new Map(),
    unread: [],
    async accept(groups) {
      const ends = groups.map(({ rows }) => {
        for (const row of rows) volatile.append(row)
        return volatile.end
      })
      for (const wake of [...wakes]) wake()
      return ends
    },
  }
  const numbers = lossyNumbers(volatile, () => {
    checkFree(feed)
    feed.attach(context.name, intake)
  })
  return numberedSource(context, {
    description: 'push, without journal',
    replayable: false,
    log: volatile,
    wakes,
    reach: numbers.reach,
    consumed: (row) => feed.consumed(row),
    commit: async (row) => feed.committed(row),
    close: () => feed.detach(),
    metrics: () => ({ rowsLost: String(numbers.lost) }),
  })
}

function checkFree(feed: Feed): void {
  if (!feed.isAttached) return
  throw new StreamError('CONFIG_INVALID', {
    option: 'pushSource',
    value: 'read a second time',
    expected: 'one running query, and one place in it,',
  })
}

function atLeastOne(option: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1) return value
  throw new StreamError('CONFIG_INVALID', {
    option,
    value: String(value),
    expected: 'a whole number from 1 up',
  })
}
