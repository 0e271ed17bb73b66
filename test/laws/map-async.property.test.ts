import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { CrashPipeline } from '../../properties/laws/crash-life.ts'
import { crashPoints } from '../../properties/laws/crash-points.ts'
import { streamEqualsBatch } from '../../properties/laws/stream-equals-batch.ts'
import type { StreamQuery } from '../../properties/laws/stream-query.ts'
import type { DataFrame } from '../../src/dataframe/data-frame.ts'
import { count, window } from '../../src/functions.ts'
import type { MapAsyncOptions } from '../../src/streaming.ts'
import { StringType, StructType } from '../../src/types.ts'

const rows = StructType().add('k', StringType()).add('t', 'timestamp').add('n', 'int')
const named = rows.add('name', StringType())

interface Row {
  readonly k: string | null
  readonly t: Date | string | null
  readonly n: number | null
}

function nameOf({ k, n }: Row): string | null {
  return k === null ? null : `${k}${(n ?? 0) % 3}`
}

/** Rows differ in how long they take, and some of them fail at first. */
async function ask(row: Row, attempt: number) {
  const { n } = row
  for (let turns = (n ?? 3) * 3; turns > 0; turns--) await Promise.resolve()
  if (n !== null && n % 4 === attempt) throw new Error('not now')
  return { ...row, name: nameOf(row) }
}

function asked(frame: DataFrame, options: MapAsyncOptions): DataFrame {
  return frame
    .as(rows)
    .mapAsync((row, { attempt }) => ask(row, attempt), named, options)
    .toDF()
}

/** The same in words of the reference. */
function told(frame: DataFrame): DataFrame {
  return frame
    .as(rows)
    .map((row) => ({ ...row, name: nameOf(row) }), named)
    .toDF()
}

const schema = 'k STRING, t TIMESTAMP, n INT'
const row = fc.tuple(
  fc.option(fc.constantFrom('a', 'b', 'c'), { freq: 8 }),
  fc.option(
    fc.integer({ min: 0, max: 30 }).map((second) => new Date(second * 1000)),
    { freq: 9 },
  ),
  fc.option(fc.integer({ min: 0, max: 9 }), { freq: 9 }),
)

/** What stands behind the calls, among it operators for which the order of rows counts. */
const behind: Readonly<Record<string, (frame: DataFrame) => DataFrame>> = {
  nothing: (frame) => frame,
  'windows of its own watermark': (frame) =>
    frame
      .withWatermark('t', '2 seconds')
      .groupBy(window('t', '5 seconds'), 'name')
      .agg(count('n').alias('known')),
  'the first row of each name': (frame) => frame.dropDuplicates(['name']),
  'the first five rows': (frame) => frame.limit(5),
}

const queries: fc.Arbitrary<StreamQuery> = fc
  .record({
    name: fc.constantFrom(...Object.keys(behind)),
    ordered: fc.boolean(),
    capacity: fc.integer({ min: 1, max: 4 }),
    partitions: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ name, ordered, capacity, partitions }) => {
    const finish = behind[name] ?? ((frame) => frame)
    const make = (change: (frame: DataFrame) => DataFrame): StreamQuery['query'] => {
      return ([frame]) => {
        if (frame === undefined) throw new Error('the query has this input')
        return finish(change(frame))
      }
    }
    return {
      inputs: [{ schema, row, partitions }],
      outputMode: 'append',
      dependsOnOrder: name.startsWith('the first'),
      text: `${ordered ? 'ordered' : 'unordered'} calls, then ${name}`,
      query: make((frame) => asked(frame, { ordered, capacity })),
      reference: make(told),
    }
  })

test('calls give what a plain function gives, however they end, whatever happens', async () => {
  const report = await streamEqualsBatch(queries, { runs: 60, seed: 20_261_121 })
  console.log(`calls: ${report.cases} streams, ${report.epochs} epochs, ${report.rows} rows`)
  expect(report.cases).toBe(60)
  expect(report.rows).toBeGreaterThan(500)
  expect(report.restarts).toBeGreaterThan(25)
  expect(report.comparedWithBatch).toBeGreaterThan(10)
}, 120_000)

const at = (seconds: number): Date => new Date(1_600_000_000_000 + seconds * 1000)

test('a power cut before every other step of a query with calls changes nothing of the output', async () => {
  const finish = behind['windows of its own watermark'] ?? ((frame) => frame)
  const pipeline: CrashPipeline = {
    name: 'calls before windows, append',
    schemas: [schema],
    arrivals: [0, 8].map((second) => [
      [
        ['a', at(second), second],
        ['b', at(second + 3), 1],
        ['a', at(second + 1), 2],
      ],
    ]),
    query: ([input]) => finish(asked(first(input), { ordered: false, capacity: 2 })),
    reference: ([input]) => finish(told(first(input))),
    outputMode: 'append',
    config: { lanes: 2, epochsInFlight: 2 },
  }
  const report = await crashPoints(pipeline, { seed: 1, every: 2, secondAfterEvery: 200 })
  console.log(`exactly once, ${pipeline.name}: ${report.crashes} crash points`)
  expect(report.crashes).toBe(Math.floor(report.steps / 2))
  expect(report.crashes).toBeGreaterThan(200)
}, 120_000)

function first(frame: DataFrame | undefined): DataFrame {
  if (frame === undefined) throw new Error('the pipeline has this input')
  return frame
}
