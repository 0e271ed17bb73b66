import { expr, session_window, window, window_time } from '../../../src/functions.ts'
import type { DataFrame } from '../../../src/index.ts'
import type { OwnOperator } from '../../../src/streaming.ts'
import { IntegerType, StringType, StructType, TimestampType } from '../../../src/types.ts'

/** One stateful step over `user STRING, t TIMESTAMP, v INT`, which gives the same columns. */
export interface Operator {
  readonly name: string
  /** What Spark's rules know of it. */
  readonly kind:
    | 'aggregate'
    | 'deduplicate'
    | 'join'
    | 'mapGroups'
    | 'flatMapGroups'
    | 'process'
    | 'own'
    | 'limit'
    | 'sort'
  readonly apply: (frame: DataFrame, other: DataFrame) => DataFrame
  /** It needs the event time of a watermark, or one of its keys has it. */
  readonly usesTime: boolean
  /** Its `t` is event time if that of its input was. */
  readonly keepsTime: boolean
  /** Of its rows only these columns are the same whatever order its input came in. */
  readonly shown?: readonly string[]
  readonly outputMode?: 'append' | 'update'
  readonly timesOut?: true
  readonly isOuter?: true
  readonly isSession?: true
}

const row = StructType().add('user', StringType()).add('t', TimestampType()).add('v', IntegerType())

const grouped = (frame: DataFrame, outputMode: 'append' | 'update', timesOut: boolean): DataFrame =>
  frame
    .as(row)
    .groupByKey('user')
    .flatMapGroupsWithState(
      (user, rows, state) => {
        const v = (state.get() ?? 0) + rows.length
        state.update(v)
        return rows.map(({ t }) => ({ user, t, v }))
      },
      { output: row, state: 'INT', outputMode, timeout: timesOut ? 'eventTime' : 'none' },
    )
    .toDF()

/** Rows far in the future, so that no rule about old ones is met. */
const processed = (frame: DataFrame, outputMode?: 'append' | 'update'): DataFrame =>
  frame
    .as(row)
    .groupByKey('user')
    .transformWithState(
      () => ({
        init() {},
        *handleInputRows(
          user: string | null,
          rows: readonly { readonly t: Date | string | null }[],
        ) {
          for (const { t } of rows) {
            if (t === null) continue
            yield { user, t: new Date(new Date(t).getTime() + 3_600_000), v: rows.length }
          }
        },
      }),
      {
        output: row,
        timeMode: 'eventTime',
        eventTimeColumn: 't',
        ...(outputMode === undefined ? {} : { outputMode }),
      },
    )
    .toDF()

const joined =
  (how: string) =>
  (frame: DataFrame, other: DataFrame): DataFrame => {
    const pairs = frame
      .alias('l')
      .join(
        other.alias('r'),
        [expr('l.user = r.user'), expr('r.t BETWEEN l.t AND l.t + INTERVAL 5 SECONDS')],
        how,
      )
    return how === 'leftsemi' ? pairs : pairs.selectExpr('l.user AS user', 'l.t AS t', 'r.v AS v')
  }

/** Gives out what comes in: of what it does only the user knows. */
const passing: OwnOperator = {
  name: 'passing',
  version: 1,
  make: ({ state }) => ({
    name: 'passing',
    open: ({ epoch }) => state.open(epoch),
    process: (_input, batch, output) => output.emit(batch),
    closeEpoch: () => ({}),
    freeze: () => state.freeze(),
  }),
}

const timed = { usesTime: true, keepsTime: true } as const

export const operators: readonly Operator[] = [
  {
    name: 'windows',
    kind: 'aggregate',
    apply: (frame) =>
      frame
        .groupBy(window('t', '10 seconds'), 'user')
        .agg(expr('CAST(count(1) AS INT)').alias('v'))
        .select('user', window_time('window').alias('t'), 'v'),
    ...timed,
  },
  {
    name: 'times',
    kind: 'aggregate',
    apply: (frame) =>
      frame
        .groupBy('t', 'user')
        .agg(expr('CAST(count(1) AS INT)').alias('v'))
        .select('user', 't', 'v'),
    ...timed,
  },
  {
    name: 'users',
    kind: 'aggregate',
    apply: (frame) =>
      frame
        .groupBy('user')
        .agg(expr('max(t)').alias('t'), expr('CAST(count(1) AS INT)').alias('v')),
    usesTime: false,
    keepsTime: false,
  },
  {
    name: 'sessions',
    kind: 'aggregate',
    isSession: true,
    apply: (frame) =>
      frame
        .groupBy(session_window('t', '5 seconds'), 'user')
        .agg(expr('CAST(count(1) AS INT)').alias('v'))
        .select('user', window_time('session_window').alias('t'), 'v'),
    ...timed,
  },
  {
    name: 'distinct times',
    kind: 'deduplicate',
    apply: (frame) => frame.dropDuplicates('user', 't'),
    shown: ['user', 't'],
    ...timed,
  },
  {
    name: 'distinct users',
    kind: 'deduplicate',
    apply: (frame) => frame.dropDuplicates('user'),
    shown: ['user'],
    usesTime: false,
    keepsTime: true,
  },
  {
    name: 'distinct for a time',
    kind: 'deduplicate',
    apply: (frame) =>
      frame.isStreaming
        ? frame.dropDuplicatesWithinWatermark('user')
        : frame.dropDuplicates('user'),
    ...timed,
  },
  { name: 'inner join', kind: 'join', apply: joined('inner'), ...timed },
  { name: 'left semi join', kind: 'join', apply: joined('leftsemi'), ...timed },
  { name: 'left outer join', kind: 'join', isOuter: true, apply: joined('left'), ...timed },
  {
    // Spark has none: held to its rules for outer joins, which give out rows as late as this.
    name: 'as-of join',
    kind: 'join',
    isOuter: true,
    apply: (frame, other) =>
      frame
        .asofJoin(other.selectExpr('user', 't AS at', 'v AS ov'), {
          on: 'user',
          leftTime: 't',
          rightTime: 'at',
        })
        .selectExpr('user', 't', 'coalesce(ov, v) AS v'),
    shown: ['user', 't'],
    ...timed,
  },
  {
    name: 'mapGroupsWithState',
    kind: 'mapGroups',
    apply: (frame) =>
      frame
        .as(row)
        .groupByKey('user')
        .mapGroupsWithState(
          (user, rows, state) => {
            const v = (state.get() ?? 0) + rows.length
            state.update(v)
            const times = rows.flatMap(({ t }) => (t === null ? [] : [new Date(t)]))
            return { user, t: new Date(Math.max(...times.map(Number))), v }
          },
          { output: row, state: 'INT' },
        )
        .toDF(),
    usesTime: false,
    keepsTime: false,
  },
  ...(['append', 'update'] as const).map(
    (outputMode): Operator => ({
      name: `flatMapGroupsWithState in ${outputMode}`,
      kind: 'flatMapGroups',
      outputMode,
      apply: (frame) => grouped(frame, outputMode, false),
      usesTime: false,
      keepsTime: false,
    }),
  ),
  {
    name: 'flatMapGroupsWithState with event time',
    kind: 'flatMapGroups',
    outputMode: 'append',
    timesOut: true,
    apply: (frame) => grouped(frame, 'append', true),
    usesTime: true,
    keepsTime: false,
  },
  { name: 'transformWithState', kind: 'process', apply: (frame) => processed(frame), ...timed },
  {
    // Spark has none: held to its rules for `transformWithState` without a time.
    name: 'operator of your own',
    kind: 'own',
    apply: (frame) => frame.operator(passing, { keys: ['user'], output: row }),
    usesTime: false,
    keepsTime: false,
  },
  {
    name: 'limit',
    kind: 'limit',
    apply: (frame) => frame.limit(5),
    shown: [],
    usesTime: false,
    keepsTime: true,
  },
  {
    name: 'orderBy',
    kind: 'sort',
    apply: (frame) => frame.orderBy('t', 'user', 'v'),
    usesTime: false,
    keepsTime: true,
  },
]
