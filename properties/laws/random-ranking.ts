import fc from 'fast-check'
import type { DataFrame } from '../../src/dataframe/data-frame.ts'
import { expr } from '../../src/dataframe/functions-core.ts'
import type { StreamQuery } from './stream-query.ts'

/** The best rows of each partition, at the end of a random query. */
export interface Ranking {
  /** Which columns the rows are put together by, those that are there. */
  readonly by: 'key' | 'time' | 'both' | 'nothing'
  readonly window: 'tumbling' | 'sliding' | 'moment'
  readonly order: readonly ('ascending' | 'descending')[]
  readonly bound: '<= 1' | '= 1' | '< 3' | '<= 4'
  /** Whether the number itself is given out. */
  readonly isShown: boolean
}

/** Most random queries rank nothing. */
export const rankings: fc.Arbitrary<Ranking | undefined> = fc.option(
  fc.record({
    by: fc.constantFrom<Ranking['by']>('key', 'time', 'both', 'nothing'),
    window: fc.constantFrom<Ranking['window']>('tumbling', 'sliding', 'moment'),
    order: fc.array(fc.constantFrom('ascending', 'descending'), { minLength: 1, maxLength: 2 }),
    bound: fc.constantFrom<Ranking['bound']>('<= 1', '= 1', '< 3', '<= 4'),
    isShown: fc.boolean(),
  }),
  { freq: 3, nil: undefined },
)

const windowOf: Readonly<Record<Ranking['window'], string>> = {
  tumbling: "window(t, '10 seconds')",
  sliding: "window(t, '10 seconds', '4 seconds')",
  moment: 't',
}

/** What is ranked. */
export interface Rankable {
  readonly frame: DataFrame
  readonly mode: StreamQuery['outputMode']
  /** The window, session or time of groups, if the rows are such; else windows are made of `t`. */
  readonly closing: string | undefined
  readonly isGrouped: boolean
}

/** The best rows of each partition; in append mode a time is among what they are put together by. */
export function ranked(
  { frame, mode, closing, isGrouped }: Rankable,
  { by, window, order, bound, isShown }: Ranking,
): DataFrame {
  const time = isGrouped ? closing : windowOf[window]
  const wantsTime = mode === 'append' || by === 'time' || by === 'both'
  const wantsKey = by === 'key' || by === 'both'
  const parts = [
    ...(wantsTime && time !== undefined ? [time] : []),
    ...(wantsKey && frame.columns.includes('k') ? ['k'] : []),
  ]
  // From the last column back: results of groups come last. Sums of doubles differ in their last bits.
  const columns = frame.schema.fields
    .filter(({ type }) => type.kind !== 'double')
    .map(({ name }) => name)
    .reverse()
  const keys = order.map((direction, at) => {
    const column = columns[at] ?? columns[0] ?? frame.columns[0]
    return direction === 'ascending' ? `${column} ASC NULLS LAST` : `${column} DESC`
  })
  const partition = parts.length === 0 ? '' : `PARTITION BY ${parts.join(', ')} `
  const numbered = frame.withColumn(
    'place',
    expr(`row_number() OVER (${partition}ORDER BY ${keys.join(', ')})`),
  )
  const best = numbered.filter(`place ${bound}`)
  return isShown ? best : best.drop('place')
}
