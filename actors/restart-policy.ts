import { reasonOf, StreamError } from '../src/core/error.ts'
import type { Epoch } from '../src/core/units.ts'
import type { JobFailure, RestartSettings } from './job.ts'

/** Restarts so far. */
export interface RestartState {
  /** In a row, with no epoch committed between them. */
  readonly restarts: number
  /** The epoch that failed last, and how often in a row. */
  readonly suspect: { readonly epoch: Epoch; readonly failures: number } | undefined
}

/** Before anything has failed. */
export const noRestarts: RestartState = { restarts: 0, suspect: undefined }

/** Three restarts within seconds ride out a hiccup; an outage needs minutes, a poisoned row none. */
export const defaultRestart: RestartSettings = {
  maxRestarts: 10,
  firstDelayMs: 100,
  maxDelayMs: 30_000,
  poisonAfter: 3,
  retryNever: false,
  retryFirst: false,
}

export type RestartDecision =
  | { readonly type: 'restart'; readonly delayMs: number; readonly state: RestartState }
  | { readonly type: 'giveUp'; readonly cause: unknown }

/**
 * What follows a failure. `chance` in [0, 1) spreads the delays of many queries that failed together.
 * Errors that say they never pass by themselves end the job at once.
 */
export function decideRestart(
  settings: RestartSettings,
  state: RestartState,
  failure: JobFailure,
  chance: number,
): RestartDecision {
  const { cause, epoch } = failure
  const never = cause instanceof StreamError && cause.retry === 'never'
  if (never && !settings.retryNever) return { type: 'giveUp', cause }
  const suspect =
    epoch === undefined
      ? state.suspect
      : { epoch, failures: state.suspect?.epoch === epoch ? state.suspect.failures + 1 : 1 }
  if (epoch !== undefined && suspect !== undefined && suspect.failures >= settings.poisonAfter) {
    const details = { epoch, attempts: suspect.failures, cause: reasonOf(cause) }
    return { type: 'giveUp', cause: new StreamError('EPOCH_POISONED', details, { cause }) }
  }
  if (state.restarts >= settings.maxRestarts) return { type: 'giveUp', cause }
  const full = Math.min(settings.maxDelayMs, settings.firstDelayMs * 2 ** state.restarts)
  return {
    type: 'restart',
    delayMs: Math.round(full * (0.5 + chance / 2)),
    state: { restarts: state.restarts + 1, suspect },
  }
}

/** An epoch was committed: the job works again, and that epoch is not poisoned. */
export function afterCommit(state: RestartState, epoch: Epoch): RestartState {
  const isCleared = state.suspect === undefined || state.suspect.epoch <= epoch
  return { restarts: 0, suspect: isCleared ? undefined : state.suspect }
}
