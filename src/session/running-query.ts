import type { JobEvent, JobHandle } from '../../actors/job.ts'
import type { Clock } from '../core/clock.ts'
import type { QueryWarning } from '../core/warning.ts'
import type { DataFrame, StreamingQuery } from '../dataframe/data-frame.ts'
import type { QueryState, Savepoint, StateOptions } from '../dataframe/streaming-query.ts'
import {
  healthOf,
  isActive,
  newRecord,
  type QueryEvent,
  type QueryRecord,
  type Recording,
  recordEnd,
  recordEvent,
} from './query-record.ts'
import { type RowTaps, releaseReaders, resultsOf } from './query-rows.ts'
import { deadLettersOf, lateRowsOf } from './side-rows.ts'
import { timeoutMs, within } from './timeout.ts'

/** What the handle of a query is made of. */
export interface RunningParts extends RowTaps, Recording {
  /** The id of the checkpoint; a new one until that is open. */
  readonly id: () => string
  readonly runId: string
  readonly name: string | undefined
  readonly clock: Clock
  readonly planText: (extended: boolean) => string
  readonly stopTimeoutMs: number
  /** What the query warns of from the start. */
  readonly warnings: readonly QueryWarning[]
  readonly print: (text: string) => void
  readonly savepoint: (path: string) => Promise<Savepoint>
  readonly state: (operator: string | number, options?: StateOptions) => QueryState<DataFrame>
  /** Told of everything the query does, after it was recorded. */
  readonly observe: (event: QueryEvent) => void
}

/** A query from its start to its end, fed by the events of its job. */
export interface RunningQuery {
  readonly query: StreamingQuery
  /** To be called with every event of the job. */
  onEvent(event: JobEvent): void
  /** Binds the job, once it exists; a start that fails is reported through `failed`. */
  run(job: Promise<JobHandle>): void
}

/** The job behind the handle, from the moment it is asked for. */
interface JobSlot {
  handle: JobHandle | undefined
  /** Settles once the job exists, or will never exist. */
  started: Promise<unknown>
  ended: Promise<void>
  /** Calls that wait for the query to come to rest. */
  readonly waiting: Set<() => void>
}

export function runningQuery(parts: RunningParts): RunningQuery {
  const record = newRecord(parts.clock.now(), parts.warnings)
  const slot: JobSlot = {
    handle: undefined,
    started: Promise.resolve(),
    ended: Promise.resolve(),
    waiting: new Set(),
  }
  const onEvent = (event: JobEvent): void => {
    const told = recordEvent(record, event, parts)
    if (told === undefined) return
    parts.observe(told)
    if (told.type === 'idle') wakeWaiting(slot)
  }
  return {
    query: handleOf(parts, record, slot),
    onEvent,
    run(job) {
      const letGo = keepAlive(parts.clock)
      const finish = (failure: unknown): void => {
        letGo()
        recordEnd(record, failure)
        parts.results.end(record.error)
        parts.late.end(record.error)
        parts.dead.end(record.error)
        parts.observe({ type: 'terminated', error: record.error })
        wakeWaiting(slot)
      }
      parts.observe({ type: 'started' })
      for (const warning of parts.warnings) parts.observe({ type: 'warning', warning })
      slot.started = job.then(
        (made) => {
          slot.handle = made
        },
        () => undefined,
      )
      slot.ended = job.then((made) => made.done).then(() => finish(undefined), finish)
    },
  }
}

function handleOf(parts: RunningParts, record: QueryRecord, slot: JobSlot): StreamingQuery {
  const { clock } = parts
  return {
    get id() {
      return parts.id()
    },
    runId: parts.runId,
    name: parts.name,
    get isActive() {
      return isActive(record)
    },
    get status() {
      return record.status
    },
    get lastProgress() {
      return record.recent.at(-1)
    },
    get recentProgress() {
      return [...record.recent]
    },

    async awaitTermination(timeout) {
      if (timeout === undefined) await slot.ended
      else if (!(await within(clock, slot.ended, timeoutMs(timeout)))) return false
      if (record.error !== undefined) throw record.error
      return true
    },

    async processAllAvailable() {
      await slot.started
      const wakes = slot.handle?.wake() ?? 0
      while (isActive(record) && record.idleWakes < wakes) {
        await new Promise<void>((resolve) => slot.waiting.add(resolve))
      }
      if (record.error !== undefined) throw record.error
    },

    async stop({ force = false, timeout } = {}) {
      await slot.started
      const waitMs = timeout === undefined ? parts.stopTimeoutMs : timeoutMs(timeout)
      releaseReaders(parts)
      if (force) await slot.handle?.force()
      else await slot.handle?.stop(waitMs)
      await slot.ended
    },

    exception: () => record.error,
    get warnings() {
      return [...record.warnings]
    },

    explain(extended = false) {
      const text = parts.planText(extended)
      parts.print(text)
      return text
    },

    results: (options) => resultsOf(parts, options?.uncommitted ?? false),
    lateRows: () => lateRowsOf(parts),
    deadLetters: () => deadLettersOf(parts),
    state: parts.state,
    savepoint: parts.savepoint,
    health: () => healthOf(record, clock.now()),
  }
}

function wakeWaiting({ waiting }: JobSlot): void {
  const calls = [...waiting]
  waiting.clear()
  for (const call of calls) call()
}

const keepAliveMs = 3_600_000

/** A query that waits for arrivals may have no timer of its own; it keeps the process alive all the same. */
function keepAlive(clock: Clock): () => void {
  let cancel: () => void = () => undefined
  const again = (): void => {
    cancel = clock.after(keepAliveMs, again)
  }
  again()
  return () => cancel()
}
