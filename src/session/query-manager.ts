import type { Clock } from '../core/clock.ts'
import { StreamError } from '../core/error.ts'
import type { StreamingQuery } from '../dataframe/data-frame.ts'
import type { StreamingQueryListener, Timeout } from '../dataframe/streaming-query.ts'
import { queryListeners } from './query-listeners.ts'
import type { QueryEvent } from './query-record.ts'
import { timeoutMs } from './timeout.ts'

/** The queries of a session: Spark's `spark.streams`. */
export interface StreamingQueryManager {
  readonly active: readonly StreamingQuery[]
  /** An active query by its id. */
  get(id: string): StreamingQuery | undefined
  /**
   * Waits until some query or fleet ends, or has ended since `resetTerminated`; a partition that goes from one process of
   * a fleet to another is no end. `false` if the timeout came first.
   * @throws StreamError the error that ended it
   */
  awaitAnyTermination(timeout?: Timeout): Promise<boolean>
  /** Forgets what has ended. */
  resetTerminated(): void
  addListener(listener: StreamingQueryListener): void
  removeListener(listener: StreamingQueryListener): void
  listListeners(): readonly StreamingQueryListener[]
}

/** A query or a fleet that is over. */
interface Ended {
  exception(): StreamError | undefined
}

/** The manager with the side that only the session sees. */
export interface QueryRegistry extends StreamingQueryManager {
  /** @throws StreamError `QUERY_NAME_TAKEN` */
  checkName(name: string | undefined): void
  add(query: StreamingQuery): void
  /** Passes an event on to the listeners. */
  notify(query: StreamingQuery, event: QueryEvent): void
  /** Whoever waits for an end hears of this one. */
  hasEnded(what: Ended): void
}

export function queryRegistry(
  clock: Clock,
  noDataIntervalMs: number,
  warn: (text: string) => void,
): QueryRegistry {
  const active = new Set<StreamingQuery>()
  const listeners = queryListeners(clock, noDataIntervalMs, warn)
  let ended: Ended[] = []
  let waiting: (() => void)[] = []

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
      const failed = ended.map((what) => what.exception()).find((error) => error !== undefined)
      if (failed !== undefined) throw failed
      return true
    },

    resetTerminated() {
      ended = []
    },
    addListener: (listener) => void listeners.all.add(listener),
    removeListener: (listener) => void listeners.all.delete(listener),
    listListeners: () => [...listeners.all],

    checkName(name) {
      if (name === undefined) return
      if ([...active].some((query) => query.name === name)) {
        throw new StreamError('QUERY_NAME_TAKEN', { name })
      }
    },
    add: (query) => void active.add(query),

    notify(query, event) {
      if (event.type === 'terminated') active.delete(query)
      listeners.notify(query, event)
    },

    hasEnded(what) {
      ended.push(what)
      const calls = waiting
      waiting = []
      for (const call of calls) call()
    },
  }
}
