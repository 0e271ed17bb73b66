import type { MapValue, Value } from '../../src/batch/value.ts'
import type { EpochHeader } from '../../src/flow/message.ts'
import type { Generate, Watermark, WindowAssign } from '../../src/plan/logical.ts'
import type { Row } from './oracle-node.ts'

/** A row with each element of an array, or entry of a map, behind it. */
export function exploded(
  { outer, withPosition, columns }: Generate,
  row: Row,
  value: Value,
): Row[] {
  const isMap = columns.length - (withPosition ? 1 : 0) === 2
  const items: Row[] =
    value === null
      ? []
      : isMap
        ? (value as MapValue).entries.map((entry) => [...entry])
        : (value as readonly Value[]).map((item) => [item])
  if (items.length === 0) return outer ? [[...row, ...columns.map(() => null)]] : []
  return items.map((item, position) => [...row, ...(withPosition ? [position] : []), ...item])
}

/** Every window [start, end) that holds the time, by trying each in turn. */
/** The windows that a time lies in, the last one first. */
export function windowsOf(
  { sizeMicros, slideMicros, startMicros }: WindowAssign,
  time: Value,
): Value[] {
  if (typeof time !== 'number') return []
  const windows: Value[] = []
  let start = Math.floor((time - startMicros) / slideMicros) * slideMicros + startMicros
  for (; start + sizeMicros > time; start -= slideMicros) windows.push([start, start + sizeMicros])
  return windows
}

/** Whether a row has an event time that counts (rule W9). */
export function hasGoodTime({ column, rules }: Watermark, row: Row, header: EpochHeader): boolean {
  const time = row[column]
  if (typeof time !== 'number') return rules.nullTime === 'keep'
  const skew = rules.maxFutureSkewMicros
  return skew === undefined || time - skew <= header.processingTime
}
