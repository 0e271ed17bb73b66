/** Programs over one value of state and at most one timeout: they run as a group function and as a processor. */
import type { GroupState, StatefulProcessor, ValueState } from '../../src/streaming.ts'
import { type GroupCall, type ProgramParts, type Row, secondsOf } from './program.ts'

/** One value and one timeout, whichever interface they come from. */
interface Single {
  get(): number | undefined
  set(value: number): void
  clear(): void
  /** One timeout, replacing the earlier, milliseconds. */
  timeoutAt(ms: number): void
  readonly nowMs: number
}

interface SingleProgram {
  readonly output: readonly string[]
  rows(key: unknown, rows: readonly Row[], state: Single): readonly unknown[][]
  timeout?(key: unknown, state: Single): readonly unknown[][]
  /** Takes a row of the initial state, key and value. */
  initial?(value: unknown, state: Single): void
}

const single: Readonly<Record<string, (parts: ProgramParts) => SingleProgram>> = {
  count_calls_reset3: () => counting(() => 1),
  count_rows_reset3: ({ params }) => counting((rows) => rows.length, params['emit_on_reset']),
  count_each_reset3: () => ({
    output: ['key', 'string'],
    rows: (key, rows, state) => rows.flatMap(() => resetAt3(key, (state.get() ?? 0) + 1, state)),
  }),
  count_rows: ({ params }) => ({
    output: ['key', params['number'] === true ? 'bigint' : 'string'],
    rows(key, rows, state) {
      const count = (state.get() ?? 0) + rows.length
      state.set(count)
      return [[key, params['number'] === true ? count : String(count)]]
    },
  }),
  row_count_keyed: () => ({
    output: ['key', 'bigint'],
    rows(key, rows, state) {
      if (state.get() !== undefined) throw new Error('there is state already')
      return [[key, rows.length]]
    },
  }),
  row_count: () => ({ output: ['bigint'], rows: (_key, rows) => [[rows.length]] }),
  count_rows_timeout10s: () => ({
    output: ['key', 'string'],
    rows(key, rows, state) {
      const count = (state.get() ?? 0) + rows.length
      state.set(count)
      state.timeoutAt(state.nowMs + 10_000)
      return [[key, String(count)]]
    },
    timeout(key, state) {
      state.clear()
      return [[key, '-1']]
    },
  }),
  max_event_time_timeout5s: ({ timeColumn }) => ({
    output: ['key', 'bigint'],
    rows: (key, rows, state) => [
      [
        key,
        lastOf(
          rows.map((row) => secondsOf(row[timeColumn])),
          state,
        ),
      ],
    ],
    initial(value, state) {
      lastOf([typeof value === 'number' ? value : secondsOf(value)], state)
    },
    timeout(key, state) {
      state.clear()
      return [[key, -1]]
    },
  }),
  echo_seconds_timer0: ({ timeColumn }) => ({
    output: ['bigint'],
    rows(_key, rows, state) {
      if (state.get() === undefined) state.timeoutAt(0)
      state.set(1)
      return rows.map((row) => [secondsOf(row[timeColumn])])
    },
    timeout: () => [[42]],
  }),
  timeout_once_500ms: () => ({
    output: ['int'],
    rows(_key, _rows, state) {
      if (state.get() === undefined) {
        state.set(0)
        state.timeoutAt(500)
      }
      return [[0]]
    },
    timeout() {
      throw new Error('called as timed out although the key had data')
    },
  }),
}

export const singleNames = Object.keys(single)

export function singleOutput(name: string, parts: ProgramParts): readonly string[] {
  return programOf(name, parts).output
}

/** The program as a function over group state. */
export function asGroupCall(name: string, parts: ProgramParts): GroupCall {
  const program = programOf(name, parts)
  return (key, rows, state) => {
    const view = viewOfGroup(state, parts)
    return state.hasTimedOut()
      ? (program.timeout?.(key, view) ?? [])
      : program.rows(key, rows, view)
  }
}

/** The program with a value variable and timers. */
export function asProcessor(
  name: string,
  parts: ProgramParts,
): StatefulProcessor<unknown, Row, unknown, Row> {
  const program = programOf(name, parts)
  let value: ValueState<bigint> | undefined
  const view = (
    timers: Parameters<StatefulProcessor<unknown, Row, unknown>['handleInputRows']>[2],
  ): Single => ({
    get: () => (value?.exists() === true ? Number(value.get()) : undefined),
    set: (count) => value?.update(BigInt(count)),
    clear: () => value?.clear(),
    timeoutAt(ms) {
      for (const time of timers.list()) timers.delete(time)
      timers.register(ms)
    },
    nowMs: timers.processingTimeMs,
  })
  return {
    init(handle) {
      // The name that the other programs give their count, as one may take the place of another.
      value = handle.valueState('n', 'BIGINT')
    },
    handleInputRows: (key, rows, timers) => program.rows(key, rows, view(timers)),
    handleExpiredTimer: (key, timers) => program.timeout?.(key, view(timers)),
    handleInitialState(_key, row, timers) {
      program.initial?.(row['v'], view(timers))
    },
  }
}

function programOf(name: string, parts: ProgramParts): SingleProgram {
  const make = single[name]
  if (make === undefined) throw new RangeError(`the program ${name} was not looked for`)
  return make(parts)
}

function viewOfGroup(state: GroupState<bigint>, { timeMode }: ProgramParts): Single {
  return {
    get: () => (state.exists() ? Number(state.get()) : undefined),
    set: (count) => state.update(BigInt(count)),
    clear: () => state.remove(),
    timeoutAt(ms) {
      if (timeMode === 'eventTime') state.setTimeoutTimestamp(ms)
      else state.setTimeoutDuration(ms - state.getCurrentProcessingTimeMs())
    },
    nowMs: state.getCurrentProcessingTimeMs(),
  }
}

/** Keeps the largest of these seconds and the one kept so far, with a timeout five seconds after it. */
function lastOf(seconds: readonly number[], state: Single): number {
  const largest = Math.max(state.get() ?? 0, ...seconds)
  state.set(largest)
  state.timeoutAt((largest + 5) * 1000)
  return largest
}

function counting(step: (rows: readonly Row[]) => number, onReset?: unknown): SingleProgram {
  return {
    output: ['key', 'string'],
    rows: (key, rows, state) => resetAt3(key, (state.get() ?? 0) + step(rows), state, onReset),
  }
}

function resetAt3(key: unknown, count: number, state: Single, onReset?: unknown): unknown[][] {
  if (count === 3) {
    state.clear()
    return onReset === undefined ? [] : [[key, onReset]]
  }
  state.set(count)
  return [[key, String(count)]]
}
