import type { DataType, Schema } from '../../batch/schema.ts'
import type { AggregateCall } from '../../expr/aggregates.ts'
import { type Windows, windowsOf } from '../window.ts'

/**
 * What decides when a group is closed.
 * `window`: the operator assigns windows itself, from a time column; groups live in panes.
 * `windowKey`, `timeKey`: a key column is a window or a time that came with the row.
 */
export type Bucketing =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'window'
      readonly timeColumn: number
      readonly windows: Windows
      /** Where the window column stands among the keys of the output. */
      readonly position: number
    }
  | { readonly kind: 'windowKey'; readonly key: number }
  | { readonly kind: 'timeKey'; readonly key: number }

/** An aggregate with the columns of its arguments and of its FILTER. */
export interface AggregateColumns {
  readonly call: AggregateCall
  readonly args: readonly number[]
  readonly filter: number | undefined
}

/** A keyed aggregation as plain data; columns are numbers of the input batch. */
export interface AggregateSpec {
  readonly operator: string
  readonly mode: 'append' | 'update' | 'complete'
  readonly keys: readonly { readonly column: number; readonly type: DataType }[]
  readonly aggregates: readonly AggregateColumns[]
  readonly bucketing: Bucketing
  /** False without a watermark over the bucket: nothing is late and nothing is ever forgotten. */
  readonly watermarked: boolean
  /** Update mode: open groups are given out at most this often, and closed ones once more; else each time they change. */
  readonly early?: { readonly everyMicros: number }
  /** Keys (with the window at its position), then aggregates, then whether the row is final with `early`. */
  readonly output: Schema
  /** Without keys: one row even when there was no input (SQL's global aggregate). */
  readonly global: boolean
  /** How far this operator is behind the watermark of the query; microseconds. */
  readonly watermarkShift: number
}

/** Buckets of plain time keys are a minute wide: few tables, and closing one looks at few groups. */
const timeBucketMicros = 60_000_000

/** Groups whose time is NULL are in a bucket of their own that only the end of the input closes. */
export const nullBucket = Number.MAX_SAFE_INTEGER

/** The bucket of a time; made once, called per row. */
export function bucketFunction(bucketing: Bucketing): (time: number) => number {
  switch (bucketing.kind) {
    case 'window':
      return windowsOf(bucketing.windows).paneOf
    case 'timeKey':
      return (time) => Math.floor(time / timeBucketMicros) * timeBucketMicros
    default:
      return (time) => time
  }
}

/** When the last of a bucket is over, as a function; made once, called per row. */
export function closingFunction(bucketing: Bucketing): (bucket: number) => number {
  if (bucketing.kind === 'window') return windowsOf(bucketing.windows).lastEnd
  return (bucket) => lastClosing(bucketing, bucket)
}

/** The smallest watermark that closes something in the bucket. */
export function firstClosing(bucketing: Bucketing, bucket: number): number {
  if (bucketing.kind !== 'window' || bucket === nullBucket) return bucket
  return windowsOf(bucketing.windows).firstEnd(bucket)
}

/** The watermark from which nothing of the bucket is needed. */
export function lastClosing(bucketing: Bucketing, bucket: number): number {
  if (bucket === nullBucket) return bucket
  switch (bucketing.kind) {
    case 'window':
      return windowsOf(bucketing.windows).lastEnd(bucket)
    case 'timeKey':
      return bucket + timeBucketMicros - 1
    default:
      return bucket
  }
}

/** Whether groups are given out when they close; the others are forgotten silently. */
export function emitsClosed({ mode, early }: AggregateSpec): boolean {
  return mode === 'append' || early !== undefined
}
