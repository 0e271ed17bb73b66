import { type Batch, isValid, liveRows } from '../batch/batch.ts'
import type { Micros } from '../core/units.ts'
import type { Operator } from '../flow/operator.ts'

/** A declared event-time column, as plain data. */
export interface WatermarkSpec {
  readonly node: string
  readonly column: number
  readonly delayMicros: number
}

interface PartitionTimes {
  min: number
  max: number
  sum: number
  count: number
}

/**
 * Passes rows on unchanged and reports at the barrier the largest event time per source partition,
 * floored to milliseconds, minus the delay (rule W1). NULL times never move it (W9).
 */
export function watermarkOperator({ node, column, delayMicros }: WatermarkSpec): Operator {
  let partitions = new Map<string, PartitionTimes>()
  let rowsIn = 0

  return {
    name: `watermark(${node})`,

    open() {
      partitions = new Map()
      rowsIn = 0
    },

    process(_input, batch, output) {
      rowsIn += liveRows(batch)
      const name = batch.partition ?? ''
      const times = partitions.get(name) ?? {
        min: Number.POSITIVE_INFINITY,
        max: Number.NEGATIVE_INFINITY,
        sum: 0,
        count: 0,
      }
      observe(batch, column, times)
      if (times.count > 0) partitions.set(name, times)
      return output.emit(batch)
    },

    closeEpoch() {
      const watermarks: Record<string, Micros> = {}
      const all = { min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY, sum: 0, count: 0 }
      for (const [name, times] of partitions) {
        // A whole number of milliseconds minus a whole number of microseconds is exact.
        watermarks[name] = (Math.floor(times.max / 1000) * 1000 - delayMicros) as Micros
        all.min = Math.min(all.min, times.min)
        all.max = Math.max(all.max, times.max)
        all.sum += times.sum
        all.count += times.count
      }
      return {
        watermarks: { [node]: watermarks },
        progress: { [`watermark(${node})`]: { rowsIn } },
        ...(all.count === 0 ? {} : { eventTime: all }),
      }
    },

    freeze: () => undefined,
  }
}

function observe(batch: Batch, index: number, times: PartitionTimes): void {
  const column = batch.columns[index]
  if (column?.layout !== 'f64') return
  const { values, validity } = column
  const count = liveRows(batch)
  const rows = batch.selection
  let { min, max, sum } = times
  let seen = 0
  for (let k = 0; k < count; k++) {
    const row = rows === undefined ? k : (rows[k] as number)
    if (validity !== undefined && !isValid(validity, row)) continue
    const time = values[row] as number
    if (time < min) min = time
    if (time > max) max = time
    sum += time
    seen++
  }
  times.min = min
  times.max = max
  times.sum = sum
  times.count += seen
}
