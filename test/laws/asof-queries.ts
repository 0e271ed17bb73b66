import fc from 'fast-check'
import type { StreamQuery } from '../../properties/laws/stream-query.ts'
import type { AsofJoinOptions } from '../../src/dataframe/asof-join.ts'
import type { DataFrame } from '../../src/dataframe/data-frame.ts'
import { count, expr, window } from '../../src/functions.ts'

export const asofSchema = 'k STRING, t TIMESTAMP, n INT'
const rowAt = (seconds: fc.Arbitrary<number>) =>
  fc.tuple(
    fc.option(fc.constantFrom('a', 'b', 'c'), { freq: 8 }),
    fc.option(
      seconds.map((second) => new Date(second * 1000)),
      { freq: 9 },
    ),
    fc.integer({ min: 0, max: 99 }),
  )
const leftRow = rowAt(fc.integer({ min: 0, max: 40 }))
/** Few times, so that several rows of a key share one and the last of them has to be found. */
const rightRow = rowAt(fc.integer({ min: 0, max: 8 }).map((number) => number * 5))

/** What stands behind the join, whose watermark is that of the inputs. */
const behind: Readonly<Record<string, (frame: DataFrame) => DataFrame>> = {
  nothing: (frame) => frame,
  windows: (frame) =>
    frame.groupBy(window('t', '8 seconds'), 'k').agg(count('value').alias('found')),
  'the times of its rows': (frame) => frame.groupBy('t').agg(count('value').alias('found')),
}

/** Rows of the left by key and time, with the value of the right. */
export function asofJoined(
  [left, first, second]: readonly DataFrame[],
  { options, unites, isSure }: Shape,
): DataFrame {
  if (left === undefined || first === undefined) throw new Error('the query has these inputs')
  const all = unites && second !== undefined ? first.union(second) : first
  const value = isSure ? expr("concat(k, date_format(t, 'ss'))") : expr('CAST(n AS STRING)')
  const rights = all
    .withWatermark('t', '3 seconds', { nullTime: 'keep' })
    .select('k', expr('t AS at'), value.alias('value'))
  return left
    .withWatermark('t', '5 seconds', { nullTime: 'keep' })
    .asofJoin(rights, { on: 'k', leftTime: 't', rightTime: 'at', ...options })
}

interface Shape {
  readonly options: Pick<AsofJoinOptions, 'type' | 'tolerance'>
  /** The right side is a union of two streams. */
  readonly unites: boolean
  /** Right rows of one key and time are the same, so that nothing depends on their order. */
  readonly isSure: boolean
}

/** Random as-of joins, and what may stand behind them. */
export const asofQueries: fc.Arbitrary<StreamQuery> = fc
  .record({
    type: fc.constantFrom<('inner' | 'leftOuter')[]>('inner', 'leftOuter'),
    tolerance: fc.option(fc.constantFrom('0 seconds', '4 seconds'), { nil: undefined }),
    unites: fc.boolean(),
    isSure: fc.boolean(),
    partitions: fc.integer({ min: 1, max: 3 }),
    name: fc.constantFrom('nothing', 'nothing', 'windows', 'the times of its rows'),
  })
  .map(({ type, tolerance, unites, isSure, partitions, name }) => ({
    inputs: [leftRow, rightRow, ...(unites ? [rightRow] : [])].map((row) => ({
      schema: asofSchema,
      row,
      partitions,
    })),
    outputMode: 'append',
    dependsOnOrder: !isSure,
    text: `${type} as-of join${tolerance === undefined ? '' : ` within ${tolerance}`}${unites ? ' with a union' : ''}, then ${name}`,
    query(frames) {
      const options = { type, ...(tolerance === undefined ? {} : { tolerance }) }
      const finish = behind[name] ?? ((frame) => frame)
      return finish(asofJoined(frames, { options, unites, isSure }))
    },
  }))
