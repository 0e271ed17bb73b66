import type { CrashPipeline } from '../../../properties/laws/crash-life.ts'
import type { Value } from '../../../src/batch/value.ts'
import { type FileSystem, joinPath } from '../../../src/core/file-system.ts'
import { seededRandom } from '../../../src/core/random.ts'
import type { DataFrame } from '../../../src/dataframe/data-frame.ts'
import { expr, row_number, session_window, Window, window } from '../../../src/functions.ts'
import { StringType, StructType } from '../../../src/types.ts'
import { operations, scriptProcessor } from '../../operators/script-processor.ts'

// Queries whose checkpoints are kept as files. What stands here and in those files is never changed: a query of
// a later release has to go on from the checkpoint of this one.

const schema = 't TIMESTAMP, k STRING, n BIGINT, x DOUBLE'

/** Four keys, a minute of time out of order, some NULLs; the same rows for ever. */
function arrivalsOf(
  seed: number,
  inputs: number,
  rowOf: (next: () => number, second: number) => readonly unknown[],
): CrashPipeline['arrivals'] {
  const { next } = seededRandom(seed)
  return [0, 12, 24, 36].map((start) =>
    Array.from({ length: inputs }, () =>
      Array.from({ length: 14 }, () => rowOf(next, start + Math.floor(next() * 18) - 3)),
    ),
  )
}

const at = (second: number): Date => new Date(1_600_000_000_000 + second * 1000)

function plainRow(next: () => number, second: number): readonly unknown[] {
  const [key, number, fraction] = [next(), next(), next()]
  return [
    key < 0.05 ? null : at(second),
    ['a', 'b', 'C', null][Math.floor(key * 4)],
    number < 0.1 ? null : BigInt(Math.floor(number * 12) - 4),
    fraction < 0.1 ? null : Math.floor(fraction * 1000) / 8,
  ]
}

type Build = (first: DataFrame, second: DataFrame) => DataFrame

function golden(name: string, build: Build, inputs = 1): CrashPipeline {
  return {
    name,
    schemas: Array.from({ length: inputs }, () => schema),
    arrivals: arrivalsOf(name.length, inputs, plainRow),
    query: ([first, second = first]) => {
      if (first === undefined || second === undefined) throw new Error('the query has inputs')
      return asText(build(first, second))
    },
    outputMode: 'append',
    config: {
      allowUnbounded: 'true',
      lanes: 2,
      shards: 8,
      epochsInFlight: 2,
      snapshotMinBytes: 1,
      // Some have their state outside of memory.
      ...(name.length % 2 === 0 ? { stateCache: 1 } : {}),
    },
    sink: { format: 'json', path: 'out' },
  }
}

/** The rows of the first input are there before the query starts: where a history ends is fixed then. */
function beginningWithHistory(pipeline: CrashPipeline): CrashPipeline {
  return {
    ...pipeline,
    before: [pipeline.arrivals.flatMap(([past = []]) => past), []],
    arrivals: pipeline.arrivals.map(([, live = []]) => [[], live]),
  }
}

/** One column of text, so that files of any query are read the same way. */
function asText(frame: DataFrame): DataFrame {
  return frame.selectExpr(`to_json(struct(${frame.columns.join(', ')})) AS row`)
}

const timed = (frame: DataFrame, delay = '5 seconds'): DataFrame => frame.withWatermark('t', delay)

const everyAggregate = [
  ...['count(1)', 'sum(n)', 'avg(n)', 'min(k)', 'max(x)', 'sum(x)', 'first(k)', 'last(n, true)'],
  ...['collect_list(n)', 'collect_set(k)', 'count(DISTINCT n)', 'sum(DISTINCT n)', 'mode(k)'],
  ...['median(x)', 'percentile_approx(n, 0.5)', 'approx_count_distinct(n)', 'bit_xor(n)'],
  ...['max_by(k, n)', 'rows_with_max(n, x)', 'bool_or(n > 5)', 'product(n)'],
  ...['max(CAST(n AS DECIMAL(9, 2)))'],
  // Their last digits depend on the order in which parts are put together.
  ...['stddev(n)', 'skewness(n)', 'kurtosis(x)', 'corr(n, x)', 'covar_pop(n, x)'].map(
    (call) => `round(${call}, 6)`,
  ),
].map((call, index) => expr(call).alias(`v${index}`))

const script = StructType()
  .add('k', StringType())
  .add('t', 'timestamp')
  .add('op', StringType())
  .add('n', 'int')
const shown = StructType().add('k', StringType()).add('shown', StringType())

/** Custom state of every kind, with timers and entries that expire. */
function scripted(): CrashPipeline {
  const name = 'custom state'
  const timeMode = 'eventTime'
  return {
    ...golden(name, (first) => first),
    schemas: ['k STRING, t TIMESTAMP, op STRING, n INT'],
    arrivals: arrivalsOf(name.length, 1, (next, second) => [
      ['a', 'b', 'c'][Math.floor(next() * 3)],
      at(second),
      operations[Math.floor(next() * operations.length)],
      Math.floor(next() * 10),
    ]),
    query: ([first]) => {
      if (first === undefined) throw new Error('the query has an input')
      const byKey = timed(first, '2 seconds').as(script).groupByKey('k')
      return asText(
        byKey
          .transformWithState(() => scriptProcessor(timeMode), { output: shown, timeMode })
          .toDF(),
      )
    },
  }
}

export const goldenPipelines: readonly CrashPipeline[] = [
  golden('all aggregates in sliding windows', (first) =>
    timed(first)
      .groupBy(window('t', '10 seconds', '5 seconds'), 'k')
      .agg(...everyAggregate),
  ),
  golden('sessions', (first) =>
    timed(first)
      .groupBy(session_window('t', '3 seconds'), 'k')
      .agg(expr('count(1)').alias('rows'), expr('collect_list(n)').alias('list')),
  ),
  golden('windows of windows', (first) =>
    timed(first)
      .groupBy(window('t', '5 seconds'), 'k')
      .agg(expr('sum(n)').alias('sum'))
      .groupBy(window('window', '15 seconds'))
      .agg(expr('max(sum)').alias('most')),
  ),
  golden('duplicates for ever', (first) => first.dropDuplicates('k', 'n')),
  golden('duplicates by time', (first) => timed(first).dropDuplicates('t', 'k')),
  golden('duplicates within the watermark', (first) =>
    timed(first).dropDuplicatesWithinWatermark('k'),
  ),
  ...(['inner', 'left', 'full', 'left_semi', 'left_anti'] as const).map((how) =>
    golden(
      `${how} join`,
      (first, second) =>
        timed(first)
          .selectExpr('t', 'k', 'n')
          .join(
            timed(second, '3 seconds').selectExpr('t AS u', 'k AS j', 'x'),
            expr('k = j AND u BETWEEN t - INTERVAL 4 SECONDS AND t + INTERVAL 6 SECONDS'),
            how,
          ),
      2,
    ),
  ),
  golden(
    'as-of join',
    (first, second) =>
      timed(first)
        .selectExpr('t', 'k', 'n')
        .asofJoin(timed(second, '3 seconds').selectExpr('t AS u', 'k', 'x'), {
          leftTime: 't',
          rightTime: 'u',
          on: 'k',
          tolerance: '20 seconds',
        }),
    2,
  ),
  golden('best of each window', (first) =>
    timed(first)
      .withColumn('w', window('t', '10 seconds'))
      .withColumn(
        'rank',
        row_number().over(Window.partitionBy('w', 'k').orderBy(expr('n').desc(), expr('x'))),
      )
      .filter('rank <= 2'),
  ),
  golden('union and limit', (first, second) => first.union(second).limit(20), 2),
  beginningWithHistory(
    golden(
      'history, then live',
      (first, second) =>
        timed(first.followedBy(second)).groupBy(window('t', '10 seconds'), 'k').count(),
      2,
    ),
  ),
  scripted(),
]

/** The rows of the visible files of a folder. */
export async function goldenRows(files: FileSystem, folder = 'out'): Promise<readonly Value[][]> {
  const rows: Value[][] = []
  for (const { name, isFolder } of await files.list(folder)) {
    if (isFolder || /^[._]/.test(name)) continue
    const text = new TextDecoder().decode(await files.read(joinPath(folder, name)))
    for (const line of text.split('\n').filter(Boolean)) rows.push([JSON.parse(line).row])
  }
  return rows
}
