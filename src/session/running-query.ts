import type { EpochProgress, JobEvent, JobHandle } from '../../actors/job.ts'
import { type EdgeOptions, toRows } from '../batch/edge-row.ts'
import type { Clock } from '../core/clock.ts'
import { parseDuration } from '../core/duration.ts'
import { reasonOf, StreamError } from '../core/error.ts'
import type { StreamingQueryProgress } from '../dataframe/progress.ts'
import type {
  LateRow,
  QueryHealth,
  ResultBatch,
  StreamingQuery,
  StreamingQueryStatus,
  Timeout,
} from '../dataframe/streaming-query.ts'
import type { EpochHeader } from '../flow/message.ts'
import type { Tap } from '../runtime/tap.ts'

/** What the handle of a query is made of. */
export interface RunningParts {
  /** The id of the checkpoint; a new one until that is open. */
  readonly id: () => string
  readonly runId: string
  readonly name: string | undefined
  readonly clock: Clock
  readonly edge: EdgeOptions
  readonly results: Tap
  readonly late: Tap
  /** The operator whose late rows the tap carries; `undefined` when the plan has none. */
  readonly lateOperator: string | undefined
  readonly planText: (extended: boolean) => string
  readonly stopTimeoutMs: number
  readonly recentLimit: number
  readonly print: (text: string) => void
  readonly progressOf: (
    epoch: EpochProgress,
    previousTriggerMs: number | undefined,
  ) => StreamingQueryProgress
  /** Told of everything the query does, after it was recorded. */
  readonly observe: (event: QueryEvent) => void
}

/** What happens to a query, for listeners and the progress line. */
export type QueryEvent =
  | { readonly type: 'started' }
  | { readonly type: 'progress'; readonly progress: StreamingQueryProgress }
  | { readonly type: 'idle' }
  | { readonly type: 'terminated'; readonly error: StreamError | undefined }

/** A query from its start to its end, fed by the events of its job. */
export interface RunningQuery {
  readonly query: StreamingQuery
  /** To be called with every event of the job. */
  onEvent(event: JobEvent): void
  /** Binds the job, once it exists; a start that fails is reported through `failed`. */
  run(job: Promise<JobHandle>): void
}

const keepAliveMs = 3_600_000

export function runningQuery(parts: RunningParts): RunningQuery {
  const { clock } = parts
  const startedMs = clock.now()
  const recent: StreamingQueryProgress[] = []
  let status: StreamingQueryStatus = {
    message: 'Initializing sources',
    isDataAvailable: false,
    isTriggerActive: false,
  }
  let state: 'starting' | 'running' | 'restarting' | 'stopped' | 'failed' = 'starting'
  let error: StreamError | undefined
  let handle: JobHandle | undefined
  let lastEpoch = -1
  let lastCommitMs = startedMs
  let previousTriggerMs: number | undefined
  const lateWatermarks = new Map<number, number>()
  let restarts = 0
  let restartReason = ''
  let idleWakes = -1
  let waiting: (() => void)[] = []
  let ended: Promise<void> = Promise.resolve()
  // A query that waits for arrivals may have no timer of its own; it keeps the process alive all the same.
  let letGo: () => void = () => undefined
  const keepAlive = (): void => {
    letGo = clock.after(keepAliveMs, keepAlive)
  }
  let started: Promise<unknown> = Promise.resolve()

  const wakeWaiting = (): void => {
    const calls = waiting
    waiting = []
    for (const call of calls) call()
  }

  // A few epochs are under way at one time; older watermarks are not asked for again.
  const noteWatermark = ({ epoch, lateWatermark }: EpochHeader): void => {
    lateWatermarks.set(epoch, lateWatermark)
    lateWatermarks.delete(epoch - 64)
  }

  const onEvent = (event: JobEvent): void => {
    switch (event.type) {
      case 'started':
        state = 'running'
        lastEpoch = event.recovered.epoch
        for (const header of event.recovered.decisions) noteWatermark(header)
        break
      case 'decided':
        noteWatermark(event.header)
        break
      case 'committed': {
        const progress = parts.progressOf(event.progress, previousTriggerMs)
        previousTriggerMs = event.progress.triggerStartMs
        lastEpoch = event.progress.epoch
        lastCommitMs = event.progress.committedMs
        recent.push(progress)
        if (recent.length > parts.recentLimit) recent.shift()
        parts.observe({ type: 'progress', progress })
        break
      }
      case 'idle':
        idleWakes = Math.max(idleWakes, event.wakes)
        parts.observe({ type: 'idle' })
        wakeWaiting()
        break
      case 'status':
        status = {
          message: event.message,
          isDataAvailable: event.isDataAvailable,
          isTriggerActive: event.isTriggerActive,
        }
        break
      case 'restarting':
        state = 'restarting'
        restarts++
        restartReason = reasonOf(event.failure.cause)
        break
      default:
        break
    }
  }

  const finish = (failure: unknown): void => {
    letGo()
    error = failure === undefined ? undefined : asStreamError(failure)
    state = error === undefined ? 'stopped' : 'failed'
    status = {
      message: error === undefined ? 'Stopped' : `Terminated with exception: ${error.message}`,
      isDataAvailable: false,
      isTriggerActive: false,
    }
    parts.results.end(error)
    parts.late.end(error)
    parts.observe({ type: 'terminated', error })
    wakeWaiting()
  }

  const isActive = (): boolean => state !== 'stopped' && state !== 'failed'

  const query: StreamingQuery = {
    get id() {
      return parts.id()
    },
    runId: parts.runId,
    name: parts.name,
    get isActive() {
      return isActive()
    },
    get status() {
      return status
    },
    get lastProgress() {
      return recent.at(-1)
    },
    get recentProgress() {
      return [...recent]
    },

    async awaitTermination(timeout) {
      if (timeout === undefined) await ended
      else if (!(await within(clock, ended, timeoutMs(timeout)))) return false
      if (error !== undefined) throw error
      return true
    },

    async processAllAvailable() {
      await started
      const wakes = handle?.wake() ?? 0
      while (isActive() && idleWakes < wakes) {
        await new Promise<void>((resolve) => {
          waiting.push(resolve)
        })
      }
      if (error !== undefined) throw error
    },

    async stop(options = {}) {
      await started
      const { force = false, timeout } = options
      const waitMs = timeout === undefined ? parts.stopTimeoutMs : timeoutMs(timeout)
      if (force) await handle?.force()
      else await handle?.stop(waitMs)
      await ended
    },

    exception: () => error,

    explain(extended = false) {
      const text = parts.planText(extended)
      parts.print(text)
      return text
    },

    results: (options) => resultsOf(parts, options?.uncommitted ?? false),
    lateRows: () => lateRowsOf(parts, lateWatermarks),

    health(): QueryHealth {
      const lastCommitAgeMs = Math.max(clock.now() - lastCommitMs, 0)
      const common = { lastCommittedEpoch: lastEpoch, lastCommitAgeMs, restarts }
      switch (state) {
        case 'starting':
          return { state, reason: 'the query has not begun yet', ...common }
        case 'restarting':
          return { state: 'degraded', reason: `restarting after: ${restartReason}`, ...common }
        case 'failed':
          return { state, reason: error?.message ?? '', ...common }
        default:
          return { state: state === 'stopped' ? 'stopped' : 'healthy', reason: '', ...common }
      }
    },
  }

  return {
    query,
    onEvent,
    run(job) {
      keepAlive()
      parts.observe({ type: 'started' })
      started = job.then(
        (made) => {
          handle = made
        },
        () => undefined,
      )
      ended = job
        .then((made) => made.done)
        .then(
          () => finish(undefined),
          (failure: unknown) => finish(failure),
        )
    },
  }
}

async function* resultsOf(
  { results, edge }: RunningParts,
  uncommitted: boolean,
): AsyncGenerator<ResultBatch> {
  for await (const { epoch, batches } of results.subscribe({ uncommitted })) {
    yield { epoch, rows: batches.flatMap((batch) => toRows(batch, edge)) }
  }
}

async function* lateRowsOf(
  { late, edge, lateOperator }: RunningParts,
  watermarks: ReadonlyMap<number, number>,
): AsyncGenerator<LateRow> {
  if (lateOperator === undefined) return
  for await (const { epoch, batches } of late.subscribe({ uncommitted: false })) {
    const watermark = new Date((watermarks.get(epoch) ?? 0) / 1000)
    for (const batch of batches) {
      for (const row of toRows(batch, edge)) yield { epoch, operator: lateOperator, watermark, row }
    }
  }
}

/** Milliseconds of a timeout given as text, or as seconds like in PySpark. */
export function timeoutMs(timeout: Timeout): number {
  if (typeof timeout === 'number') return timeout * 1000
  return parseDuration(timeout) / 1000
}

/** True if the promise settled first. */
function within(clock: Clock, promise: Promise<unknown>, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = clock.after(ms, () => resolve(false))
    const done = (): void => {
      cancel()
      resolve(true)
    }
    promise.then(done, done)
  })
}

function asStreamError(failure: unknown): StreamError {
  if (failure instanceof StreamError) return failure
  return new StreamError('INTERNAL', { what: reasonOf(failure) }, { cause: failure })
}
