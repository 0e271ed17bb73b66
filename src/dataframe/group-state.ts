import { intervalMicros, parseInterval } from '../core/duration.ts'
import { StreamError } from '../core/error.ts'
import type { GroupState } from '../flow/group-state.ts'
import type {
  Emitted,
  StatefulProcessor,
  StateType,
  TimeMode,
  Timers,
  ValueState,
} from '../flow/stateful-processor.ts'

/** A function of the user over one group. */
export type GroupFunction = (
  key: unknown,
  rows: readonly unknown[],
  state: GroupState<unknown>,
) => Emitted<unknown> | Promise<Emitted<unknown>>

/**
 * The processor behind `mapGroupsWithState`: one value variable, and at most one timer. A timeout fires
 * when its time is before that of the epoch, not at it (Spark's rule), so its timer is a microsecond later.
 */
export function groupProcessor(
  call: GroupFunction,
  type: StateType | undefined,
  mode: TimeMode,
): StatefulProcessor<unknown, unknown, unknown> {
  let variable: ValueState<unknown> | undefined
  const need = (): ValueState<unknown> => {
    if (variable !== undefined) return variable
    throw new StreamError('STATE_ACCESS_INVALID', { what: 'The group state' })
  }
  const clearTimeout = (timers: Timers): void => {
    for (const time of timers.list()) timers.delete(time)
  }
  const stateOf = (timers: Timers, hasTimedOut: boolean): GroupState<unknown> => ({
    exists: () => need().exists(),
    get: () => need().get(),
    update: (value) => need().update(value),
    remove: () => need().clear(),
    hasTimedOut: () => hasTimedOut,
    setTimeoutDuration(duration) {
      const ms =
        typeof duration === 'number' ? duration : intervalMicros(parseInterval(duration)) / 1000
      if (mode !== 'processingTime') refuse(duration, 'the timeout is not processingTime')
      if (!(ms > 0)) refuse(duration, 'a duration is positive')
      clearTimeout(timers)
      timers.register(timers.processingTimeMs + ms + 0.001)
    },
    setTimeoutTimestamp(time) {
      const ms = Number(time)
      if (mode !== 'eventTime') refuse(ms, 'the timeout is not eventTime')
      if (!(ms > 0)) refuse(ms, 'a time is after 1970')
      const watermark = timers.watermarkMs ?? 0
      if (ms < watermark) refuse(ms, `it is before the watermark ${watermark}`)
      clearTimeout(timers)
      timers.register(ms + 0.001)
    },
    getCurrentProcessingTimeMs: () => timers.processingTimeMs,
    getCurrentWatermarkMs: () => timers.watermarkMs ?? 0,
  })
  return {
    init(handle) {
      variable = type === undefined ? handle.valueState('state') : handle.valueState('state', type)
    },
    handleInputRows(key, rows, timers) {
      // Data clears the timeout; the function sets it anew if it wants one.
      clearTimeout(timers)
      return call(key, rows, stateOf(timers, false))
    },
    handleExpiredTimer: (key, timers) => call(key, [], stateOf(timers, true)),
    handleInitialState: (_key, row) => need().update(row),
  }
}

function refuse(time: number | string, why: string): never {
  throw new StreamError('TIMER_INVALID', {
    time,
    why,
    fix: "Set the timeout that the option timeout names: setTimeoutDuration for 'processingTime', setTimeoutTimestamp for 'eventTime'.",
  })
}
