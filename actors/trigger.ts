import { unreachable } from '../src/core/error.ts'

/** When epochs begin; the names are Spark's. */
export type Trigger =
  /** As soon as there is something to do. */
  | { readonly type: 'default' }
  /** At whole multiples of the interval on the wall clock. */
  | { readonly type: 'processingTime'; readonly intervalMs: number }
  /** One epoch over everything that is there, without limits; then the job ends. */
  | { readonly type: 'once' }
  /** Everything that is there at the start, in limited epochs; then the job ends. */
  | { readonly type: 'availableNow' }
  /** Rows flow as they come; the interval is that of checkpoints, not the latency. */
  | { readonly type: 'continuous'; readonly intervalMs: number }

/** When the next trigger may fire. */
export interface TriggerState {
  readonly nextAtMs: number
  /** Epochs of new data that this run has decided, pending ones of the last run included. */
  readonly dataEpochs: number
  /** `once` and `availableNow` after their last data: the closing empty epoch was decided. */
  readonly closed: boolean
}

/** The first trigger fires at the start, on or off the grid. */
export function firstTrigger(nowMs: number, pendingEpochs: number): TriggerState {
  return { nextAtMs: nowMs, dataEpochs: pendingEpochs, closed: false }
}

/**
 * The state after a trigger that fired at `nowMs`: the next one is due at the next multiple of the
 * interval. Ticks that passed meanwhile are not made up for.
 */
export function triggered(trigger: Trigger, state: TriggerState, nowMs: number): TriggerState {
  if (trigger.type !== 'processingTime' || trigger.intervalMs <= 0) return state
  const { intervalMs } = trigger
  return { ...state, nextAtMs: Math.floor(nowMs / intervalMs) * intervalMs + intervalMs }
}

/**
 * How long until the trigger may fire, by the wall clock. Only a grid is waited for; further away than an interval
 * it can only be because the clock was set back, and what waits does not have to wait for it to come again.
 */
export function untilTrigger(trigger: Trigger, { nextAtMs }: TriggerState, nowMs: number): number {
  if (trigger.type !== 'processingTime') return 0
  const earlyMs = nextAtMs - nowMs
  return earlyMs > trigger.intervalMs ? 0 : Math.max(0, earlyMs)
}

/** What is known when a trigger fires. */
export interface Situation {
  /** Some source has rows that this run may read. */
  readonly hasData: boolean
  /** The watermark has passed the eviction watermark of the last epoch. */
  readonly watermarkMoved: boolean
  /** An empty epoch would emit, forget or fire something. */
  readonly isDue: boolean
  readonly noDataEpochs: boolean
  /** The input ends with this run, and what is left was not emitted yet. */
  readonly wantsFlush: boolean
}

/** `skip` passes over an empty epoch that would do nothing; `wait` leaves everything as it is. */
export type Choice = 'data' | 'empty' | 'flush' | 'skip' | 'wait' | 'finish'

/** What a trigger that fires now does. */
export function choose(trigger: Trigger, state: TriggerState, situation: Situation): Choice {
  const { hasData, watermarkMoved, isDue, noDataEpochs, wantsFlush } = situation
  switch (trigger.type) {
    case 'once':
      if (hasData && state.dataEpochs === 0) return 'data'
      return wantsFlush && !state.closed ? 'flush' : 'finish'
    case 'availableNow':
      if (hasData) return 'data'
      if (wantsFlush && !state.closed) return 'flush'
      // The closing epoch runs even when it would do nothing: the next run has to find the late
      // watermark that it leaves, and only epochs that ran are in the log.
      return noDataEpochs && !state.closed && (watermarkMoved || isDue) ? 'empty' : 'finish'
    case 'default':
    case 'processingTime':
    case 'continuous':
      if (hasData) return 'data'
      if (!noDataEpochs) return 'wait'
      if (isDue) return 'empty'
      return watermarkMoved ? 'skip' : 'wait'
    default:
      return unreachable(trigger)
  }
}

/** The state once this choice was carried out. */
export function chosen(state: TriggerState, choice: Choice): TriggerState {
  switch (choice) {
    case 'data':
      return { ...state, dataEpochs: state.dataEpochs + 1 }
    case 'empty':
    case 'flush':
      return { ...state, closed: true }
    case 'skip':
    case 'wait':
    case 'finish':
      return state
    default:
      return unreachable(choice)
  }
}

/** Whether the trigger takes everything at once, whatever the limits of the sources. */
export function ignoresLimits(trigger: Trigger): boolean {
  return trigger.type === 'once'
}

/** Whether the trigger fires only on its grid, so that arrivals between ticks wait. */
export function firesOnGrid(trigger: Trigger): boolean {
  return trigger.type === 'processingTime' && trigger.intervalMs > 0
}
