import { type EdgeRow, fromRow } from '../../batch/edge-row.ts'
import type { Schema } from '../../batch/schema.ts'
import type { Value } from '../../batch/value.ts'
import type { Clock } from '../../core/clock.ts'
import { StreamError } from '../../core/error.ts'
import { commitWaiters } from './commit-waiters.ts'
import { type Intake, pushQueue } from './push-queue.ts'

/** How sure a push is to be. */
export interface PushOptions {
  /** The caller's name for these rows: pushed again under the same name they are not added again. */
  readonly id?: string
  /** Wait until the rows are part of a committed epoch, and not only accepted. */
  readonly durable?: boolean
}

export interface FeedSettings {
  readonly schema: Schema
  readonly bufferBytes: number
  readonly waitMs: number
  readonly rememberIds: number
  readonly clock: Clock
}

/** The two ends of a push stream: callers that push, and the query that reads; knows no files. */
export interface Feed {
  push(rows: readonly (EdgeRow | readonly unknown[])[], how: PushOptions): Promise<void>
  /** No more pushes; those that wait are refused. */
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
  readonly ids: ReadonlyMap<string, number>
}

/** More callers than this at one time are not waiting for their answers. */
const waitingMax = 100_000

export function createFeed(settings: FeedSettings): Feed {
  const { schema, clock, waitMs } = settings
  const queue = pushQueue(settings)
  const durable = commitWaiters()
  let name = 'push'
  let place = ''
  let isClosed = false
  let stopTimer: () => void = () => undefined

  const closedError = (why: string): StreamError =>
    new StreamError('PUSH_CLOSED', { source: name, why })

  /** Nobody waits for ever for a query that does not come. */
  const startTimer = (): void => {
    if (queue.isAttached || queue.size + durable.size === 0) return
    stopTimer()
    stopTimer = clock.after(waitMs, () => {
      const error = closedError(`no query has read it for ${waitMs} ms`)
      queue.refuse(error)
      durable.refuse(error)
    })
  }

  const checkOpen = (): void => {
    if (isClosed) throw closedError('it was closed')
    const waiting = queue.size + durable.size
    if (waiting >= waitingMax) throw new StreamError('PUSH_OVERFLOW', { source: name, waiting })
  }

  return {
    async push(given, { id, durable: isDurable }) {
      checkOpen()
      const rows = given.map((row) => fromRow(schema, row))
      if (rows.length === 0) return
      const accepted = queue.enqueue({ id, rows, byteLength: bytesOf(rows) })
      if (queue.size + durable.size === 1) startTimer()
      const end = await accepted
      if (isDurable !== true) return
      const committed = durable.wait(end)
      startTimer()
      await committed
    },
    async close() {
      isClosed = true
      queue.refuse(closedError('it was closed'))
    },
    attach(source, intake) {
      stopTimer()
      name = source
      if (intake.place !== place) {
        place = intake.place
        durable.reset()
        queue.ids.clear()
      }
      queue.attach(intake)
    },
    async detach() {
      await queue.detach()
      startTimer()
    },
    get isAttached() {
      return queue.isAttached
    },
    consumed: (row) => queue.consumed(row),
    committed: (row) => durable.committed(row),
    get ids() {
      return queue.ids.all
    },
  }
}

/** A rough figure: back-pressure needs the right order of magnitude, for every type. */
function bytesOf(rows: readonly (readonly Value[])[]): number {
  let bytes = 0
  for (const row of rows) for (const value of row) bytes += valueBytes(value)
  return bytes
}

function valueBytes(value: Value): number {
  if (typeof value === 'string' || value instanceof Uint8Array) return 8 + value.length
  if (Array.isArray(value)) return value.reduce((sum, item) => sum + valueBytes(item), 8)
  return 8
}
