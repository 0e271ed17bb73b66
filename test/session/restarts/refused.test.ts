import { expect, test } from 'vitest'
import { keptTable } from '../../../properties/kept-table.ts'
import type { DataFrame } from '../../../src/dataframe/data-frame.ts'
import { col, count, expr, session_window, sum, udf, window } from '../../../src/functions.ts'
import type { Session } from '../../../src/index.ts'
import { type Life, lives, pairs, refusal } from './lives.ts'

// The changes that the state of an operator would not survive: each is refused, with the operator and why.

type Build = (left: DataFrame, right: DataFrame) => DataFrame

const both = (build: Build) => (session: Session) =>
  build(pairs(session, [1, 5], [2, 9]), pairs(session, [1, 6], [2, 9]))

type Difference = readonly [name: string, before: Build, now: Build, says: RegExp]

const life = (mode: 'append' | 'update', build: Build): Life => ({ query: both(build), mode })

/** What is refused of a change from one query to another, without the first and last words. */
async function difference(mode: 'append' | 'update', before: Build, now: Build): Promise<string> {
  const message = await refusal(life(mode, before), life(mode, now))
  return /belongs to a different query: (.*)\.\n/.exec(message)?.[1] ?? message
}

const timed = (frame: DataFrame): DataFrame => frame.withWatermark('t', '1 second')
const total: Build = (left) => left.groupBy('k').agg(sum('n').alias('s'))
const windows =
  (size: string, slide = size): Build =>
  (left) =>
    timed(left)
      .groupBy(window('t', size, slide))
      .agg(count('n').alias('c'))

const aggregations: readonly Difference[] = [
  [
    'another key of the same type',
    (left) => left.groupBy('k').agg(count('n')),
    (left) => left.groupBy('n').agg(count('n')),
    /^operator aggregate-0 went by \[k\] and goes by \[n\]$/,
  ],
  [
    'a key more',
    total,
    (left) => left.groupBy('k', 't').agg(sum('n')),
    /^operator aggregate-0 was \(update: \[int\].*\) and is \(update: \[int, timestamp\]/,
  ],
  [
    'an aggregate more',
    total,
    (left) => left.groupBy('k').agg(sum('n'), count('n')),
    /sum\(n: int\)\) and is \(.*sum\(n: int\), count\(n: int\)\)$/,
  ],
  [
    'an aggregate less',
    (left) => left.groupBy('k').agg(sum('n'), count('n')),
    total,
    /sum\(n: int\), count\(n: int\)\) and is \(.*sum\(n: int\)\)$/,
  ],
  [
    'another argument of the same type',
    total,
    (left) => left.groupBy('k').agg(sum('k').alias('s')),
    /sum\(n: int\)\) and is \(.*sum\(k: int\)\)$/,
  ],
  [
    'a filter of an aggregate',
    total,
    (left) => left.groupBy('k').agg(expr('sum(n) FILTER (WHERE n > 3)').alias('s')),
    /sum\(n: int\) FILTER \(WHERE \(n > 3\)\)/,
  ],
  ['another window size', windows('10 seconds'), windows('20 seconds'), /10000000.*20000000/],
  ['another slide', windows('10 seconds'), windows('10 seconds', '5 seconds'), /5000000/],
  [
    'a window over another time',
    windows('10 seconds'),
    (left) =>
      left
        .withColumn('u', expr("t + INTERVAL '1' HOUR"))
        .withWatermark('u', '1 second')
        .groupBy(window('u', '10 seconds'))
        .agg(count('n').alias('c')),
    /went by \[window over t\] and goes by \[window over u\]$/,
  ],
  [
    'a watermark on another column',
    windows('10 seconds'),
    (left) =>
      left
        .withColumn('u', expr("t + INTERVAL '1' HOUR"))
        .withWatermark('u', '1 second')
        .groupBy(window('t', '10 seconds'))
        .agg(count('n').alias('c')),
    /until the watermark.* and is \(/,
  ],
  [
    'early results',
    windows('10 seconds'),
    (left) =>
      timed(left).groupBy(window('t', '10 seconds')).emit({ every: '1 second' }).agg(count('n')),
    /update with early results/,
  ],
]

test.each(aggregations)('of an aggregation: %s', async (_, before, now, expected) => {
  expect(await difference('update', before, now)).toMatch(expected)
})

const joined = (left: DataFrame, right: DataFrame, on: string, how = 'inner'): DataFrame =>
  timed(left)
    .alias('l')
    .join(timed(right).alias('r'), expr(on), how)
    .select(
      col('l.k').alias('a'),
      col('l.n').alias('b'),
      ...(/semi|anti/.test(how) ? [] : [col('r.k').alias('c'), col('r.n').alias('d')]),
    )
const range = 'l.t BETWEEN r.t AND r.t + INTERVAL 1 MINUTE'

const others: readonly Difference[] = [
  [
    'dropDuplicates by another column of the same type',
    (left) => timed(left).dropDuplicates('k', 't'),
    (left) => timed(left).dropDuplicates('n', 't'),
    /^operator deduplicate-0 went by \[k, t, until t\] and goes by \[n, t, until t\]$/,
  ],
  [
    'dropDuplicates by a column less',
    (left) => timed(left).dropDuplicates('k', 'n', 't'),
    (left) => timed(left).dropDuplicates('k', 't'),
    /^operator deduplicate-0 was \(first of \[int, int, timestamp\]/,
  ],
  [
    'another delay below dropDuplicatesWithinWatermark',
    (left) => left.withWatermark('t', '1 second').dropDuplicatesWithinWatermark('k'),
    (left) => left.withWatermark('t', '2 seconds').dropDuplicatesWithinWatermark('k'),
    /within 1000000 µs\) and is \(.*within 2000000 µs/,
  ],
  [
    'another join key of the same type',
    (left, right) => joined(left, right, `l.k = r.k AND ${range}`),
    (left, right) => joined(left, right, `l.k = r.n AND ${range}`),
    /^operator join-0 went by \[k = k\] and goes by \[k = n\]$/,
  ],
  [
    'another type of join',
    (left, right) => joined(left, right, `l.k = r.k AND ${range}`),
    (left, right) => joined(left, right, `l.k = r.k AND ${range}`, 'left'),
    /^operator join-0 was \(inner on .*\) and is \(leftOuter on/,
  ],
  [
    'another range of times in a join',
    (left, right) => joined(left, right, `l.k = r.k AND ${range}`),
    (left, right) => joined(left, right, `l.k = r.k AND ${range.replace('MINUTE', 'HOUR')}`),
    /until #\d+ \+ \d+ µs.*and is/,
  ],
  [
    'another condition of an outer join',
    (left, right) => joined(left, right, `l.k = r.k AND ${range}`, 'left'),
    (left, right) => joined(left, right, `l.k = r.k AND ${range} AND l.n < r.n`, 'left'),
    /where .* and is \(.* where .*left.n < right.n/,
  ],
  [
    'the same condition of an outer join with the sides swapped',
    (left, right) => joined(left, right, `l.k = r.k AND ${range} AND l.n < r.n`, 'left'),
    (left, right) => joined(left, right, `l.k = r.k AND ${range} AND r.n < l.n`, 'left'),
    /where .*left.n < right.n.* and is \(.* where .*right.n < left.n/,
  ],
  ...(['left', 'right', 'full', 'leftsemi', 'leftanti'] as const).flatMap((how) =>
    (['l', 'r'] as const).map(
      (side): Difference => [
        `a condition over the ${side} side less in a ${how} join`,
        (left, right) => joined(left, right, `l.k = r.k AND ${range} AND ${side}.n > 5`, how),
        (left, right) => joined(left, right, `l.k = r.k AND ${range}`, how),
        /where .*n > 5.* and is \(/,
      ],
    ),
  ),
  [
    'another limit',
    (left) => left.limit(5),
    (left) => left.limit(6),
    /^operator limit-0 was \(first 5 rows\) and is \(first 6 rows\)$/,
  ],
  [
    'another gap between what was grouped by sessions and by windows',
    (left) => timed(left).groupBy(session_window('t', '2 seconds'), 'k').agg(count('n')),
    (left) => timed(left).groupBy(window('t', '2 seconds'), 'k').agg(count('n')),
    /^operator session-0 \(append: .*\) is gone$/,
  ],
  [
    'an operator more',
    (left) => left,
    (left) => timed(left).dropDuplicates('k', 't'),
    /^operator deduplicate-0 is new$/,
  ],
  [
    'an operator less',
    (left) => timed(left).dropDuplicates('k', 't'),
    (left) => left,
    /^operator deduplicate-0 \(.*\) is gone$/,
  ],
  [
    'two operators of one kind in each other’s place',
    (left, right) =>
      timed(left).dropDuplicates('k', 't').union(timed(right).dropDuplicates('k', 't')),
    (left, right) =>
      timed(right).dropDuplicates('k', 't').union(timed(left).dropDuplicates('k', 't')),
    /^operator deduplicate-0 read the source memory-0 and does not any more$/,
  ],
  [
    'a source less',
    (left, right) => left.union(right),
    (left) => left,
    /^source memory-1 is gone \(one that was given a name may go\)$/,
  ],
]

test.each(others)('%s', async (_, before, now, expected) => {
  expect(await difference('append', before, now)).toMatch(expected)
})

test('another output mode of an aggregation', async () => {
  const build = windows('10 seconds')
  const message = await refusal(life('append', build), life('update', build))
  expect(message).toMatch(/operator aggregate-0 was \(append: .*\) and is \(update: /)
})

test('another key of custom state', async () => {
  const keyed =
    (key: 'k' | 'n'): Build =>
    (left) =>
      left
        .as()
        .groupByKey(key)
        .flatMapGroupsWithState((_, rows) => [{ c: [...rows].length }], {
          output: 'c INT',
          outputMode: 'append',
        })
        .toDF()
  expect(await difference('append', keyed('k'), keyed('n'))).toBe(
    'operator process-0 went by [k] and goes by [n]',
  )
})

test('a named source that goes while a decided epoch still has rows of it', async () => {
  const named = (session: Session, name: string): DataFrame =>
    session.readStream
      .name(name)
      .format('rate-micro-batch')
      .option('rowsPerBatch', 2)
      .load()
      .select('value')
  const left = (session: Session): DataFrame => named(session, 'left')
  const fails: Life = {
    query: (session) => left(session).union(named(session, 'right')),
    trigger: { processingTime: '0 seconds' },
    sink: (writer) =>
      writer.foreachBatch(() => {
        throw new Error('no room')
      }),
    fails: /no room/,
  }
  expect(await refusal(fails, { query: left, trigger: { once: true } })).toMatch(
    /source right is gone, and epoch 0, which was decided and has to run again, has rows of it: start/,
  )
})

const kept = keptTable()

/** A query into a table whose commits fail, or do not. */
const intoTable = (fails?: RegExp, table = kept): Life => ({
  query(session) {
    const refuse = (step: string): void => {
      if (fails !== undefined && step.startsWith('table commit')) throw new Error('no route')
    }
    session.register({ sink: table.sink(refuse) })
    return pairs(session, [1, 1]).select('k')
  },
  sink: (writer) => writer.format('kept'),
  ...(fails === undefined ? {} : { fails }),
})

test('another sink, while the old one may not have its last epoch', async () => {
  const other: Life = { query: (session) => pairs(session, [1, 1], [2, 2]).select('k') }
  expect(await refusal(intoTable(/no route/), other)).toMatch(
    /the sink was kept and is foreachBatch, and kept may not have epoch 0 yet: start the query with it once more/,
  )
  const said = await lives([intoTable(/no route/), intoTable(), other])
  // The new sink gets what comes after what the old one has.
  expect(said.at(-1)).toEqual(['2'])
})

const letterTable = keptTable()

/** Numbers above 1, the others as dead letters if anybody takes them; into a table whose commits fail, or do not. */
const withLetters = (options: Readonly<Record<string, string>>, fails?: RegExp): Life => {
  const table = intoTable(fails, letterTable)
  const large = udf((n: number) => {
    if (n < 2) throw new RangeError(`${n} is small`)
    return n
  }, 'int')
  return {
    ...table,
    query(session) {
      table.query(session)
      return pairs(session, [1, 1], [2, 2]).select(large(col('n')).alias('n'))
    },
    sink: (writer) => writer.format('kept').options(options),
  }
}

test('dead letters without a sink, while the old one may not have the last of them', async () => {
  const before = withLetters({ badRows: 'deadLetter', deadLetterPath: 'letters' }, /no route/)
  expect(await refusal(before, withLetters({ badRows: 'drop' }))).toMatch(
    /the sink of deadLetters was files of letters and is gone, and files of letters may not have epoch 0 yet: start/,
  )
  // Once it has them it may go.
  const again = withLetters({ badRows: 'deadLetter', deadLetterPath: 'letters' })
  await lives([before, again, withLetters({ badRows: 'drop' })])
})
