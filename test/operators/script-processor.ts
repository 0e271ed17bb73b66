import fc from 'fast-check'
import type { TimeMode } from '../../src/flow/stateful-processor.ts'
import type {
  ListState,
  MapState,
  StatefulProcessor,
  Timers,
  ValueState,
} from '../../src/streaming.ts'

/** What a script does with the state of its key; `n` says with what. */
export const operations = [
  'value',
  'noValue',
  'append',
  'appendTwice',
  'putList',
  'noList',
  'putEntry',
  'noEntry',
  'noMap',
  'cap',
  'soon',
  'later',
  'noTimers',
  'show',
] as const

export type Operation = (typeof operations)[number]

export interface ScriptRow {
  readonly k: string | null
  readonly t: Date | string | null
  readonly op: string | null
  readonly n: number | null
}

export interface ShownRow {
  readonly k: string | null
  readonly shown: string
}

export const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...operations) },
  // What shows its faults only after several rows of one key.
  { weight: 2, arbitrary: fc.constantFrom<Operation>('cap', 'later', 'show') },
)

/** A processor whose rows say what to do: everything that state can do, and what it then looks like. */
export function scriptProcessor(
  mode: TimeMode,
  isAsync = false,
): StatefulProcessor<string | null, ScriptRow, ShownRow> {
  const ttl = mode === 'none' ? {} : { ttl: '3 seconds' }
  let value: ValueState<string> | undefined
  let list: ListState<unknown> | undefined
  let map: MapState<number, unknown> | undefined
  let capped: ListState<number> | undefined

  const act = (op: string | null, n: number, timers: Timers): void => {
    const nowMs = mode === 'eventTime' ? (timers.watermarkMs ?? 0) : timers.processingTimeMs
    if (op === 'value') value?.update(`v${n}`)
    if (op === 'noValue') value?.clear()
    if (op === 'append') list?.append({ n, list: [n] })
    if (op === 'appendTwice') list?.appendAll([n, n + 1])
    if (op === 'putList') list?.put([...(list?.get() ?? []).slice(0, 2), n])
    if (op === 'noList') list?.clear()
    if (op === 'putEntry') map?.put(n % 4, { n })
    if (op === 'noEntry') map?.delete(n % 4)
    if (op === 'noMap') map?.clear()
    if (op === 'cap') capped?.append(n)
    if (mode === 'none') return
    if (op === 'soon') timers.register(nowMs + n * 200 - 400)
    if (op === 'later') timers.register(nowMs + n * 1000)
    if (op === 'noTimers') for (const time of timers.list().slice(0, 2)) timers.delete(time)
  }
  const show = (what: string, timers: Timers): string =>
    JSON.stringify([
      what,
      value?.get(),
      value?.exists(),
      list?.get(),
      list?.exists(),
      map?.exists(),
      [...(map?.entries() ?? [])],
      [0, 1].map((key) => [map?.has(key), map?.get(key)]),
      capped?.get(),
      timers.list(),
      timers.processingTimeMs,
      timers.watermarkMs,
    ])
  return {
    init(handle) {
      value = handle.valueState('value', 'STRING', ttl)
      list = handle.listState('list', undefined, ttl)
      map = handle.mapState('map', 'INT', undefined, ttl)
      capped = handle.listState('capped', 'INT', { cap: 3, ...ttl })
    },
    handleInputRows(k, rows, timers) {
      const shown: ShownRow[] = []
      for (const { op, n } of rows) {
        act(op, n ?? 0, timers)
        if (op === 'show') shown.push({ k, shown: show('row', timers) })
      }
      return isAsync ? Promise.resolve().then(() => shown) : shown
    },
    handleExpiredTimer(k, timers, { timeMs }) {
      // One that is due already waits for the next epoch, and one that others deleted never comes.
      if (timeMs % 2 === 0) timers.register(timeMs - 1)
      if (timeMs % 3 === 0) for (const time of timers.list().slice(0, 1)) timers.delete(time)
      const [first] = timers.list()
      if (timeMs % 5 === 0 && first !== undefined) {
        // Deleted and registered again: a new timer.
        timers.delete(first)
        timers.register(first)
      }
      list?.append(timeMs)
      return [{ k, shown: show(`timer ${timeMs}`, timers) }]
    },
  }
}
