import type { DataFrame, GroupedData } from '../../src/dataframe/data-frame.ts'
import { col, expr } from '../../src/functions.ts'
import type { MemoryInput } from '../../src/session/session.ts'
import type { StatefulHandle, StatefulProcessor } from '../../src/streaming.ts'

/** A row of the input: a key, a second of event time, and a number. */
export interface InputRow {
  readonly k: string | null
  readonly t: number | null
  readonly n: number
}

/** What the log says of an epoch, in seconds, and its rows by input. */
export interface ModelEpoch {
  readonly late: number
  readonly evict: number
  readonly rows: readonly (readonly InputRow[])[]
}

/** The state of one operator, kept the obvious way. */
export interface StateModel {
  epoch(epoch: ModelEpoch): void
  /** Every row of each view as text, in any order. */
  views(): readonly (readonly string[])[]
}

/** One way to ask for the state of an operator. */
export interface ModelView {
  readonly options: Readonly<Record<string, string>>
  /** A row of the reader in the text of the model. */
  readonly text: (key: Cells, row: Cells) => string
}

/** A query with one operator, what to ask of its state, and the model that has the answers. */
export interface StateCase {
  readonly name: string
  readonly inputs: number
  readonly outputMode: 'append' | 'update'
  readonly query: (frames: readonly DataFrame[]) => DataFrame
  readonly nulls: boolean
  /** Its state changes often enough for snapshots. */
  readonly changes: boolean
  readonly views: readonly ModelView[]
  readonly model: () => StateModel
}

export type Cells = Readonly<Record<string, unknown>>

export const schema = 'k STRING, t TIMESTAMP, n INT'

export function addRows(input: MemoryInput, rows: readonly InputRow[]): void {
  input.addData(rows.map(({ k, t, n }) => [k, t === null ? null : new Date(t * 1000), n]))
}

function second(time: unknown): number | null {
  return time instanceof Date ? time.getTime() / 1000 : null
}

function field(row: Cells, ...path: readonly string[]): unknown {
  let at: unknown = row
  for (const name of path) at = Object(at)[name]
  return at
}

const show = (...parts: readonly unknown[]): string =>
  JSON.stringify(parts, (_, part) => (typeof part === 'bigint' ? Number(part) : part))

function only<T>(parts: readonly (T | undefined)[]): T {
  const [part] = parts
  if (part === undefined) throw new Error('an input is missing')
  return part
}

function plain(text: ModelView['text']): readonly ModelView[] {
  return [{ options: {}, text }]
}

/** A map by text of keys that are not texts. */
class Groups<G> {
  readonly all = new Map<string, G>()
  get(key: readonly unknown[], make: () => G): G {
    const text = show(...key)
    const group = this.all.get(text) ?? make()
    this.all.set(text, group)
    return group
  }
  drop(isOver: (group: G) => boolean): void {
    for (const [key, group] of this.all) if (isOver(group)) this.all.delete(key)
  }
  rows(text: (group: G) => string): readonly string[] {
    return [...this.all.values()].map(text)
  }
}

const totals: StateCase = {
  name: 'an aggregation that keeps everything',
  inputs: 1,
  outputMode: 'update',
  nulls: true,
  changes: true,
  query: ([input]) =>
    only([input])
      .groupBy('k')
      .agg(
        expr('count(*)').alias('rows'),
        expr('sum(n)').alias('total'),
        expr('avg(n)').alias('mean'),
        expr('max(n)').alias('largest'),
        expr('collect_list(n)').alias('all'),
      ),
  views: plain((key, row) => {
    const value = (name: string): unknown => field(row, 'value', name)
    const all = ['rows', 'total', 'mean', 'largest', 'all'].map(value)
    return show(key['k'], ...all)
  }),
  model: () => {
    const groups = new Groups<{ k: string | null; all: number[] }>()
    return {
      epoch({ rows }) {
        for (const { k, n } of only(rows)) groups.get([k], () => ({ k, all: [] })).all.push(n)
      },
      views: () => [
        groups.rows(({ k, all }) => {
          const total = all.reduce((sum, n) => sum + n, 0)
          return show(k, all.length, total, total / all.length, Math.max(...all), all)
        }),
      ],
    }
  },
}

/** Groups by key and by a slice of time, until the last window over the slice is closed. */
function sliced(pane: number, lastEnd: (pane: number) => number): StateModel {
  const groups = new Groups<{ k: string | null; start: number; total: number }>()
  return {
    epoch({ rows, late, evict }) {
      for (const { k, t, n } of only(rows)) {
        if (t === null) continue
        const start = Math.floor(t / pane) * pane
        if (lastEnd(start) <= late) continue
        groups.get([k, start], () => ({ k, start, total: 0 })).total += n
      }
      groups.drop(({ start }) => lastEnd(start) <= evict)
    },
    views: () => [groups.rows(({ k, start, total }) => show(k, start, start + pane, total))],
  }
}

function windowed(name: string, window: string, model: () => StateModel, early = false): StateCase {
  const grouped = (rows: GroupedData): GroupedData =>
    early ? rows.emit({ every: '3 seconds' }) : rows
  return {
    name,
    inputs: 1,
    outputMode: early ? 'update' : 'append',
    nulls: true,
    changes: true,
    query: ([input]) =>
      grouped(only([input]).withWatermark('t', '2 seconds').groupBy(expr(window), col('k'))).agg(
        expr('sum(n)').alias('total'),
      ),
    views: plain((key, row) => {
      const slice = key['window'] ?? key['pane'] ?? key['session_window']
      const [start, end] = ['start', 'end'].map((edge) => second(Object(slice)[edge]))
      return show(key['k'], start, end, field(row, 'value', 'total'))
    }),
    model,
  }
}

function sessions(): StateModel {
  let open: { k: string | null; start: number; end: number; total: number }[] = []
  return {
    epoch({ rows, late, evict }) {
      for (const { k, t, n } of only(rows)) {
        if (t === null || t + 3 <= late) continue
        const made = { k, start: t, end: t + 3, total: n }
        const near = open.filter((s) => s.k === k && s.start <= made.end && s.end >= made.start)
        for (const s of near) {
          made.start = Math.min(made.start, s.start)
          made.end = Math.max(made.end, s.end)
          made.total += s.total
        }
        open = [...open.filter((s) => !near.includes(s)), made]
      }
      open = open.filter(({ end }) => end > evict)
    },
    views: () => [open.map(({ k, start, end, total }) => show(k, start, end, total))],
  }
}

interface Deduplication {
  readonly name: string
  readonly query: (input: DataFrame) => DataFrame
  readonly timed: boolean
  readonly keyOf: (row: InputRow) => readonly unknown[]
  readonly expiry: (time: number) => number | null
}

function deduplication({ name, query, timed, keyOf, expiry }: Deduplication): StateCase {
  return {
    name,
    inputs: 1,
    outputMode: 'append',
    nulls: true,
    changes: false,
    query: ([input]) => query(only([input]).withWatermark('t', '2 seconds', { nullTime: 'keep' })),
    views: plain((key, row) => {
      const keys = 't' in key ? [key['k'], second(key['t'])] : [key['k']]
      return show(...keys, second(field(row, 'value', 'expires_at')))
    }),
    model: () => {
      const seen = new Groups<{ key: readonly unknown[]; until: number | null }>()
      return {
        epoch({ rows, late, evict }) {
          for (const row of only(rows)) {
            if (timed && row.t !== null && row.t <= late) continue
            const key = keyOf(row)
            seen.get(key, () => ({ key, until: row.t === null ? null : expiry(row.t) }))
          }
          seen.drop(({ until }) => until !== null && until <= evict)
        },
        views: () => [seen.rows(({ key, until }) => show(...key, until))],
      }
    },
  }
}

const limit: StateCase = {
  name: 'a limit',
  inputs: 1,
  outputMode: 'append',
  nulls: true,
  changes: false,
  query: ([input]) => only([input]).limit(40),
  views: plain((_key, row) => show(field(row, 'value', 'count'))),
  model: () => {
    let count = 0
    return {
      epoch({ rows }) {
        count = Math.min(40, count + only(rows).length)
      },
      views: () => [count === 0 ? [] : [show(count)]],
    }
  },
}

/** A row of either side of a join, which is seen with its side or without. */
function sideRow(
  side: 'left' | 'right' | undefined,
  key: Parameters<ModelView['text']>[0],
  row: Parameters<ModelView['text']>[1],
) {
  const name = side ?? String(field(row, 'value', 'side'))
  const at = side === undefined ? name : 'row'
  const [k, t, n] = ['k', 't', 'n'].map((column) => field(row, 'value', at, column))
  if (k !== key['k']) throw new Error('the key is another than that of the row')
  return { name, k, t, n }
}

/** A row of a join as it is seen from one side or from both. */
function joinView(side: 'left' | 'right' | undefined): ModelView {
  return {
    options: side === undefined ? {} : { joinSide: side },
    text: (key, row) => {
      const { name, k, t, n } = sideRow(side, key, row)
      const matched = name === 'left' ? field(row, 'value', 'matched') : undefined
      return show(name, k, second(t), n, second(field(row, 'value', 'expires_at')), matched)
    },
  }
}

/** A bound that belongs to a range counts as a millisecond more (rule J2, as Spark has it). */
const inclusive = 0.001

/** Left rows wait for partners up to five seconds later than they are. */
const join: StateCase = {
  name: 'a left outer join',
  inputs: 2,
  outputMode: 'append',
  nulls: false,
  changes: true,
  query: (frames) => {
    const [left, right] = frames.map((frame) => frame.withWatermark('t', '2 seconds'))
    const within = 'r.t >= l.t AND r.t <= l.t + INTERVAL 5 SECONDS AND l.k = r.k'
    return only([left])
      .alias('l')
      .join(only([right]).alias('r'), expr(within), 'left')
  },
  views: [joinView(undefined), joinView('left'), joinView('right')],
  model: () => {
    let left: (InputRow & { until: number; matched: boolean })[] = []
    let right: (InputRow & { until: number })[] = []
    return {
      epoch({ rows, late, evict }) {
        const [newLeft = [], newRight = []] = rows.map((some) =>
          some.filter(({ t }) => timeOf(t) > late),
        )
        for (const row of newLeft) {
          left.push({ ...row, until: timeOf(row.t) + 5 + inclusive, matched: false })
        }
        for (const row of newRight) right.push({ ...row, until: timeOf(row.t) + inclusive })
        for (const one of left) {
          const from = timeOf(one.t)
          one.matched ||= right.some(
            ({ k, t }) => k === one.k && timeOf(t) >= from && timeOf(t) <= from + 5,
          )
        }
        left = left.filter(({ until }) => until > evict)
        right = right.filter(({ until }) => until > evict)
      },
      views() {
        const ofLeft = left.map(({ k, t, n, until, matched }) =>
          show('left', k, t, n, until, matched),
        )
        const ofRight = right.map(({ k, t, n, until }) => show('right', k, t, n, until, undefined))
        return [[...ofLeft, ...ofRight], ofLeft, ofRight]
      },
    }
  },
}

/** A row of an as-of join, with whether it is marked and when it is looked at next. */
function asofView(side: 'left' | 'right' | undefined): ModelView {
  return {
    options: side === undefined ? {} : { joinSide: side },
    text: (key, row) => {
      const { name, k, t, n } = sideRow(side, key, row)
      const isNewest = field(row, 'value', 'is_newest')
      return show(name, k, second(t), n, isNewest, second(field(row, 'value', 'due_at')))
    },
  }
}

/** Of the right rows that the watermark has passed the newest of each key stays, for four seconds. */
const asofJoin: StateCase = {
  name: 'an as-of join',
  inputs: 2,
  outputMode: 'append',
  nulls: true,
  changes: true,
  query: (frames) => {
    const [left, right] = frames.map((frame) =>
      frame.withWatermark('t', '2 seconds', { nullTime: 'keep' }),
    )
    const times = { leftTime: 't', rightTime: 't', tolerance: '4 seconds' }
    return only([left]).asofJoin(only([right]), { on: 'k', ...times })
  },
  views: [asofView(undefined), asofView('left'), asofView('right')],
  model: () => {
    let left: readonly InputRow[] = []
    let waiting: readonly InputRow[] = []
    const newest = new Map<string, InputRow>()
    return {
      epoch({ rows, late, evict }) {
        const [newLeft = [], newRight = []] = rows.map((some) =>
          some.filter(({ k, t }) => k !== null && t !== null && t > late),
        )
        left = [...left, ...newLeft].filter(({ t }) => timeOf(t) > evict)
        const byTime = [...waiting, ...newRight].toSorted((a, b) => timeOf(a.t) - timeOf(b.t))
        for (const row of byTime) if (timeOf(row.t) <= evict) newest.set(String(row.k), row)
        waiting = byTime.filter(({ t }) => timeOf(t) > evict)
        for (const [k, { t }] of newest) if (timeOf(t) + 4 <= evict) newest.delete(k)
      },
      views() {
        const text = (side: string, { k, t, n }: InputRow, isNewest: boolean): string =>
          show(side, k, t, n, isNewest, timeOf(t) + (isNewest ? 4 : 0))
        const ofLeft = left.map((row) => text('left', row, false))
        const ofRight = [
          ...waiting.map((row) => text('right', row, false)),
          ...[...newest.values()].map((row) => text('right', row, true)),
        ]
        return [[...ofLeft, ...ofRight], ofLeft, ofRight]
      },
    }
  },
}

function timeOf(time: number | null): number {
  if (time === null) throw new Error('a row without a time')
  return time
}

/** Counts rows, keeps the last three numbers, sums by remainder, and sets a timer behind each row. */
function program(): StatefulProcessor<unknown, Cells, Cells> {
  let parts: ReturnType<typeof declare> | undefined
  const declare = (handle: StatefulHandle) => ({
    count: handle.valueState('count', 'BIGINT'),
    note: handle.valueState<{ last: number }>('note'),
    last: handle.listState('last', 'INT', { cap: 3 }),
    sums: handle.mapState('sums', 'INT', 'INT'),
  })
  return {
    init(handle) {
      parts = declare(handle)
    },
    handleInputRows(_key, rows, timers) {
      if (parts === undefined) throw new Error('not begun')
      const { count, note, last, sums } = parts
      for (const row of rows) {
        const n = Number(row['n'])
        const time = second(row['t'])
        count.update((count.get() ?? 0n) + 1n)
        note.update({ last: n })
        last.append(n)
        sums.put(n % 3, (sums.get(n % 3) ?? 0) + n)
        if (time !== null) timers.register((time + 4) * 1000)
      }
      return []
    },
    handleExpiredTimer() {
      if (parts === undefined) throw new Error('not begun')
      const { count, last, sums } = parts
      // Every fifth row everything goes.
      if ((count.get() ?? 0n) % 5n !== 0n) return []
      last.clear()
      sums.clear()
      parts.note.clear()
      count.clear()
      return []
    },
  }
}

interface KeyModel {
  readonly k: string | null
  count: number
  note: number | undefined
  last: number[]
  readonly sums: Map<number, number>
  timers: number[]
}

const wholeKey: ModelView['text'] = (key, row) => {
  const value = (name: string): unknown => field(row, 'value', name)
  const sums = value('sums')
  const pairs = sums instanceof Map ? byNumber([...sums]) : null
  const timers = value('timers')
  const times = Array.isArray(timers) ? timers.map(second) : []
  return show(key['k'], value('count'), value('note'), value('last'), pairs, times)
}

function wholeRow({ k, count, note, last, sums, timers }: KeyModel): readonly string[] {
  if (count === 0 && timers.length === 0) return []
  const times = timers.toSorted((left, right) => left - right)
  if (count === 0) return [show(k, null, null, null, null, times)]
  return [show(k, count, JSON.stringify({ last: note }), last, byNumber([...sums]), times)]
}

const byNumber = (pairs: readonly (readonly [unknown, unknown])[]) =>
  pairs.toSorted(([left], [right]) => Number(left) - Number(right))

/** A stateful program, as a whole, by variable, and its timers. */
const custom: StateCase = {
  name: 'custom state',
  inputs: 1,
  outputMode: 'update',
  nulls: true,
  changes: true,
  query: ([input]) =>
    only([input])
      .withWatermark('t', '2 seconds', { nullTime: 'keep' })
      .as()
      .groupByKey('k')
      .transformWithState(program, { output: 'nothing INT', timeMode: 'eventTime' })
      .toDF(),
  views: [
    { options: {}, text: wholeKey },
    {
      options: { stateVarName: 'count' },
      text: (key, row) => show(key['k'], field(row, 'value', 'value')),
    },
    { options: { stateVarName: 'last' }, text: (key, row) => show(key['k'], row['list_element']) },
    {
      options: { stateVarName: 'last', flattenCollectionTypes: 'false' },
      text: (key, row) => show(key['k'], row['list_value']),
    },
    {
      options: { stateVarName: 'sums' },
      text: (key, row) => show(key['k'], row['user_map_key'], row['user_map_value']),
    },
    {
      options: { readRegisteredTimers: 'true' },
      text: (key, row) => show(key['k'], second(row['expiration_timestamp'])),
    },
  ],
  model: () => {
    const keys = new Groups<KeyModel>()
    const make = (k: string | null): KeyModel => ({
      k,
      count: 0,
      note: undefined,
      last: [],
      sums: new Map(),
      timers: [],
    })
    return {
      epoch({ rows, late, evict }) {
        for (const { k, t, n } of only(rows)) {
          if (t !== null && t <= late) continue
          const key = keys.get([k], () => make(k))
          key.count++
          key.note = n
          key.last = [...key.last, n].slice(-3)
          key.sums.set(n % 3, (key.sums.get(n % 3) ?? 0) + n)
          if (t !== null && !key.timers.includes(t + 4)) key.timers.push(t + 4)
        }
        for (const key of keys.all.values()) {
          const fires = key.timers.some((time) => time <= evict)
          key.timers = key.timers.filter((time) => time > evict)
          if (!fires || key.count % 5 !== 0) continue
          key.count = 0
          key.note = undefined
          key.last = []
          key.sums.clear()
        }
      },
      views() {
        const all = [...keys.all.values()]
        return [
          all.flatMap(wholeRow),
          all.flatMap(({ k, count }) => (count === 0 ? [] : [show(k, count)])),
          all.flatMap(({ k, last }) => last.map((n) => show(k, n))),
          all.flatMap(({ k, last }) => (last.length === 0 ? [] : [show(k, last)])),
          all.flatMap(({ k, sums }) => [...sums].map(([rest, sum]) => show(k, rest, sum))),
          all.flatMap(({ k, timers }) => timers.map((time) => show(k, time))),
        ]
      },
    }
  },
}

/** Every kind of state that there is. */
export const stateCases: readonly StateCase[] = [
  totals,
  windowed('tumbling windows', "window(t, '10 seconds')", () => sliced(10, (pane) => pane + 10)),
  windowed(
    'tumbling windows with early results',
    "window(t, '10 seconds')",
    () => sliced(10, (pane) => pane + 10),
    true,
  ),
  windowed('sliding windows, by pane', "window(t, '10 seconds', '4 seconds')", () =>
    sliced(2, (pane) => Math.floor(pane / 4) * 4 + 10),
  ),
  windowed('sessions', "session_window(t, '3 seconds')", sessions),
  deduplication({
    name: 'duplicates of a key',
    query: (input) => input.dropDuplicates('k'),
    timed: false,
    keyOf: ({ k }) => [k],
    expiry: () => null,
  }),
  deduplication({
    name: 'duplicates of a key and a time',
    query: (input) => input.dropDuplicates('k', 't'),
    timed: true,
    keyOf: ({ k, t }) => [k, t],
    expiry: (time) => time,
  }),
  deduplication({
    name: 'duplicates within the watermark',
    query: (input) => input.dropDuplicatesWithinWatermark('k'),
    timed: true,
    keyOf: ({ k }) => [k],
    expiry: (time) => time + 2,
  }),
  limit,
  join,
  asofJoin,
  custom,
]
