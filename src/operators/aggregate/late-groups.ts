import type { Batch, Column } from '../../batch/batch.ts'
import { hashKeys } from '../../batch/key-hash.ts'
import type { DataType } from '../../batch/schema.ts'
import type { KeyIndex } from '../keyed/key-index.ts'
import { keysForColumns, newKeys } from '../keyed/make-keys.ts'
import type { RowTimes } from '../row-times.ts'
import { windowsOf } from '../window.ts'
import { type AggregateSpec, bucketFunction, nullBucket } from './spec.ts'

const firstCapacity = 64

/**
 * The groups that the late rows of one epoch would have changed. Spark counts these, and not the rows,
 * since it aggregates the rows of an epoch before it looks at the watermark (rule W4a).
 */
export class LateGroups {
  readonly #types: readonly DataType[]
  /** By window. There are few, each with many groups: what has many values must be a key. */
  readonly #keys = new Map<number, KeyIndex>()

  constructor(keyTypes: readonly DataType[]) {
    this.#types = keyTypes
  }

  clear(): void {
    this.#keys.clear()
  }

  get count(): number {
    let sum = 0
    for (const keys of this.#keys.values()) sum += keys.count
    return sum
  }

  add(window: number, keyColumns: readonly Column[], rows: Int32Array): void {
    const hashes = hashKeys(keyColumns, this.#types, rows, rows.length)
    const slots = new Int32Array(rows.length)
    const known = this.#keys.get(window) ?? newKeys(this.#types, firstCapacity)
    const keys = keysForColumns(known, this.#types, keyColumns)
    keys.findOrInsert(keyColumns, rows, hashes, slots)
    this.#keys.set(window, keys)
  }
}

/** Rows of a batch that fall into one bucket; all of them without `rows`. */
interface RowsOfBucket {
  readonly bucket: number
  readonly rows: Int32Array | undefined
  readonly count: number
}

/** The same for an aggregation that may assign windows itself: a row counts once per window that is over. */
export class LateWindows {
  readonly #spec: AggregateSpec
  readonly #groups: LateGroups
  /** Input rows that are late for all their windows. */
  rows = 0

  constructor(spec: AggregateSpec) {
    this.#spec = spec
    this.#groups = new LateGroups(spec.keys.map(({ type }) => type))
  }

  clear(): void {
    this.rows = 0
    this.#groups.clear()
  }

  get count(): number {
    return this.#groups.count
  }

  /** Rows in time: they may still be late for older windows that overlap those they count in. */
  addOverlapped(batch: Batch, parts: readonly RowsOfBucket[], limit: number): void {
    const { bucketing } = this.#spec
    if (bucketing.kind !== 'window') return
    const { firstEnd } = windowsOf(bucketing.windows)
    for (const { bucket, rows, count } of parts) {
      if (bucket === nullBucket || firstEnd(bucket) > limit) continue
      const all = rows ?? Int32Array.from({ length: count }, (_, row) => row)
      this.#add(batch, bucket, all, limit)
    }
  }

  /** Rows that are late for all their windows. */
  addLate(batch: Batch, times: RowTimes, late: readonly number[]): void {
    if (late.length === 0) return
    this.rows += late.length
    const { bucketing } = this.#spec
    if (bucketing.kind !== 'window') {
      return this.#groups.add(0, this.#columns(batch), Int32Array.from(late))
    }
    const bucketOf = bucketFunction(bucketing)
    const lists = new Map<number, number[]>()
    for (const row of late) {
      const bucket = bucketOf(times.values[row] as number)
      const list = lists.get(bucket)
      if (list === undefined) lists.set(bucket, [row])
      else list.push(row)
    }
    for (const [bucket, rows] of lists) {
      this.#add(batch, bucket, Int32Array.from(rows), Number.POSITIVE_INFINITY)
    }
  }

  #add(batch: Batch, bucket: number, rows: Int32Array, limit: number): void {
    const { bucketing } = this.#spec
    if (bucketing.kind !== 'window') return
    const { firstEnd, lastEnd } = windowsOf(bucketing.windows)
    const over = Math.min(limit, lastEnd(bucket))
    for (let end = firstEnd(bucket); end <= over; ) {
      this.#groups.add(end, this.#columns(batch), rows)
      end += bucketing.windows.slideMicros
    }
  }

  #columns(batch: Batch): readonly Column[] {
    return this.#spec.keys.map(({ column }) => batch.columns[column] as Column)
  }
}
