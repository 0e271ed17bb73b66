import { type Batch, isValid, liveRows, rowNumbers, select } from '../batch/batch.ts'
import type { Schema } from '../batch/schema.ts'
import { formatTimestamp } from '../batch/time-text.ts'
import type { BadRowPolicy } from '../core/bad-row-policy.ts'
import { formatDuration } from '../core/duration.ts'
import { StreamError } from '../core/error.ts'
import type { Micros } from '../core/units.ts'
import type { BadRow } from '../flow/dead-letters.ts'
import { addBadRows, type Operator, type Output, type Wait } from '../flow/operator.ts'
import { allOf, badRowsOf } from './bad-rows.ts'
import { timesOf } from './row-times.ts'

/** A declared event-time column, as plain data. */
export interface WatermarkSpec {
  readonly node: string
  readonly column: number
  readonly delayMicros: number
  readonly input: Schema
  /** What becomes of rows without a time; `keep` lets them pass, as Spark does. */
  readonly nullTime: NullTimePolicy
  /** Rows further than this beyond the processing time of the epoch are bad. Absent = none is. */
  readonly maxFutureSkewMicros?: number
  /** What becomes of these. */
  readonly future: Exclude<BadRowPolicy, 'fail'>
  /** The source is idle when it brought no row for so long; absent = as the source says. */
  readonly idleTimeoutMicros?: number
}

export type NullTimePolicy = 'keep' | 'drop' | 'deadLetter'

interface Times {
  min: number
  max: number
  sum: number
  count: number
}

const noTimes: Readonly<Times> = {
  min: Number.POSITIVE_INFINITY,
  max: Number.NEGATIVE_INFINITY,
  sum: 0,
  count: 0,
}

/**
 * Passes rows on and reports at the barrier the largest event time per source partition, floored to
 * milliseconds, minus the delay (rule W1). Rows without a time and rows from the far future never move
 * it; they are kept, dropped or delivered as the user said (W9).
 */
export function watermarkOperator(spec: WatermarkSpec): Operator {
  const { node, column, delayMicros, maxFutureSkewMicros = Number.POSITIVE_INFINITY } = spec
  const name = `watermark(${node})`
  const withoutTime = spec.nullTime === 'deadLetter' ? 'deadLetter' : 'drop'
  const noTime = badRowsOf(name, withoutTime)
  const tooFar = badRowsOf(name, spec.future)
  let partitions = new Map<string, Times>()
  let rowsIn = 0
  let processingTime = 0
  let limit = Number.POSITIVE_INFINITY

  const reject = (batch: Batch, output: Output): Wait => {
    const { good, nulls, future } = sorted(batch, spec, limit)
    const nullRows = nulls.map((row): BadRow => ({ row, cause: nullError(spec) }))
    const futureRows = future.map(({ row, time }): BadRow => {
      return { row, cause: futureError(spec, time, processingTime) }
    })
    return allOf(
      noTime.reject(batch, spec.input, nullRows, output),
      tooFar.reject(batch, spec.input, futureRows, output),
      good.length === 0 ? undefined : output.emit(select(batch, good)),
    )
  }

  return {
    name,

    open(header) {
      partitions = new Map()
      rowsIn = 0
      processingTime = header.processingTime
      limit = processingTime + maxFutureSkewMicros
      noTime.open()
      tooFar.open()
    },

    process(_input, batch, output) {
      const rows = liveRows(batch)
      rowsIn += rows
      const seen = observed(batch, column, limit)
      if (seen.times.count > 0) {
        const partition = batch.partition ?? ''
        partitions.set(partition, together(partitions.get(partition) ?? noTimes, seen.times))
      }
      const isPlain = !seen.hasFuture && (spec.nullTime === 'keep' || seen.times.count === rows)
      return isPlain ? output.emit(batch) : reject(batch, output)
    },

    closeEpoch() {
      const watermarks: Record<string, Micros> = {}
      let all = noTimes
      for (const [partition, times] of partitions) {
        // A whole number of milliseconds minus a whole number of microseconds is exact.
        watermarks[partition] = (Math.floor(times.max / 1000) * 1000 - delayMicros) as Micros
        all = together(all, times)
      }
      const badRows = addBadRows(noTime.count(), tooFar.count())
      return {
        watermarks: { [node]: watermarks },
        progress: { [name]: { rowsIn, ...(badRows === undefined ? {} : { badRows }) } },
        ...(all.count === 0 ? {} : { eventTime: all }),
      }
    },

    freeze: () => undefined,
  }
}

function together(left: Readonly<Times>, right: Readonly<Times>): Times {
  return {
    min: Math.min(left.min, right.min),
    max: Math.max(left.max, right.max),
    sum: left.sum + right.sum,
    count: left.count + right.count,
  }
}

/** The times up to the limit, and whether some are beyond it. */
function observed(
  batch: Batch,
  index: number,
  limit: number,
): { readonly times: Times; readonly hasFuture: boolean } {
  const column = batch.columns[index]
  if (column?.layout !== 'f64') return { times: { ...noTimes }, hasFuture: false }
  const { values, validity } = column
  const count = liveRows(batch)
  const rows = batch.selection
  let { min, max, sum } = noTimes
  let seen = 0
  let hasFuture = false
  for (let k = 0; k < count; k++) {
    const row = rows === undefined ? k : (rows[k] as number)
    if (validity !== undefined && !isValid(validity, row)) continue
    const time = values[row] as number
    if (time > limit) {
      hasFuture = true
      continue
    }
    if (time < min) min = time
    if (time > max) max = time
    sum += time
    seen++
  }
  return { times: { min, max, sum, count: seen }, hasFuture }
}

/** The physical rows of a batch, told apart by what becomes of them. */
function sorted(
  batch: Batch,
  { column: index, nullTime }: WatermarkSpec,
  limit: number,
): {
  readonly good: Int32Array
  readonly nulls: readonly number[]
  readonly future: readonly { readonly row: number; readonly time: number }[]
} {
  const { values, validity } = timesOf(batch, index)
  const all = rowNumbers(batch)
  const nulls: number[] = []
  const future: { readonly row: number; readonly time: number }[] = []
  const good = all.filter((row) => {
    if (!isValid(validity, row)) {
      if (nullTime !== 'keep') nulls.push(row)
      return nullTime === 'keep'
    }
    const time = values[row] as number
    if (time > limit) future.push({ row, time })
    return time <= limit
  })
  return { good, nulls, future }
}

function nullError({ input, column }: WatermarkSpec): StreamError {
  return new StreamError('EVENT_TIME_NULL', { column: input[column]?.name ?? '' })
}

function futureError(
  { input, column, maxFutureSkewMicros = 0 }: WatermarkSpec,
  time: number,
  processingTime: number,
): StreamError {
  return new StreamError('EVENT_TIME_IN_FUTURE', {
    column: input[column]?.name ?? '',
    time: formatTimestamp(time),
    skew: formatDuration(maxFutureSkewMicros),
    processingTime: formatTimestamp(processingTime),
  })
}
