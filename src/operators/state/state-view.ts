import type { Entry } from '../../../state/store.ts'
import type { Column } from '../../batch/batch.ts'
import type { Field, Schema } from '../../batch/schema.ts'
import type { Value } from '../../batch/value.ts'
import type { KeyedBuckets } from '../keyed/keyed-buckets.ts'
import type { KeyedTable } from '../keyed/keyed-table.ts'

/** A column of state by name. */
export interface StateField {
  readonly name: string
  readonly type: Field['type']
}

/** What of an operator's state is wanted; most of it is for one kind of operator each. */
export interface StateChoice {
  /** Joins: the rows of one side in the columns of that side. */
  readonly side?: 'left' | 'right'
  /** Custom state: one variable. */
  readonly variable?: string
  /** Lists and maps: a row per element. */
  readonly flatten: boolean
  /** Custom state: the timers. */
  readonly timers: boolean
}

/** Some rows of state in columns: those of the key, then those behind it. */
export interface StateRows {
  readonly rowCount: number
  readonly key: readonly Column[]
  readonly columns: readonly Column[]
}

/** How the entries of one operator are shown to people. */
export interface StateView {
  readonly key: Schema
  /** Behind the key; usually one struct named `value`. */
  readonly columns: Schema
  /** The bytes of the key columns, and of more behind them; `undefined` if the entry is nothing to show. */
  keyOf(stateKey: Uint8Array): Uint8Array | undefined
  /** Values of a key as they begin the bytes that `keyOf` gives; the window of a key is not among them. */
  readonly keyBytes: readonly { readonly field: number; readonly type: Field['type'] }[]
  /** Whether two neighbours have to be given to one call of `rows`; absent = never. */
  belongTogether?(left: Uint8Array, right: Uint8Array): boolean
  /** The rows of some entries, in key order; what the watermark has closed is left out. */
  rows(entries: readonly Entry[]): Iterable<StateRows>
}

/** The one column of most views. */
export function valueColumn(fields: readonly StateField[]): Schema {
  return [{ name: 'value', type: { kind: 'struct', fields: nullable(fields) }, nullable: false }]
}

/** Fields that may be NULL, as those of state are. */
export function nullable(fields: readonly StateField[]): Schema {
  return fields.map(({ name, type }) => ({ name, type, nullable: true }))
}

/** Key columns in their order, all of which are in the bytes of the key. */
export function plainKey(fields: readonly StateField[]): StateView['keyBytes'] {
  return fields.map(({ type }, field) => ({ field, type }))
}

/** Puts entries in tables as a restore does, and gives out the tables that have any. */
export function* loadedTables<T extends KeyedTable>(
  buckets: KeyedBuckets<T>,
  entries: readonly Entry[],
): Iterable<{ readonly bucket: number; readonly table: T; readonly slots: Int32Array }> {
  const [shard = 0] = buckets.shards
  for (const [key, value] of entries) buckets.loadEntry(shard, key, value)
  for (const bucket of buckets.numbers()) {
    for (const table of buckets.tablesOf(bucket)) {
      const slots = table.liveSlots()
      if (slots.length > 0) yield { bucket, table, slots }
    }
  }
}

/** Times of entries, infinity as NULL. */
export function timesOrNever(times: readonly number[]): Value[] {
  return times.map((time) => (Number.isFinite(time) ? time : null))
}
