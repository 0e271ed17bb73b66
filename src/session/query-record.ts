import type { EpochProgress, JobEvent } from '../../actors/job.ts'
import { reasonOf, StreamError, unreachable } from '../core/error.ts'
import { type QueryWarning, queryWarning } from '../core/warning.ts'
import type { StreamingQueryProgress } from '../dataframe/progress.ts'
import type { QueryHealth, StreamingQueryStatus } from '../dataframe/streaming-query.ts'

/** What happens to a query, for listeners and the progress line. */
export type QueryEvent =
  | { readonly type: 'started' }
  | { readonly type: 'progress'; readonly progress: StreamingQueryProgress }
  | { readonly type: 'idle' }
  | { readonly type: 'warning'; readonly warning: QueryWarning }
  | { readonly type: 'terminated'; readonly error: StreamError | undefined }

/** What is known of a query so far. Only the functions of this file change it. */
export interface QueryRecord {
  state: 'starting' | 'running' | 'restarting' | 'stopped' | 'failed'
  status: StreamingQueryStatus
  error: StreamError | undefined
  /** The newest epochs, oldest first. */
  readonly recent: StreamingQueryProgress[]
  lastEpoch: number
  lastCommitMs: number
  previousTriggerMs: number | undefined
  restarts: number
  restartReason: string
  /** How many calls of `wake` the query has come to rest after. */
  idleWakes: number
  /** Oldest first; the newest are kept. */
  readonly warnings: QueryWarning[]
}

/** More than anyone reads. */
const warningsMax = 100

/** How an epoch becomes a progress, and how many of them are kept. */
export interface Recording {
  readonly recentLimit: number
  readonly progressOf: (
    epoch: EpochProgress,
    previousTriggerMs: number | undefined,
  ) => StreamingQueryProgress
}

export function newRecord(nowMs: number, warnings: readonly QueryWarning[]): QueryRecord {
  return {
    state: 'starting',
    status: status('Initializing sources'),
    error: undefined,
    recent: [],
    lastEpoch: -1,
    lastCommitMs: nowMs,
    previousTriggerMs: undefined,
    restarts: 0,
    restartReason: '',
    idleWakes: -1,
    warnings: [...warnings],
  }
}

/** Notes an event of the job; returns what listeners are to be told of it, if anything. */
export function recordEvent(
  record: QueryRecord,
  event: JobEvent,
  recording: Recording,
): QueryEvent | undefined {
  switch (event.type) {
    case 'started':
      record.state = 'running'
      record.lastEpoch = event.recovered.epoch
      return undefined
    case 'committed':
      return { type: 'progress', progress: noteCommit(record, event.progress, recording) }
    case 'idle':
      record.idleWakes = Math.max(record.idleWakes, event.wakes)
      return { type: 'idle' }
    case 'status':
      record.status = {
        message: event.message,
        isDataAvailable: event.isDataAvailable,
        isTriggerActive: event.isTriggerActive,
      }
      return undefined
    case 'restarting':
      record.state = 'restarting'
      record.restarts++
      record.restartReason = reasonOf(event.failure.cause)
      return undefined
    case 'warning': {
      const { what, cause } = event
      return noteWarning(record, queryWarning('CLEANUP_FAILED', { what, why: reasonOf(cause) }))
    }
    case 'overQuota': {
      const { epoch, excess } = event
      return noteWarning(record, queryWarning('STATE_QUOTA_EXCEEDED', { epoch, ...excess }))
    }
    case 'decided':
      return undefined
    default:
      return unreachable(event)
  }
}

function noteWarning({ warnings }: QueryRecord, warning: QueryWarning): QueryEvent {
  warnings.push(warning)
  if (warnings.length > warningsMax) warnings.shift()
  return { type: 'warning', warning }
}

/** Notes the end of the query, with the failure that ended it, if any did. */
export function recordEnd(record: QueryRecord, failure: unknown): void {
  const error = failure === undefined ? undefined : asStreamError(failure)
  record.error = error
  record.state = error === undefined ? 'stopped' : 'failed'
  record.status = status(
    error === undefined ? 'Stopped' : `Terminated with exception: ${error.message}`,
  )
}

export function isActive({ state }: QueryRecord): boolean {
  return state !== 'stopped' && state !== 'failed'
}

/** What a health check of the process is told. */
export function healthOf(record: QueryRecord, nowMs: number): QueryHealth {
  const { state, restarts } = record
  const common = {
    lastCommittedEpoch: record.lastEpoch,
    lastCommitAgeMs: Math.max(nowMs - record.lastCommitMs, 0),
    restarts,
  }
  switch (state) {
    case 'starting':
      return { state, reason: 'the query has not begun yet', ...common }
    case 'restarting':
      return { state: 'degraded', reason: `restarting after: ${record.restartReason}`, ...common }
    case 'failed':
      return { state, reason: record.error?.message ?? '', ...common }
    default:
      return { state: state === 'stopped' ? 'stopped' : 'healthy', reason: '', ...common }
  }
}

function noteCommit(
  record: QueryRecord,
  epoch: EpochProgress,
  { progressOf, recentLimit }: Recording,
): StreamingQueryProgress {
  const progress = progressOf(epoch, record.previousTriggerMs)
  record.previousTriggerMs = epoch.triggerStartMs
  record.lastEpoch = epoch.epoch
  record.lastCommitMs = epoch.committedMs
  record.recent.push(progress)
  if (record.recent.length > recentLimit) record.recent.shift()
  return progress
}

function status(message: string): StreamingQueryStatus {
  return { message, isDataAvailable: false, isTriggerActive: false }
}

/** Whatever was thrown as an error that users meet. */
export function asStreamError(failure: unknown): StreamError {
  if (failure instanceof StreamError) return failure
  return new StreamError('INTERNAL', { what: reasonOf(failure) }, { cause: failure })
}
