import fc from 'fast-check'
import { fromRow } from '../../src/batch/edge-row.ts'
import { epoch, micros } from '../../src/core/units.ts'
import { analyze } from '../../src/plan/analyze.ts'
import { type Scan, scansOf, type Watermark } from '../../src/plan/logical.ts'
import { createOracle } from '../oracles/evaluate.ts'
import { simulatedSession } from '../simulated-session.ts'
import { virtualFileSystem } from '../virtual-file-system.ts'
import { watermarksOf } from './expected-epochs.ts'
import type { LawOptions } from './run-law.ts'
import { oneOf, scheduleOf } from './stream-equals-batch.ts'
import { type StreamCase, type StreamLawReport, streamLaw } from './stream-law.ts'
import type { StreamQuery } from './stream-query.ts'
import type { Arrival, Schedule } from './stream-run.ts'

/** What the law has seen. */
export interface LateDataReport extends StreamLawReport {
  /** Streams whose rows all came within the delay of their watermark. */
  readonly onTime: number
}

/**
 * What watermarks promise about late rows. Half of the streams bring their rows in any order; the other half in
 * order of event time, disturbed by less than the delay of the watermark. Held to the reference:
 *
 * - a row that comes within the delay is never lost, and then the whole output is the batch answer;
 * - a row that comes later than that is in no result that was given out, and is delivered as a late row once,
 *   with the step and the watermark for which it was late;
 * - which rows are late follows from the epochs in the log alone.
 *
 * @param queries one query, or an arbitrary that makes them; each has a watermark
 * @throws LawFailure with the smallest stream that shows it
 */
export async function lateData(
  queries: StreamQuery | fc.Arbitrary<StreamQuery>,
  options: LawOptions = {},
): Promise<LateDataReport> {
  let onTime = 0
  const cases = oneOf(queries).chain((query) => {
    const any = scheduleOf(query).map(
      (schedule): LateCase => ({ query, schedule, isOnTime: false }),
    )
    const plan = planOf(query)
    // Without any delay a second row of one instant may already be late.
    if (plan.marks.some(({ delayMicros }) => delayMicros === 0)) return any
    const onTime = onTimeSchedule(query, plan).map(
      (schedule): LateCase => ({ query, schedule, isOnTime: true }),
    )
    return fc.oneof(any, onTime)
  })
  const report = await streamLaw<LateCase>(
    {
      name: 'lateData',
      cases,
      claim({ lateRows }, { isOnTime }) {
        if (!isOnTime) return
        onTime += 1
        if (lateRows > 0) {
          throw new Error(`${lateRows} rows were late, and all of them came within the delay`)
        }
      },
    },
    options,
  )
  return { ...report, onTime }
}

interface LateCase extends StreamCase {
  readonly isOnTime: boolean
}

/** Rows by event time plus less than the delay: when a row comes, none before it is newer by the delay. */
function onTimeSchedule(query: StreamQuery, plan: TimedPlan): fc.Arbitrary<Schedule> {
  const dueOf = dueTimes(plan)
  const rows = query.inputs.map(({ row }, input) =>
    fc
      .array(fc.tuple(row, fc.double({ min: 0, max: 0.99, noNaN: true })), { maxLength: 30 })
      .map((some) =>
        some
          .map(([one, share]) => ({ one, at: dueOf(input, one, share) }))
          .toSorted((left, right) => left.at - right.at)
          .map(({ one }) => one),
      ),
  )
  return fc
    .record({
      schedule: scheduleOf(query),
      rows: fc.tuple(...rows),
      cuts: fc.array(fc.nat({ max: 30 }), { maxLength: 4 }),
    })
    .map(({ schedule, rows: all, cuts }) => ({
      ...schedule,
      arrivals: cutAt(
        all,
        [...cuts].sort((left, right) => left - right),
        schedule.arrivals,
      ),
    }))
}

/** The rows of all inputs in pieces, with what happens after each piece from a list of its own. */
function cutAt(
  all: readonly (readonly (readonly unknown[])[])[],
  cuts: readonly number[],
  manners: readonly Arrival[],
): readonly Arrival[] {
  const starts = [0, ...cuts]
  return starts.map((start, at) => ({
    ...(manners[at % manners.length] as Arrival),
    rows: all.map((rows) => rows.slice(start, cuts[at])),
  }))
}

/** When a row may come at the latest share of its delay: its event time plus that, microseconds. */
function dueTimes({
  scans,
  marks,
}: TimedPlan): (input: number, row: readonly unknown[], share: number) => number {
  return (input, row, share) => {
    const scan = scans[input]
    if (scan === undefined) return 0
    const times = marks.flatMap((mark) => {
      const found = createOracle(mark, 'append', { dropsBad: true }).epoch(anyHeader, (source) =>
        source === scan.source ? [fromRow(scan.schema, row)] : [],
      )
      return found.flatMap((each) => {
        const time = each[mark.column]
        return typeof time === 'number' ? [time + share * mark.delayMicros] : []
      })
    })
    return times.length === 0 ? 0 : Math.min(...times)
  }
}

const anyHeader = {
  epoch: epoch(0),
  lateWatermark: micros(0),
  evictWatermark: micros(0),
  processingTime: micros(0),
  idle: [],
}

/** The scan of each input, and the watermarks above them. */
interface TimedPlan {
  readonly scans: readonly (Scan | undefined)[]
  readonly marks: readonly Watermark[]
}

function planOf(query: StreamQuery): TimedPlan {
  const { session } = simulatedSession({ seed: 0, files: virtualFileSystem(), life: 0 })
  const streams = query.inputs.map(({ schema }) => session.memoryStream(schema))
  const tables = (query.tables ?? []).map(({ rows, schema }) =>
    session.createDataFrame(rows, schema),
  )
  const { reference = query.query } = query
  const plan = analyze(
    reference(
      streams.map((stream) => stream.toDF()),
      tables,
    ).plan,
  )
  const scans = scansOf(plan)
  const marks = watermarksOf(plan)
  if (marks.length === 0) throw new Error('the query has no watermark: nothing is ever late')
  return { scans: streams.map((stream) => scans.find(({ handle }) => handle === stream)), marks }
}
