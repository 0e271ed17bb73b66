import { type EdgeRow, fromRow } from '../../batch/edge-row.ts'
import type { Schema } from '../../batch/schema.ts'
import type { Value } from '../../batch/value.ts'
import type { Clock } from '../../core/clock.ts'
import { StreamError } from '../../core/error.ts'
import type { PushIds } from './journal-state.ts'

/** Where accepted rows go while a query reads them. */
export interface Intake {
  /** Takes rows in, durably if it can, and says the number after the last of each group. */
  accept(groups: readonly PushedRows[]): Promise<readonly number[]>
  /** Ids accepted in earlier runs. */
  readonly ids: PushIds
  /** Groups accepted in earlier runs that the query may have yet to read. */
  readonly unread: readonly UnreadRows[]
  /** Another place has other rows under the same numbers. */
  readonly place: string
}

interface UnreadRows {
  /** The number after the last row. */
  readonly end: number
  readonly byteLength: number
}

/** The rows of one push. */
export interface PushedRows {
  readonly id: string | undefined
  readonly rows: readonly (readonly Value[])[]
  /** About the memory they take. */
  readonly byteLength: number
}

export interface FeedSettings {
  readonly schema: Schema
  readonly bufferBytes: number
  readonly waitMs: number
  readonly rememberIds: number
  readonly clock: Clock
}

/** The order of pushes, who waits for what, and how much is under way; knows no files. */
export interface Feed {
  readonly settings: FeedSettings
  push(rows: readonly (EdgeRow | readonly unknown[])[], how: PushOptions): Promise<void>
  /** No more pushes; those that wait are refused. Resolves when none is being written. */
  close(): Promise<void>
  /** A query reads from now on; `name` is the source's. */
  attach(name: string, intake: Intake): void
  /** It does not any more. Resolves when nothing is being written. */
  detach(): Promise<void>
  readonly isAttached: boolean
  /** Rows below the number were read: there is room again. */
  consumed(row: number): void
  /** Rows below the number are committed. */
  committed(row: number): void
  readonly ids: PushIds
}

/** How sure a push is to be. */
export interface PushOptions {
  /** The caller's name for these rows: pushed again under the same name they are not added again. */
  readonly id?: string
  /** Wait until the rows are part of a committed epoch, and not only accepted. */
  readonly durable?: boolean
}

interface Waiting extends PushedRows {
  readonly resolve: (end: number) => void
  readonly reject: (error: unknown) => void
}

/** More pushes than this at one time are not awaited by anybody. */
const waitingMax = 100_000

export function createFeed(settings: FeedSettings): Feed {
  const { schema, clock, bufferBytes } = settings
  const ids = new Map<string, number>()
  let queue: Waiting[] = []
  let durable: { end: number; resolve: () => void; reject: (error: unknown) => void }[] = []
  let unread: readonly UnreadRows[] = []
  let unreadBytes = 0
  let committedRow = 0
  let intake: Intake | undefined
  let name = 'push'
  let place = ''
  let closed: string | undefined
  let writing: Promise<void> | undefined
  let stopTimer: () => void = () => undefined

  const refuseAll = (why: string): void => {
    const error = new StreamError('PUSH_CLOSED', { source: name, why })
    for (const each of [...queue, ...durable]) each.reject(error)
    queue = []
    durable = []
  }

  /** Nobody waits for ever for a query that does not come. */
  const startTimer = (): void => {
    stopTimer()
    stopTimer = clock.after(settings.waitMs, () => {
      if (intake === undefined) refuseAll(`no query has read it for ${settings.waitMs} ms`)
    })
  }

  const remember = (id: string | undefined, end: number): void => {
    if (id === undefined) return
    ids.delete(id)
    ids.set(id, end)
    for (const oldest of ids.keys()) {
      if (ids.size <= settings.rememberIds) break
      ids.delete(oldest)
    }
  }

  /** The next pushes that there is room for; repeated ones are answered at once. */
  const takeGroup = (): Waiting[] => {
    const group: Waiting[] = []
    let bytes = unreadBytes
    for (let next = queue[0]; next !== undefined; next = queue[0]) {
      const known = next.id === undefined ? undefined : ids.get(next.id)
      // A single push that is larger than the buffer goes alone.
      if (known === undefined && bytes > 0 && bytes + next.byteLength > bufferBytes) break
      if (group.some(({ id }) => id !== undefined && id === next?.id)) break
      queue.shift()
      if (known !== undefined) next.resolve(known)
      else {
        group.push(next)
        bytes += next.byteLength
      }
    }
    return group
  }

  const write = async (to: Intake, group: readonly Waiting[]): Promise<void> => {
    try {
      const ends = await to.accept(group)
      const taken = group.map((each, index) => {
        const end = ends[index] ?? 0
        remember(each.id, end)
        each.resolve(end)
        return { end, byteLength: each.byteLength }
      })
      unread = [...unread, ...taken]
      unreadBytes += taken.reduce((sum, each) => sum + each.byteLength, 0)
    } catch (thrown) {
      for (const each of group) each.reject(thrown)
    }
  }

  const writeAll = async (): Promise<void> => {
    while (queue.length > 0) {
      // Pushes of the same turn of the event loop share one fsync.
      await clock.yield()
      if (intake === undefined) return
      const group = takeGroup()
      if (group.length === 0) return
      await write(intake, group)
    }
  }

  const startWriting = (): void => {
    if (writing !== undefined || intake === undefined || queue.length === 0) return
    writing = writeAll().finally(() => {
      writing = undefined
      // A push, room or a new query may have come after the loop looked for the last time.
      if (queue.length > 0 && hasRoom()) startWriting()
    })
  }

  const hasRoom = (): boolean =>
    unreadBytes === 0 || unreadBytes + (queue[0]?.byteLength ?? 0) <= bufferBytes

  const checkOpen = (): void => {
    if (closed !== undefined) throw new StreamError('PUSH_CLOSED', { source: name, why: closed })
    if (queue.length + durable.length < waitingMax) return
    throw new StreamError('PUSH_OVERFLOW', {
      source: name,
      waiting: queue.length + durable.length,
    })
  }

  const enqueue = (pushed: PushedRows): Promise<number> =>
    new Promise((resolve, reject) => {
      queue.push({ ...pushed, resolve, reject })
      if (intake === undefined && queue.length === 1) startTimer()
      startWriting()
    })

  return {
    settings,
    ids,
    get isAttached() {
      return intake !== undefined
    },

    async push(given, how) {
      checkOpen()
      const rows = given.map((row) => fromRow(schema, row))
      if (rows.length === 0) return
      const end = await enqueue({ id: how.id, rows, byteLength: bytesOf(rows) })
      if (how.durable !== true || end <= committedRow) return
      if (closed !== undefined) checkOpen()
      await new Promise<void>((resolve, reject) => {
        durable.push({ end, resolve, reject })
        if (intake === undefined) startTimer()
      })
    },

    async close() {
      closed ??= 'it was closed'
      stopTimer()
      const waiting = queue
      queue = []
      const error = new StreamError('PUSH_CLOSED', { source: name, why: closed })
      for (const each of waiting) each.reject(error)
      await writing
    },

    attach(source, to) {
      stopTimer()
      name = source
      intake = to
      if (to.place !== place) {
        place = to.place
        committedRow = 0
        ids.clear()
      }
      for (const [id, end] of to.ids) remember(id, end)
      unread = to.unread
      unreadBytes = unread.reduce((sum, each) => sum + each.byteLength, 0)
      startWriting()
    },

    async detach() {
      intake = undefined
      await writing
      if (queue.length + durable.length > 0) startTimer()
    },

    consumed(row) {
      let read = 0
      for (const { end, byteLength } of unread) {
        if (end > row) break
        unreadBytes -= byteLength
        read++
      }
      if (read === 0) return
      unread = unread.slice(read)
      startWriting()
    },

    committed(row) {
      committedRow = Math.max(committedRow, row)
      const done = durable.filter(({ end }) => end <= row)
      if (done.length === 0) return
      durable = durable.filter(({ end }) => end > row)
      for (const each of done) each.resolve()
    },
  }
}

/** A rough figure: back-pressure needs the right order of magnitude, for every type. */
function bytesOf(rows: readonly (readonly Value[])[]): number {
  return rows.reduce((sum, row) => sum + row.reduce<number>((all, v) => all + valueBytes(v), 0), 0)
}

function valueBytes(value: Value): number {
  if (typeof value === 'string') return 8 + value.length
  if (value instanceof Uint8Array) return 8 + value.length
  if (Array.isArray(value)) return value.reduce((sum, item) => sum + valueBytes(item), 8)
  return 8
}
