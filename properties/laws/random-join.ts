import fc from 'fast-check'
import type { DataFrame } from '../../src/dataframe/data-frame.ts'
import { expr } from '../../src/dataframe/functions-core.ts'
import type { WatermarkOptions } from '../../src/plan/watermark-rules.ts'
import { watermarkOptions } from './random-watermark.ts'
import type { StreamInput, StreamQuery } from './stream-query.ts'

/** What a random join is made of; printed when a law fails. */
export interface JoinShape {
  readonly how: How
  readonly right: 'stream' | 'table' | 'self'
  readonly key: 'text' | 'number' | 'both' | 'textOrNull'
  /** What bounds the rows in time: a range of seconds before and after, a key, or nothing. */
  readonly time: 'range' | 'oneSided' | 'window' | 'equal' | 'none'
  readonly before: number
  readonly after: number
  readonly strict: boolean
  readonly ownConditions: readonly Own[]
  readonly delays: readonly [number, number]
  readonly watermark: WatermarkOptions
  readonly filterAbove: boolean
  readonly groups: 'none' | 'windows' | 'sessions' | 'join'
  readonly partitions: number
  readonly outputMode: 'append' | 'update'
}

type How = 'inner' | 'left' | 'right' | 'full' | 'left_semi' | 'left_anti'
type Own = 'left' | 'right' | 'pair'

const schema = 't TIMESTAMP, k STRING, n BIGINT'

/** Few keys and half a minute: most rows have partners, some many, and some none. */
const row: fc.Arbitrary<readonly unknown[]> = fc.tuple(
  fc.option(
    fc.integer({ min: 0, max: 30 }).map((second) => new Date(1_600_000_000_000 + second * 1000)),
    { freq: 15 },
  ),
  fc.option(fc.constantFrom('a', 'b', 'c'), { freq: 8 }),
  fc.option(
    fc.integer({ min: -2, max: 3 }).map((value) => BigInt(value)),
    { freq: 8 },
  ),
)

/** Random joins that the engine takes: outer rows can come out, and modes fit. */
export const joinShape: fc.Arbitrary<JoinShape> = fc
  .record({
    how: fc.constantFrom<How>('inner', 'left', 'right', 'full', 'left_semi', 'left_anti'),
    right: fc.constantFrom<JoinShape['right']>('stream', 'stream', 'stream', 'table', 'self'),
    key: fc.constantFrom<JoinShape['key']>('text', 'number', 'both', 'textOrNull'),
    time: fc.constantFrom<JoinShape['time']>(
      'range',
      'range',
      'oneSided',
      'window',
      'equal',
      'none',
    ),
    before: fc.integer({ min: -3, max: 12 }),
    after: fc.integer({ min: 0, max: 12 }),
    strict: fc.boolean(),
    ownConditions: fc.subarray<Own>(['left', 'right', 'pair']),
    delays: fc.tuple(fc.constantFrom(0, 2, 10), fc.constantFrom(0, 2, 10)),
    watermark: watermarkOptions,
    filterAbove: fc.boolean(),
    groups: fc.constantFrom<JoinShape['groups']>('none', 'none', 'windows', 'sessions', 'join'),
    partitions: fc.integer({ min: 1, max: 2 }),
    outputMode: fc.constantFrom<JoinShape['outputMode']>('append', 'append', 'update'),
  })
  .map(withinTheRules)

function withinTheRules(shape: JoinShape): JoinShape {
  const { right, how } = shape
  if (right === 'table') {
    const allowed = how === 'right' || how === 'full' ? 'left' : how
    return { ...shape, how: allowed, time: 'none', groups: 'none' }
  }
  const needsBound = how !== 'inner'
  const unbound = shape.time === 'none' || shape.time === 'oneSided'
  // Sessions, and the outer one of two joins, give rows out only once nothing can change them.
  const waits = shape.groups === 'sessions' || (shape.groups === 'join' && shape.strict)
  const inserts = (how === 'inner' || how === 'left_semi') && !waits
  const ofTimes = shape.groups === 'windows' || shape.groups === 'sessions'
  return {
    ...shape,
    time: needsBound && unbound ? 'range' : shape.time,
    outputMode: inserts ? shape.outputMode : 'append',
    // Windows of a side that may be NULL, or of none, close by the watermark only where there is one.
    groups: ofTimes && how === 'right' ? 'none' : shape.groups,
  }
}

/** The query of a shape. */
export function joinQueryOf(shape: JoinShape): StreamQuery {
  const input: StreamInput = { schema, row, partitions: shape.partitions }
  const inputs = shape.right === 'stream' ? [input, { ...input, partitions: 1 }] : [input]
  return {
    inputs,
    tables: [
      {
        schema,
        rows: [
          [new Date(1_600_000_005_000), 'a', 1n],
          [new Date(1_600_000_015_000), 'a', 2n],
          [null, 'b', 1n],
          [new Date(1_600_000_009_000), null, null],
        ],
      },
    ],
    query: ([left, right = left], [table]) => {
      if (left === undefined || right === undefined || table === undefined) {
        throw new Error('a join has two sides')
      }
      return built(shape, left, shape.right === 'table' ? table : right)
    },
    outputMode: shape.outputMode,
    text: JSON.stringify(shape),
  }
}

function built(shape: JoinShape, left: DataFrame, right: DataFrame): DataFrame {
  const { how, filterAbove, groups, delays } = shape
  const l = sideOf(left, 'l', shape, delays[0])
  const r = sideOf(right, 'r', shape, delays[1])
  const joined = l.join(r, conditionsOf(shape).map(expr), how)
  const leftOnly = how === 'left_semi' || how === 'left_anti'
  const filtered = filterAbove
    ? joined.filter(leftOnly ? 'l_n IS NULL OR l_n < 3' : 'l_n IS NULL OR r_n IS NULL OR l_n < 3')
    : joined
  if (groups === 'windows') {
    const time = shape.time === 'window' ? 'l_w' : "window(l_t, '8 seconds')"
    return filtered.groupBy(expr(time).alias('w'), 'l_k').agg(expr('count(1)').alias('rows'))
  }
  if (groups === 'sessions') {
    const session = `session_window(${shape.time === 'window' ? 'l_w' : 'l_t'}, '4 seconds')`
    return filtered.groupBy(expr(session).alias('w'), 'l_k').agg(expr('count(1)').alias('rows'))
  }
  if (groups !== 'join' || leftOnly || shape.time !== 'range' || how !== 'inner') return filtered
  // A second join above the first one, whose rows come late for its watermark.
  const once = filtered.select('l_t', 'l_k', expr('l_n + r_n').alias('sum'))
  const again = sideOf(left, 'x', shape, delays[0])
  return once.join(
    again,
    [expr('l_k = x_k'), expr('x_t >= l_t'), expr('x_t <= l_t + INTERVAL 4 SECONDS')],
    shape.strict ? 'left' : 'inner',
  )
}

function sideOf(frame: DataFrame, name: string, shape: JoinShape, delay: number): DataFrame {
  const renamed = frame.selectExpr(`t AS ${name}_t`, `k AS ${name}_k`, `n AS ${name}_n`)
  const timed = renamed.withWatermark(`${name}_t`, `${delay} seconds`, shape.watermark)
  return shape.time === 'window'
    ? timed.select(
        expr(`window(${name}_t, '8 seconds')`).alias(`${name}_w`),
        `${name}_k`,
        `${name}_n`,
      )
    : timed
}

const keysBy: Readonly<Record<JoinShape['key'], readonly string[]>> = {
  text: ['l_k = r_k'],
  number: ['l_n = r_n'],
  both: ['l_k = r_k', 'r_n <=> l_n'],
  textOrNull: ['l_k <=> r_k'],
}

function conditionsOf({
  key,
  time,
  before,
  after,
  strict,
  ownConditions,
}: JoinShape): readonly string[] {
  const own: Readonly<Record<Own, string>> = {
    left: 'l_n > -2',
    right: "r_k <> 'c'",
    pair: 'l_n <= r_n + 1',
  }
  const sign = strict ? '>' : '>='
  const times: Readonly<Record<JoinShape['time'], readonly string[]>> = {
    range: [
      `l_t ${sign} r_t ${seconds(-before)}`,
      `l_t <= r_t ${seconds(Math.max(after, -before))}`,
    ],
    oneSided: [`l_t ${sign} r_t ${seconds(-before)}`],
    window: ['l_w = r_w'],
    equal: ['r_t = l_t'],
    none: [],
  }
  return [...keysBy[key], ...times[time], ...ownConditions.map((name) => own[name])]
}

function seconds(count: number): string {
  return `${count < 0 ? '-' : '+'} INTERVAL ${Math.abs(count)} SECONDS`
}
