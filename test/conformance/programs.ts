/** The programs that the cases tell in words, for the cases that run them as processors. */
import type {
  ListState,
  MapState,
  StatefulHandle,
  StatefulProcessor,
  Timers,
  ValueState,
} from '../../src/streaming.ts'
import { millisOf, type ProgramParts, type Row } from './program.ts'
import { asProcessor, singleNames, singleOutput } from './programs-single.ts'

type Processor = StatefulProcessor<unknown, Row, unknown, Row>

/** A processor and the types of its output, `key` for that of the key. */
interface Program {
  readonly output: readonly string[]
  readonly processor: () => Processor
}

/** Handlers over variables that `declare` made. */
function processor<V>(
  declare: (handle: StatefulHandle) => V,
  rows: (v: V, key: unknown, rows: readonly Row[], timers: Timers) => Iterable<unknown>,
  others: {
    readonly timer?: (v: V, key: unknown, timers: Timers) => Iterable<unknown>
    readonly initial?: (v: V, key: unknown, row: Row, timers: Timers) => void
  } = {},
): Processor {
  let made: { readonly variables: V } | undefined
  const need = (): V => {
    if (made === undefined) throw new RangeError('init was not called')
    return made.variables
  }
  return {
    init(handle) {
      made = { variables: declare(handle) }
    },
    handleInputRows: (key, given, timers) => [...rows(need(), key, given, timers)],
    handleExpiredTimer: (key, timers) => [...(others.timer?.(need(), key, timers) ?? [])],
    handleInitialState(key, row, timers) {
      others.initial?.(need(), key, row, timers)
    },
  }
}

const count = (handle: StatefulHandle): ValueState<bigint> => handle.valueState('n', 'BIGINT')
const numberOf = (value: ValueState<bigint>): number => Number(value.get() ?? 0n)

const programs: Readonly<Record<string, (parts: ProgramParts) => Program>> = {
  count_calls_timer5s: () => ({
    output: ['key', 'string'],
    processor: () =>
      processor(
        count,
        function* (n, key, _rows, timers) {
          const before = numberOf(n)
          if (before === 0 && (key === 'a' || key === 'c')) {
            timers.register(timers.processingTimeMs + 5000)
          }
          if (before === 2) return n.clear()
          n.update(BigInt(before + 1))
          yield [key, String(before + 1)]
        },
        {
          *timer(n, key) {
            n.clear()
            yield [key, '-1']
          },
        },
      ),
  }),
  count_rows_timer_move: () => ({ output: ['key', 'string'], processor: countRowsTimerMove }),
  count_rows_three_timers: () => ({
    output: ['key', 'string'],
    processor: () =>
      processor(
        count,
        (n, _key, rows, timers) => {
          n.update(BigInt(numberOf(n) + rows.length))
          if (timers.list().length > 0) return []
          for (const ms of [5000, 10_000, 15_000]) timers.register(timers.processingTimeMs + ms)
          return []
        },
        {
          *timer(n, key, timers) {
            yield [key, String(numberOf(n))]
            if (timers.list().length === 0) n.clear()
          },
        },
      ),
  }),
  min_time_and_rows: ({ timeColumn }) => ({
    output: ['key', 'timestamp', 'bigint'],
    processor: () =>
      processor(
        () => undefined,
        function* (_v, key, rows) {
          const times = rows.map((row) => millisOf(row[timeColumn]))
          yield [key, new Date(Math.min(...times)), rows.length]
        },
      ),
  }),
  epoch_plus_1ms: () => ({
    output: ['key', 'timestamp', 'bigint'],
    processor: () =>
      processor(
        () => undefined,
        function* (_v, key, rows) {
          yield [key, new Date(1), rows.length]
        },
      ),
  }),
  list_actions: () => ({ output: ['key', 'string'], processor: listActions }),
  toggle_save_emit: () => ({ output: ['string'], processor: toggleSaveEmit }),
  map_actions: () => ({ output: ['key', 'string', 'string'], processor: mapActions }),
  ttl_value_actions: ({ params }) => ({
    output: ['key', 'int', 'boolean', 'bigint'],
    processor: () => ttlValueActions(Number(params['ttl_ms']), params['ttl_keys']),
  }),
  ttl_map_actions: ({ params }) => ({
    output: ['key', 'string', 'int'],
    processor: () => ttlMapActions(Number(params['ttl_ms'])),
  }),
  initial_state_actions: () => ({
    output: ['key', 'string', 'double'],
    processor: initialStateActions,
  }),
  initial_state_accumulate: () => ({
    output: ['key', 'string', 'double'],
    processor: () =>
      processor(
        (handle) => handle.valueState('v', 'DOUBLE'),
        function* (v, key, rows) {
          for (const { action, value } of rows) {
            if (action === 'add') v.update((v.get() ?? 0) + Number(value))
            if (action === 'get') yield [key, 'get', v.get() ?? -1]
          }
        },
        { initial: (v, _key, row) => v.update(Number(row['v'])) },
      ),
  }),
  count_and_most_recent: () => ({
    output: ['key', 'string', 'string'],
    processor: () =>
      processor(
        (handle) => ({ n: count(handle), r: handle.valueState('r', 'STRING') }),
        function* ({ n, r }, key, rows) {
          const next = numberOf(n) + 1
          const previous = r.get() ?? ''
          for (const { v } of rows) {
            r.update(String(v))
            n.update(BigInt(next))
            yield [key, String(next), previous]
          }
        },
      ),
  }),
  most_recent_drop_count: () => ({
    output: ['key', 'string'],
    processor: () =>
      processor(
        (handle) => {
          handle.deleteIfExists('n')
          return handle.valueState('r', 'STRING')
        },
        function* (r, key, rows) {
          const previous = r.get() ?? ''
          for (const { v } of rows) {
            r.update(String(v))
            yield [key, previous]
          }
        },
      ),
  }),
}

export const programNames: readonly string[] = [...Object.keys(programs), ...singleNames]

/** A program as a processor. */
export function processorProgram(name: string, parts: ProgramParts): Program {
  const make = programs[name]
  if (make !== undefined) return make(parts)
  return { output: singleOutput(name, parts), processor: () => asProcessor(name, parts) }
}

function countRowsTimerMove(): Processor {
  interface Variables {
    readonly n: ValueState<bigint>
    readonly t: ValueState<number>
  }
  const counted = ({ n, t }: Variables, key: unknown, rows: number, timers: Timers): string => {
    const before = numberOf(n)
    n.update(BigInt(before + rows))
    const move = (ms: number): void => {
      timers.register(timers.processingTimeMs + ms)
      t.update(timers.processingTimeMs + ms)
    }
    if (key === 'a' && before === 0) move(5000)
    if (key === 'a' && before === 1) {
      timers.delete(t.get() ?? 0)
      move(7500)
    }
    return String(before + rows)
  }
  return processor(
    (handle): Variables => ({ n: count(handle), t: handle.valueState('t', 'DOUBLE') }),
    function* (v, key, rows, timers) {
      yield [key, counted(v, key, rows.length, timers)]
    },
    {
      *timer({ t }, key) {
        t.clear()
        yield [key, '-1']
      },
      initial: (v, key, _row, timers) => void counted(v, key, 1, timers),
    },
  )
}

function listActions(): Processor {
  return processor(
    (handle): ListState<unknown> => handle.listState('l', 'STRING'),
    function* (l, key, rows) {
      for (const { action, value } of rows) {
        // What is null stays so: a list refuses it.
        const items = value === null ? [value] : String(value).split(',')
        if (action === 'emit') yield [key, value]
        if (action === 'append') l.append(value)
        if (action === 'append_all') l.appendAll(items)
        if (action === 'put') l.put(items)
        if (action === 'emit_all_and_clear') for (const item of l.get()) yield [key, item]
        if (action === 'clear' || action === 'emit_all_and_clear') l.clear()
      }
    },
  )
}

function toggleSaveEmit(): Processor {
  return processor(
    (handle) => ({
      l: handle.listState('l', 'STRING'),
      flag: handle.valueState('flag', 'BOOLEAN'),
    }),
    function* ({ l, flag }, key, rows) {
      // The rows have one column, by which they are grouped.
      const values = rows.map((row) => String(Object.values(row)[0] ?? key))
      if (!flag.exists()) {
        l.appendAll(values)
        flag.update(true)
        return
      }
      for (const value of [...values, ...l.get()]) yield [value]
      l.clear()
      flag.clear()
    },
  )
}

function mapActions(): Processor {
  return processor(
    (handle): MapState<unknown, unknown> => handle.mapState('m', 'STRING', 'STRING'),
    function* (m, key, rows) {
      // What is null stays so: a map refuses it.
      for (const { action, ukey: at, uval } of rows) {
        if (action === 'put') m.put(at, uval)
        if (action === 'get') yield [key, at, m.get(at) ?? null]
        if (action === 'contains') yield [key, at, String(m.has(at))]
        if (action === 'exists') yield [key, 'exists', String(m.exists())]
        if (action === 'entries') for (const [k, v] of m.entries()) yield [key, k, v]
        if (action === 'keys') for (const k of m.keys()) yield [key, k, '']
        if (action === 'values') for (const v of m.values()) yield [key, '', v]
        if (action === 'remove') m.delete(at)
        if (action === 'clear') m.clear()
      }
    },
  )
}

/**
 * The time at which a value is over stands beside it: users of the engine do not see it. Nor do they see
 * a value whose time is over, so nothing looks past that.
 */
function ttlValueActions(ttlMs: number, ttlKeys: unknown): Processor {
  const type = 'STRUCT<value: INT, expiry: BIGINT>'
  interface Cell {
    readonly value: number
    readonly expiry: bigint
  }
  return processor(
    (handle) => ({
      timed: handle.valueState('timed', type, { ttl: `${ttlMs} milliseconds` }) as ValueState<Cell>,
      untimed: handle.valueState('untimed', type) as ValueState<Cell>,
    }),
    function* ({ timed, untimed }, key, rows, timers) {
      const hasTtl = !Array.isArray(ttlKeys) || ttlKeys.includes(key)
      const state = hasTtl ? timed : untimed
      for (const { action, value } of rows) {
        const cell = state.get()
        const expiry = BigInt(timers.processingTimeMs + ttlMs)
        if (action === 'put') state.update({ value: Number(value), expiry })
        if (action === 'clear') state.clear()
        if (cell === undefined) continue
        if (action === 'get' || action === 'get_raw') yield [key, cell.value, false, -1]
        if (action === 'get_with_expiry' && hasTtl) yield [key, cell.value, true, cell.expiry]
        if (action === 'list_expiries' && hasTtl) yield [key, -1, true, cell.expiry]
      }
    },
  )
}

function ttlMapActions(ttlMs: number): Processor {
  return processor(
    (handle): MapState<string, number> =>
      handle.mapState('m', 'STRING', 'INT', { ttl: `${ttlMs} milliseconds` }),
    function* (m, key, rows) {
      for (const { action, ukey, value } of rows) {
        const at = String(ukey)
        if (action === 'put') m.put(at, Number(value))
        if (action === 'get' && m.has(at)) yield [key, at, m.get(at)]
      }
    },
  )
}

function initialStateActions(): Processor {
  return processor(
    (handle) => ({
      v: handle.valueState('v', 'DOUBLE'),
      l: handle.listState('l', 'DOUBLE'),
      m: handle.mapState('m', 'DOUBLE', 'DOUBLE'),
    }),
    function* ({ v, l, m }, key, rows) {
      for (const { action, value } of rows) {
        const number = Number(value)
        if (action === 'update') v.update(number)
        if (action === 'get') yield [key, 'get', v.get() ?? -1]
        if (action === 'remove') v.clear()
        if (action === 'append') l.append(number)
        if (action === 'list') for (const item of l.get()) yield [key, 'list', item]
        if (action === 'inc') m.put(number, (m.get(number) ?? 0) + 1)
        if (action === 'count') yield [key, 'count', m.get(number) ?? 0]
        if (action === 'clear_list') l.clear()
      }
    },
    {
      initial({ v, l, m }, _key, row) {
        v.update(Number(row['v']))
        if (Array.isArray(row['l'])) l.put(row['l'].map(Number))
        const entries: readonly unknown[] = Array.isArray(row['m']) ? row['m'] : []
        for (const entry of entries) {
          if (typeof entry !== 'object' || entry === null) continue
          const [at, times] = Object.values(entry)
          m.put(Number(at), Number(times))
        }
      },
    },
  )
}
