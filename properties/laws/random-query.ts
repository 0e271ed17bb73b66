import fc from 'fast-check'
import type { Column } from '../../src/dataframe/column.ts'
import type { DataFrame } from '../../src/dataframe/data-frame.ts'
import type { WatermarkOptions } from '../../src/plan/watermark-rules.ts'
import { type Chain, chained, chains } from './random-chain.ts'
import { type Ranking, ranked, rankings } from './random-ranking.ts'
import { watermarkOptions } from './random-watermark.ts'
import { inSql, type Spell } from './spellings.ts'
import type { StreamInput, StreamQuery } from './stream-query.ts'

/** What a random query is made of; printed when a law fails. */
export interface QueryShape {
  readonly columns: readonly ColumnName[]
  readonly union: 'none' | 'below' | 'above'
  readonly partitions: number
  readonly steps: readonly Step[]
  readonly delaySeconds: number
  readonly watermark: WatermarkOptions
  readonly grouping: Grouping | undefined
  readonly having: boolean
  readonly chain: Chain
  readonly ranking: Ranking | undefined
  readonly outputMode: StreamQuery['outputMode']
}

type ColumnName = 'k' | 'n' | 'x' | 'a'
type Step =
  | 'filter'
  | 'project'
  | 'text'
  | 'explode'
  | 'explodeOuter'
  | 'distinct'
  | 'dropDuplicates'
  | 'dropDuplicatesInTime'
  | 'dropDuplicatesWithin'
  | 'limit'

const stepNames: readonly Step[] = [
  'filter',
  'project',
  'text',
  'explode',
  'explodeOuter',
  'distinct',
  'dropDuplicates',
  'dropDuplicatesInTime',
  'dropDuplicatesWithin',
  'limit',
]

/** Steps that keep some rows for being the first. */
const orderSteps: readonly Step[] = [
  'dropDuplicates',
  'dropDuplicatesInTime',
  'dropDuplicatesWithin',
  'limit',
]

interface Grouping {
  readonly window: 'tumbling' | 'sliding' | 'shifted' | 'session' | 'uneven' | 'time' | 'none'
  readonly byKey: boolean
  readonly aggregates: readonly string[]
  /** Early results in update mode, at most this often. */
  readonly every: string | undefined
}

const typeOf: Readonly<Record<ColumnName | 't', string>> = {
  t: 'TIMESTAMP',
  k: 'STRING',
  n: 'BIGINT',
  x: 'DOUBLE',
  a: 'ARRAY<STRING>',
}

const windowOf: Readonly<Record<Exclude<Grouping['window'], 'none'>, string>> = {
  tumbling: "window(t, '10 seconds')",
  sliding: "window(t, '10 seconds', '4 seconds')",
  shifted: "window(t, '6 seconds', '6 seconds', '1 second')",
  session: "session_window(t, '3 seconds')",
  // Rows without a time have no second, so no gap either; every fifth second is left out.
  uneven: "session_window(t, concat(CAST(second(t) % 5 AS STRING), ' seconds'))",
  time: 't',
}

/** Aggregates by the column that they read. */
const aggregates: readonly (readonly [ColumnName | 't', string])[] = [
  ['t', 'count(1) AS rows'],
  ['t', 'max(t) AS newest'],
  ['k', 'count(k) AS ks'],
  ['k', 'min(k) AS firstK'],
  ['n', 'sum(n) AS total'],
  ['n', 'avg(n) AS mean'],
  ['n', 'max(n) AS largest'],
  ['n', 'sum(CASE WHEN n > 0 THEN n END) AS positive'],
  ['x', 'sum(x) AS xs'],
  ['x', 'avg(x) AS meanX'],
  ['x', 'min(x) AS smallX'],
  ['k', "bool_or(k > 'b') AS isLate"],
  ['k', 'count(DISTINCT k) AS kinds'],
  ['k', 'sort_array(collect_set(k)) AS set'],
  ['k', 'sort_array(collect_list(k)) AS list'],
  ['n', 'sum(DISTINCT n) FILTER (WHERE n > -3) AS once'],
  ['n', 'stddev(n) AS deviation'],
  ['n', 'skewness(n) AS lean'],
  ['n', 'kurtosis(n) AS tails'],
  ['n', 'corr(n, n % 3) AS related'],
  ['n', 'bit_xor(n) AS bits'],
  ['n', 'mode(n) AS usual'],
  ['n', 'max_by(n, t) FILTER (WHERE false) AS nothing'],
  ['n', 'rows_with_max(t, n) AS heights'],
  ['n', 'percentile_approx(n, array(0.25, 0.75)) AS quarters'],
  ['x', 'median(x) AS middle'],
  ['x', 'var_pop(x) AS spread'],
]

/** Aggregates whose last digits depend on the order in which panes are put together. */
const inexact: readonly string[] = aggregates
  .map(([, text]) => text)
  .filter((text) => /^(?:(?:sum|avg|var_pop)\(x\)|(?:stddev|skewness|kurtosis|corr)\()/.test(text))

/** Aggregates that go by the order of rows: where the query gives them one, it is that of the input. */
const orderedAggregates: readonly (readonly [ColumnName | 't', string])[] = [
  ['k', 'first(k) AS leadK'],
  ['k', 'collect_list(k) AS all'],
  ['k', 'collect_set(k) AS each'],
  ['n', 'last(n) IGNORE NULLS AS lastN'],
  ['n', 'min_by(t, n) AS best'],
  ['x', 'first(x, true) AS firstX'],
]

/** Few keys, small numbers, a minute of time, nulls: rows that meet, repeat and come out of order. */
const cells: Readonly<Record<ColumnName | 't', fc.Arbitrary<unknown>>> = {
  // Whole seconds for the most part: only they meet the ends of windows and watermarks exactly.
  t: fc.option(
    fc
      .oneof(
        { weight: 4, arbitrary: fc.integer({ min: 0, max: 40 }).map((second) => second * 1000) },
        // The gap of sessions apart: a row between two of them joins all three.
        { weight: 2, arbitrary: fc.integer({ min: 0, max: 13 }).map((number) => number * 3000) },
        { weight: 1, arbitrary: fc.integer({ min: 0, max: 40_000 }) },
      )
      .map((ms) => new Date(1_600_000_000_000 + ms)),
    { freq: 12 },
  ),
  k: fc.option(fc.constantFrom('a', 'b', 'C', '', 'é'), { freq: 6 }),
  n: fc.option(
    fc.integer({ min: -5, max: 9 }).map((value) => BigInt(value)),
    { freq: 6 },
  ),
  x: fc.option(fc.double({ min: -100, max: 100, noNaN: true }), { freq: 6 }),
  a: fc.option(fc.array(fc.option(fc.constantFrom('p', 'q', 'a'), { freq: 5 }), { maxLength: 3 }), {
    freq: 6,
  }),
}

/** Random shapes that the engine takes: the rules of output modes are kept. */
export const queryShape: fc.Arbitrary<QueryShape> = fc
  .record({
    columns: fc
      .shuffledSubarray<ColumnName>(['k', 'n', 'x', 'a'], { minLength: 1 })
      .map((columns) => [...columns].sort()),
    union: fc.constantFrom<QueryShape['union']>('none', 'none', 'below', 'above'),
    partitions: fc.integer({ min: 1, max: 3 }),
    steps: fc.array(fc.constantFrom(...stepNames), { maxLength: 3 }),
    delaySeconds: fc.constantFrom(0, 1, 5, 90),
    watermark: watermarkOptions,
    grouping: fc.option(
      fc.record({
        window: fc.constantFrom<Grouping['window']>(
          'tumbling',
          'sliding',
          'shifted',
          'session',
          'uneven',
          'time',
          'none',
        ),
        byKey: fc.boolean(),
        every: fc.constantFrom(undefined, undefined, '0 seconds', '5 milliseconds', '2 seconds'),
        aggregates: fc.shuffledSubarray(
          [...aggregates, ...orderedAggregates].map(([, text]) => text),
          { minLength: 1, maxLength: 3 },
        ),
      }),
      { freq: 5, nil: undefined },
    ),
    having: fc.boolean(),
    chain: fc.constantFrom(...chains),
    ranking: rankings,
    outputMode: fc.constantFrom<StreamQuery['outputMode']>('append', 'update', 'complete'),
  })
  .map(withinTheRules)

function withinTheRules(given: QueryShape): QueryShape {
  // What was given out cannot be taken back.
  const steps = given.steps.filter((step) => step !== 'limit' || given.outputMode !== 'update')
  const shape = { ...given, steps }
  const { grouping, outputMode, ranking } = shape
  if (grouping === undefined) {
    // Without groups or ranks the whole answer is every row ever read.
    const never = outputMode === 'complete' && ranking === undefined
    return never ? { ...shape, outputMode: 'append' } : shape
  }
  const known = [...shape.columns, 't']
  // A ranking gives out again what changed, even if by the last digit.
  const isStable = outputMode === 'update' && ranking !== undefined
  const usable = [...aggregates, ...orderedAggregates]
    .filter(([column, text]) => known.includes(column) && !(isStable && inexact.includes(text)))
    .map(([, text]) => text)
  const kept = grouping.aggregates.filter((text) => usable.includes(text))
  const never = grouping.window === 'none' && outputMode === 'append'
  // Sessions of a stream need another key, and cannot be given out before they are closed.
  const merges = ['session', 'uneven'].includes(grouping.window)
  const mergeless = merges && (outputMode === 'update' || !shape.columns.includes('k'))
  // The last of a group is told by its event time.
  const early = outputMode === 'update' && grouping.window !== 'none' && ranking === undefined
  return {
    ...shape,
    // Only what is closed can be grouped again, and then has no time of its own to be ranked by.
    chain: outputMode === 'append' && ranking === undefined ? shape.chain : 'none',
    // A group that is filtered out after a change would have to leave its ranking.
    having: shape.having && !(outputMode === 'update' && ranking !== undefined),
    grouping: {
      window: never || mergeless ? 'tumbling' : grouping.window,
      byKey: (grouping.byKey || merges) && shape.columns.includes('k'),
      aggregates: kept.length === 0 ? ['count(1) AS rows'] : kept,
      every: early ? grouping.every : undefined,
    },
  }
}

/** True when a batch, which has its rows in order of arrival, may give another answer. */
function dependsOnOrder({ steps, grouping, partitions, union, ranking }: QueryShape): boolean {
  if (steps.some((step) => orderSteps.includes(step))) return true
  const isOneLog = partitions === 1 && union === 'none'
  if (!isOneLog && grouping === undefined && ranking !== undefined) return true
  const byOrder = orderedAggregates.map(([, text]) => text)
  return !isOneLog && grouping?.aggregates.some((text) => byOrder.includes(text)) === true
}

/** The query of a shape, its terms in the spelling that is asked for. */
export function queryOf(shape: QueryShape, spell: Spell = inSql): StreamQuery {
  const columns: readonly (ColumnName | 't')[] = ['t', ...shape.columns]
  const input: StreamInput = {
    schema: columns.map((name) => `${name} ${typeOf[name]}`).join(', '),
    row: fc.tuple(...columns.map((name) => cells[name])),
    partitions: shape.partitions,
  }
  return {
    inputs: shape.union === 'none' ? [input] : [input, { ...input, partitions: 1 }],
    query: (frames) => built(shape, frames, spell),
    outputMode: shape.outputMode,
    dependsOnOrder: dependsOnOrder(shape),
    text: JSON.stringify(shape),
  }
}

function built(shape: QueryShape, frames: readonly DataFrame[], spell: Spell): DataFrame {
  const { union, steps, delaySeconds, grouping, having, chain, ranking, outputMode: mode } = shape
  const names: readonly string[] = ['t', ...shape.columns]
  const unite = (each: (frame: DataFrame) => DataFrame): DataFrame =>
    frames.map(each).reduce((all, one) => all.union(one))
  const timed = (frame: DataFrame): DataFrame =>
    frame.withWatermark('t', `${delaySeconds} seconds`, shape.watermark)
  // `above` declares a watermark in each branch of the union, `below` one over the union.
  const source = union === 'above' ? unite(timed) : timed(unite((frame) => frame))
  const stateless = steps.reduce((frame, step) => stepped(frame, step, { names, spell }), source)
  if (grouping === undefined) {
    if (ranking === undefined) return stateless
    return ranked({ frame: stateless, mode, closing: undefined, isGrouped: false }, ranking)
  }
  const keys = [
    ...(grouping.window === 'none' ? [] : [windowOf[grouping.window]]),
    ...(grouping.byKey ? ['k'] : []),
  ]
  const { every } = grouping
  const groups = stateless.groupBy(...keys.map(spell))
  const emitted = every === undefined ? groups : groups.emit({ every })
  const result = emitted.agg(...grouping.aggregates.map((text) => aggregated(text, spell)))
  const [last] = result.columns.slice(-1)
  const kept = having && last !== undefined ? result.filter(spell(`${last} IS NOT NULL`)) : result
  const [first = ''] = result.columns
  if (ranking !== undefined) {
    const closing = grouping.window === 'none' ? undefined : first
    return ranked({ frame: kept, mode, closing, isGrouped: true }, ranking)
  }
  return chained(kept, chain, first, grouping.byKey ? 'k' : undefined)
}

/** `sum(n) AS total` as a column. */
function aggregated(text: string, spell: Spell): Column {
  const [call = '', name = ''] = text.split(' AS ')
  return spell(call).alias(name.trim())
}

function stepped(
  frame: DataFrame,
  step: Step,
  { names, spell }: { readonly names: readonly string[]; readonly spell: Spell },
): DataFrame {
  const has = (name: string): boolean => names.includes(name)
  const without = (...changed: readonly string[]): readonly Column[] =>
    names.filter((name) => !changed.includes(name)).map((name) => spell(name))
  switch (step) {
    case 'filter':
      return frame.filter(
        spell(has('n') ? 'n % 3 <> 1 OR n IS NULL' : has('k') ? "k <> 'b'" : 't IS NOT NULL'),
      )
    case 'project':
      return frame.select(
        ...without('n', 'x'),
        ...(has('n') ? [spell('n * 2 - 1').alias('n')] : []),
        ...(has('x') ? [spell('x / 4 + 0.5D').alias('x')] : []),
      )
    case 'text':
      return has('k')
        ? frame.select(...without('k'), spell("concat(upper(k), '-')").alias('k'))
        : frame
    case 'distinct':
      return frame.distinct()
    case 'dropDuplicates':
      return frame.dropDuplicates(names[1] ?? 't')
    case 'dropDuplicatesInTime':
      return frame.dropDuplicates('t', names[1] ?? 't')
    case 'dropDuplicatesWithin':
      return frame.isStreaming
        ? frame.dropDuplicatesWithinWatermark(names[1] ?? 't')
        : frame.dropDuplicates(names[1] ?? 't')
    case 'limit':
      return frame.limit(9)
    case 'explode':
    case 'explodeOuter': {
      if (!has('a')) return frame
      const call = step === 'explode' ? 'explode(a)' : 'explode_outer(a)'
      return frame.select(...without('k'), spell(call).alias('k'))
    }
  }
}
