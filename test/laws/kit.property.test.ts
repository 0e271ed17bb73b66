import fc from 'fast-check'
import { expect, test } from 'vitest'
import { lateData } from '../../properties/laws/late-data.ts'
import { queryOf, queryShape } from '../../properties/laws/random-query.ts'
import { stateFunction } from '../../properties/laws/state-function.ts'
import type { StreamQuery } from '../../properties/laws/stream-query.ts'
import type { DataFrame } from '../../src/dataframe/data-frame.ts'
import { count, udf, window } from '../../src/functions.ts'

const seed = 20_261_121
const queries = queryShape.map(queryOf)

const clicks: StreamQuery = {
  inputs: [
    {
      schema: 'at TIMESTAMP, page STRING',
      row: fc.tuple(
        fc.integer({ min: 0, max: 90 }).map((second) => new Date(second * 1000)),
        fc.constantFrom('home', 'cart'),
      ),
    },
  ],
  query: ([input]) => perWindow(first(input)),
  outputMode: 'append',
}

function perWindow(frame: DataFrame): DataFrame {
  return frame
    .withWatermark('at', '20 seconds')
    .groupBy(window('at', '30 seconds'), 'page')
    .agg(count('page').alias('clicks'))
}

function first<Frame>(frame: Frame | undefined): Frame {
  if (frame === undefined) throw new Error('the query has this input')
  return frame
}

test('rows within the delay are never lost, later ones are delivered', async () => {
  const report = await lateData(queries, { runs: 50, seed })
  console.log(
    `late data: ${report.cases} streams, ${report.onTime} on time, ${report.lateRows} late rows`,
  )
  expect(report.onTime).toBeGreaterThan(10)
  expect(report.lateRows).toBeGreaterThan(25)
}, 60_000)

test('a delay that a query keeps to itself is found', async () => {
  // The rows are said to be in time by twenty seconds, and the query lets them go after ten.
  const hasty: StreamQuery = {
    ...clicks,
    reference: ([input]) => perWindow(first(input)),
    query: ([input]) =>
      first(input)
        .withWatermark('at', '10 seconds')
        .groupBy(window('at', '30 seconds'), 'page')
        .agg(count('page').alias('clicks')),
  }
  await expect(lateData(hasty, { seed })).rejects.toThrow('lateData does not hold: ')
}, 60_000)

test('the functions of random queries are functions', async () => {
  const { cases } = await stateFunction(queries, { runs: 30, seed })
  expect(cases).toBe(30)
}, 60_000)

test('a function that counts its calls is found, and so is one that throws dice', async () => {
  const withColumn = (call: () => string): StreamQuery => ({
    ...clicks,
    query: ([input]) => first(input).withColumn('mark', udf(call, 'STRING')()),
  })
  let calls = 0
  const counting = withColumn(() => String(calls++))
  await expect(stateFunction(counting, { seed })).rejects.toThrow('stateFunction does not hold: ')
  const dice = withColumn(() => String(Math.random()))
  await expect(stateFunction(dice, { seed })).rejects.toThrow('with other dice')
}, 60_000)
