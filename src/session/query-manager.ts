import type { Clock } from '../core/clock.ts'
import { StreamError } from '../core/error.ts'
import type {
  StreamingQuery,
  StreamingQueryListener,
  Timeout,
} from '../dataframe/streaming-query.ts'
import { type QueryEvent, timeoutMs } from './running-query.ts'

/** The queries of a session: Spark's `spark.streams`. */
export interface StreamingQueryManager {
  readonly active: readonly StreamingQuery[]
  /** An active query by its id. */
  get(id: string): StreamingQuery | undefined
  /**
   * Waits until some query ends, or has ended since `resetTerminated`. `false` if the timeout came first.
   * @throws StreamError the error of that query
   */
  awaitAnyTermination(timeout?: Timeout): Promise<boolean>
  /** Forgets the queries that have ended. */
  resetTerminated(): void
  addListener(listener: StreamingQueryListener): void
  removeListener(listener: StreamingQueryListener): void
  listListeners(): readonly StreamingQueryListener[]
}

/** The manager with the side that only the session sees. */
export interface QueryRegistry extends StreamingQueryManager {
  /** @throws StreamError `QUERY_NAME_TAKEN` */
  checkName(name: string | undefined): void
  add(query: StreamingQuery): void
  /** Passes an event on to the listeners. */
  notify(query: StreamingQuery, event: QueryEvent): void
}

export function queryRegistry(
  clock: Clock,
  noDataIntervalMs: number,
  warn: (text: string) => void,
): QueryRegistry {
  const active = new Set<StreamingQuery>()
  const listeners = new Set<StreamingQueryListener>()
  const lastIdleMs = new WeakMap<StreamingQuery, number>()
  let ended: StreamingQuery[] = []
  let waiting: (() => void)[] = []

  const tell = (call: (listener: StreamingQueryListener) => void): void => {
    for (const listener of listeners) {
      try {
        call(listener)
      } catch (error) {
        // A listener watches; it must never stop what it watches.
        warn(`A StreamingQueryListener threw: ${String(error)}`)
      }
    }
  }

  const terminated = (query: StreamingQuery, error: StreamError | undefined): void => {
    active.delete(query)
    ended.push(query)
    const { id, runId } = query
    tell((listener) =>
      listener.onQueryTerminated?.({
        id,
        runId,
        exception: error?.message,
        errorClass: error?.code,
      }),
    )
    const calls = waiting
    waiting = []
    for (const call of calls) call()
  }

  const idle = (query: StreamingQuery): void => {
    const now = clock.now()
    const last = lastIdleMs.get(query) ?? now
    if (!lastIdleMs.has(query)) lastIdleMs.set(query, now)
    if (now - last < noDataIntervalMs) return
    lastIdleMs.set(query, now)
    const { id, runId } = query
    const timestamp = new Date(now).toISOString()
    tell((listener) => listener.onQueryIdle?.({ id, runId, timestamp }))
  }

  return {
    get active() {
      return [...active]
    },
    get: (id) => [...active].find((query) => query.id === id),

    async awaitAnyTermination(timeout) {
      const until = timeout === undefined ? undefined : clock.monotonic() + timeoutMs(timeout)
      while (ended.length === 0) {
        const left = until === undefined ? undefined : until - clock.monotonic()
        if (left !== undefined && left <= 0) return false
        await new Promise<void>((resolve) => {
          waiting.push(resolve)
          if (left !== undefined) clock.after(left, resolve)
        })
      }
      const failed = ended.map((query) => query.exception()).find((error) => error !== undefined)
      if (failed !== undefined) throw failed
      return true
    },

    resetTerminated() {
      ended = []
    },
    addListener: (listener) => void listeners.add(listener),
    removeListener: (listener) => void listeners.delete(listener),
    listListeners: () => [...listeners],

    checkName(name) {
      if (name === undefined) return
      if ([...active].some((query) => query.name === name)) {
        throw new StreamError('QUERY_NAME_TAKEN', { name })
      }
    },
    add: (query) => void active.add(query),

    notify(query, event) {
      switch (event.type) {
        case 'started': {
          const { id, runId, name } = query
          const timestamp = new Date(clock.now()).toISOString()
          tell((listener) => listener.onQueryStarted?.({ id, runId, name, timestamp }))
          break
        }
        case 'progress':
          lastIdleMs.delete(query)
          tell((listener) => listener.onQueryProgress?.({ progress: event.progress }))
          break
        case 'idle':
          idle(query)
          break
        default:
          terminated(query, event.error)
      }
    },
  }
}
