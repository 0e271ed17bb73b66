import type { EdgeRow } from '../batch/edge-row.ts'
import type { FieldsRow } from '../batch/row-type.ts'
import type { DataType, Field } from '../batch/schema.ts'
import type { AsyncCall } from '../flow/async-function.ts'
import type { GroupState } from '../flow/group-state.ts'
import type {
  Emitted,
  ProcessorSource,
  StateType,
  StateValue,
  TimeMode,
} from '../flow/stateful-processor.ts'
import type { UnresolvedPlan } from '../plan/unresolved-plan.ts'
import type { MapAsyncOptions } from './async-options.ts'
import type { FunctionOptions } from './functions-core.ts'
import type { NotOnGroups } from './not-provided.ts'
import type { SchemaLike, StructType } from './struct-type.ts'

/** The row type of a schema: exact for one built with the `types` helpers, any row for DDL text. */
export type RowOf<S> = S extends { readonly kind: 'struct'; readonly fields: infer F }
  ? F extends readonly Field[]
    ? FieldsRow<F>
    : EdgeRow
  : S extends readonly Field[]
    ? FieldsRow<S>
    : EdgeRow

/**
 * Rows of a known type, for functions over whole rows. `toDF` is the way back to columns. Functions must
 * be deterministic, as an epoch may run again after a crash; they keep the query on the main thread.
 * Made with `as`; `Frame` is `DataFrame`.
 */
export interface TypedDataset<Row, Frame> {
  readonly plan: UnresolvedPlan
  readonly schema: StructType
  /** One row for each row. The event time is lost, as in Spark: put `withWatermark` behind it. */
  map<const S extends SchemaLike>(
    call: (row: Row) => NoInfer<RowOf<S>>,
    output: S,
    options?: FunctionOptions,
  ): TypedDataset<RowOf<S>, Frame>
  /** Any number of rows for each row; of the event time the same holds as for `map`. */
  flatMap<const S extends SchemaLike>(
    call: (row: Row) => Iterable<NoInfer<RowOf<S>>>,
    output: S,
    options?: FunctionOptions,
  ): TypedDataset<RowOf<S>, Frame>
  /**
   * One row for each row, by a function that answers later, such as a request to a service; many calls
   * run at a time. Rows stay in their epoch: its barrier waits for the calls, so exactly-once needs no
   * state, but after a crash the calls of an epoch are made again. A call that fails or takes too long is
   * made again after a while; when the last one fails the query does, unless `onError` says otherwise.
   * The event time is lost: put `withWatermark` behind it.
   *
   * @throws StreamError `CONFIG_INVALID`, `DURATION_INVALID`; later `ASYNC_CALL_FAILED`, and
   * `CAST_INVALID_INPUT` for an answer that does not fit `output`
   * @example
   * ```ts
   * import { Session } from 'millrace'
   * import { StringType, StructType } from 'millrace/types'
   *
   * const spark = Session.builder.getOrCreate()
   * const orders = spark.createDataFrame([{ country: 'NL' }, { country: 'CH' }], 'country STRING')
   * const currencies = new Map([['NL', 'EUR'], ['CH', 'CHF']])
   * const lookUp = async (country: string | null, signal: AbortSignal) => {
   *   signal.throwIfAborted() // in its place: await fetch(`…/${country}`, { signal })
   *   return currencies.get(country ?? '') ?? null
   * }
   * const country = StructType().add('country', StringType())
   * const enriched = orders.as(country).mapAsync(
   *   async (row, { signal }) => ({ ...row, currency: await lookUp(row.country, signal) }),
   *   country.add('currency', StringType()),
   *   { capacity: 20, timeout: '2 seconds', retry: { attempts: 5 } },
   * )
   * await enriched.toDF().show()
   * await spark.stop()
   * ```
   */
  mapAsync<const S extends SchemaLike>(
    call: (row: Row, call: AsyncCall) => Promise<NoInfer<RowOf<S>>>,
    output: S,
    options?: MapAsyncOptions,
  ): TypedDataset<RowOf<S>, Frame>
  /** The rows for which the function is true. */
  filter(call: (row: Row) => boolean, options?: FunctionOptions): TypedDataset<Row, Frame>
  /** Groups by one column, whose value is the key, or by several, whose values are fields of the key. */
  groupByKey<C extends keyof Row & string>(column: C): KeyedDataset<Row[C], Row, Frame>
  groupByKey<C extends keyof Row & string>(
    ...columns: readonly [C, C, ...C[]]
  ): KeyedDataset<Pick<Row, C>, Row, Frame>
  /** Groups by what the function gives; `type` is the type of the key, or the schema of a key of fields. */
  groupByKey<const T extends DataType | string>(
    call: (row: Row) => NoInfer<StateValue<T>>,
    type: T,
  ): KeyedDataset<StateValue<T>, Row, Frame>
  toDF(): Frame
}

export interface TransformOptions<S extends SchemaLike, Initial> {
  /** The schema of the rows that the processor gives out. */
  readonly output: S
  /** How time passes; default `none`. */
  readonly timeMode?: TimeMode
  /** Whether rows given out are final (`append`) or may be given out again changed; default: as the query. */
  readonly outputMode?: 'append' | 'update'
  /** A TIMESTAMP column of the output that is event time for the steps after this one. */
  readonly eventTimeColumn?: NoInfer<keyof RowOf<S> & string>
  /** Rows of a batch frame, by key, that `handleInitialState` gets in the first epoch of the query. */
  readonly initialState?: InitialRows<Initial>
  /** A handler that throws ends the query, always: it may have changed a part of its state by then. */
  readonly badRows?: 'fail'
}

/** A batch dataset by key, as an initial state. */
export interface InitialRows<Row> {
  readonly plan: UnresolvedPlan
  readonly keys: readonly string[]
  readonly shown: number
  /** Never there; tells the compiler the type of the rows. */
  readonly rowType?: Row
}

export interface GroupOptions<S extends SchemaLike, T extends StateType> {
  /** The schema of the rows given out. */
  readonly output: S
  /** The type of the state; without it values are packed as they are. */
  readonly state?: T
  /** Which timeouts may be set; default `none`. */
  readonly timeout?: TimeMode
  /** The state to begin with, by key. */
  readonly initialState?: InitialRows<NoInfer<StateValue<T>>>
  /** A function that throws ends the query, always: it may have changed the state by then. */
  readonly badRows?: 'fail'
}

type MayWait<T> = T | Promise<T>

/** Rows by key. */
export interface KeyedDataset<Key, Row, Frame> extends InitialRows<Row>, NotOnGroups {
  /**
   * Runs a program with state per key: Spark's `transformWithState`. All rows of a key in an epoch are
   * handed over in one call.
   *
   * @throws StreamError `STATE_VARIABLE_INVALID` for declarations that cannot be; `WATERMARK_INVALID` for
   * event time without a watermark; `STREAMING_UNSUPPORTED` for a policy of bad rows
   * @example
   * ```ts
   * import { Session } from 'millrace'
   * import type { StatefulHandle, ValueState } from 'millrace/streaming'
   * import { LongType, StringType, StructType } from 'millrace/types'
   *
   * const spark = Session.builder.getOrCreate()
   * const clicks = spark.createDataFrame([{ page: 'a' }, { page: 'b' }, { page: 'a' }], 'page STRING')
   * class Counter {
   *   #count: ValueState<bigint> | undefined
   *   init(handle: StatefulHandle) {
   *     this.#count = handle.valueState('count', 'BIGINT')
   *   }
   *   *handleInputRows(page: string | null, rows: readonly unknown[]) {
   *     const clicks = (this.#count?.get() ?? 0n) + BigInt(rows.length)
   *     this.#count?.update(clicks)
   *     yield { page, clicks }
   *   }
   * }
   * const output = StructType().add('page', StringType()).add('clicks', LongType())
   * const counted = clicks
   *   .as(StructType().add('page', StringType()))
   *   .groupByKey('page')
   *   .transformWithState(() => new Counter(), { output })
   * await counted.toDF().show()
   * await spark.stop()
   * ```
   */
  transformWithState<const S extends SchemaLike, Initial = unknown>(
    processor: ProcessorSource<Key, Row, NoInfer<RowOf<S>>, Initial>,
    options: TransformOptions<S, Initial>,
  ): TypedDataset<RowOf<S>, Frame>
  /**
   * Calls the function for each group with rows, and on its timeout; it gives one row. Update mode only.
   */
  mapGroupsWithState<const S extends SchemaLike, const T extends StateType>(
    call: (
      key: Key,
      rows: readonly Row[],
      state: GroupState<NoInfer<StateValue<T>>>,
    ) => MayWait<NoInfer<RowOf<S>>>,
    options: GroupOptions<S, T>,
  ): TypedDataset<RowOf<S>, Frame>
  /** The same with any number of rows; in append mode an aggregation may follow. */
  flatMapGroupsWithState<const S extends SchemaLike, const T extends StateType>(
    call: (
      key: Key,
      rows: readonly Row[],
      state: GroupState<NoInfer<StateValue<T>>>,
    ) => MayWait<Emitted<NoInfer<RowOf<S>>>>,
    options: GroupOptions<S, T> & { readonly outputMode: 'append' | 'update' },
  ): TypedDataset<RowOf<S>, Frame>
}
