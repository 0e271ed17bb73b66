import type { Clock } from '../core/clock.ts'
import { unreachable } from '../core/error.ts'
import type { StreamingQuery } from '../dataframe/data-frame.ts'
import type { StreamingQueryListener } from '../dataframe/streaming-query.ts'
import type { QueryEvent } from './query-record.ts'

/** The listeners of a session, in the order they were added. */
export interface QueryListeners {
  readonly all: Set<StreamingQueryListener>
  /** Tells each of them what happened to a query; one that throws disturbs nobody. */
  notify(query: StreamingQuery, event: QueryEvent): void
}

/** `noDataIntervalMs` is how often a query that stays at rest is reported as idle. */
export function queryListeners(
  clock: Clock,
  noDataIntervalMs: number,
  warn: (text: string) => void,
): QueryListeners {
  const all = new Set<StreamingQueryListener>()
  const lastIdleMs = new WeakMap<StreamingQuery, number>()

  const tell = (call: (listener: StreamingQueryListener) => void): void => {
    for (const listener of all) {
      try {
        call(listener)
      } catch (error) {
        // A listener watches; it must never stop what it watches.
        warn(`A StreamingQueryListener threw: ${String(error)}`)
      }
    }
  }

  const idleIsDue = (query: StreamingQuery, now: number): boolean => {
    const due = now - (lastIdleMs.get(query) ?? now) >= noDataIntervalMs
    if (due || !lastIdleMs.has(query)) lastIdleMs.set(query, now)
    return due
  }

  return {
    all,
    notify(query, event) {
      const { id, runId, name } = query
      const now = clock.now()
      const timestamp = new Date(now).toISOString()
      switch (event.type) {
        case 'started':
          return tell((each) => each.onQueryStarted?.({ id, runId, name, timestamp }))
        case 'progress':
          lastIdleMs.delete(query)
          return tell((each) => each.onQueryProgress?.({ progress: event.progress }))
        case 'idle':
          if (!idleIsDue(query, now)) return
          return tell((each) => each.onQueryIdle?.({ id, runId, timestamp }))
        case 'warning': {
          const { warning } = event
          return tell((each) => each.onQueryWarning?.({ id, runId, name, timestamp, warning }))
        }
        case 'terminated': {
          const { error } = event
          const exception = error?.message
          return tell((each) =>
            each.onQueryTerminated?.({ id, runId, exception, errorClass: error?.code }),
          )
        }
        default:
          return unreachable(event)
      }
    },
  }
}
