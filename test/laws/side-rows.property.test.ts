import { expect, test } from 'vitest'
import { brokerSink } from '../../properties/broker-sink.ts'
import type { CrashEnd } from '../../properties/laws/crash-judge.ts'
import type { CrashPipeline } from '../../properties/laws/crash-life.ts'
import { crashPoints } from '../../properties/laws/crash-points.ts'
import { lateRowsOf, rowsOfEpoch } from '../../properties/laws/expected-epochs.ts'
import { mustBeLateRows } from '../../properties/laws/late-rows.ts'
import { mustBeSameRows } from '../../properties/laws/same-rows.ts'
import { publishedLines } from '../../properties/published-lines.ts'
import { virtualBroker } from '../../properties/virtual-broker.ts'
import type { Value } from '../../src/batch/value.ts'
import { col, count, udf, window } from '../../src/functions.ts'
import { optimize } from '../../src/plan/optimize.ts'

const startMs = 1_600_000_000_000
const at = (seconds: number): Date => new Date(startMs + seconds * 1000)
/** Beyond the clocks of all lives of a process. */
const farAway = 400_000_000

const known = udf((key: string) => {
  if (key === 'bad') throw new RangeError(`what is ${key}?`)
  return key
}, 'string')

/** Two steps that drop late rows, over rows that are bad in three ways. */
const pipeline: CrashPipeline = {
  name: 'late rows and dead letters',
  schemas: ['t TIMESTAMP, k STRING'],
  arrivals: [0, 12, 30, 2].map((second) => [
    [
      [at(second), 'a'],
      [null, 'a'],
      [at(second + 1), 'bad'],
      [at(farAway), 'b'],
      [at(second + 7), 'b'],
    ],
  ]),
  query: ([input]) => {
    if (input === undefined) throw new Error('the pipeline has one input')
    return input
      .select('t', known(col('k')).alias('k'))
      .withWatermark('t', '3 seconds', { nullTime: 'deadLetter', maxFutureSkew: '1000 hours' })
      .dropDuplicates('t', 'k')
      .groupBy(window('t', '10 seconds'), 'k')
      .agg(count('k').alias('n'))
  },
  outputMode: 'append',
  config: { lanes: 2, epochsInFlight: 2 },
  options: { lateRowsPath: 'late', deadLetterPath: 'letters', badRows: 'deadLetter' },
  folders: ['late', 'letters'],
}

let lateSeen = 0
let lettersSeen = 0

/** By the rows of each epoch alone: which of them are bad, and why. */
async function check({ files, plan, headers, inputs }: CrashEnd): Promise<void> {
  const expected = headers.flatMap((header) =>
    rowsOfEpoch(
      header,
      inputs,
    )('memory-0').flatMap(([time = null, key = null]): Value[][] => {
      const record = [time, key]
      if (key === 'bad') return [[header.epoch, 'USER_FUNCTION_FAILED', ...record]]
      if (time === null) return [[header.epoch, 'EVENT_TIME_NULL', ...record]]
      const isFar = typeof time === 'number' && time > (startMs + farAway * 999) * 1000
      return isFar ? [[header.epoch, 'EVENT_TIME_IN_FUTURE', ...record]] : []
    }),
  )
  const lines = await publishedLines(files, 'letters')
  const found = lines.map((line) => {
    const { epoch, code, record } = JSON.parse(line)
    const time = record.t === undefined ? null : Date.parse(record.t) * 1000
    return [epoch, code, time, record.k]
  })
  mustBeSameRows('the dead letters', found, expected)
  const optimized = optimize(plan)
  const late = await publishedLines(files, 'late')
  const model = lateRowsOf(optimized, 'append', headers, inputs, { dropsBad: true })
  mustBeLateRows(optimized, late, model)
  lateSeen = Math.max(lateSeen, late.length)
  lettersSeen = Math.max(lettersSeen, lines.length)
}

/** The side outputs follow the word of the sink beside them. */
const besideBroker: CrashPipeline = {
  ...pipeline,
  name: 'late rows and dead letters beside an authoritative sink',
  ownSink: () => brokerSink(virtualBroker()),
}

test.each([pipeline, besideBroker])(
  'a power cut before every eighth step loses nothing of $name, and doubles nothing',
  async (pipeline) => {
    const report = await crashPoints(pipeline, {
      seed: 1,
      every: 8,
      secondAfterEvery: 800,
      also: check,
    })
    console.log(
      `exactly once, ${pipeline.name}: ${report.crashes} crash points, ` +
        `${report.doubleCrashes} with a second one, ${lateSeen} late rows, ${lettersSeen} dead letters`,
    )
    expect(Math.abs(report.crashes - report.steps / 8)).toBeLessThan(1)
    expect(report.crashes).toBeGreaterThan(75)
    expect(lateSeen).toBeGreaterThan(0)
    expect(lettersSeen).toBe(12)
  },
  240_000,
)
