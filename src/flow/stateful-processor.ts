import type { Batch } from '../batch/batch.ts'
import type { EdgeOptions } from '../batch/edge-row.ts'
import type { EdgeValue } from '../batch/row-type.ts'
import type { DataType, Schema } from '../batch/schema.ts'

// What a user's stateful program is made of: operators call it, plans carry it, frames take it.

/** What a handler gives out: rows, at once or as they come, or nothing. */
export type Emitted<Out> =
  | Iterable<Out>
  | AsyncIterable<Out>
  | undefined
  // biome-ignore lint/suspicious/noConfusingVoidType: a handler that only changes state returns nothing.
  | void

/**
 * Custom state per key: Spark's `StatefulProcessor`. Handlers may be `async`; state is read and written
 * synchronously, and only while a handler runs, for the key it was called with.
 */
export interface StatefulProcessor<Key, Row, Out, Initial = unknown> {
  /**
   * Declares the state variables, and nothing else: it is called when the query is planned and again
   * for each task of each run.
   */
  init(handle: StatefulHandle): void
  /** Called once per key and epoch with the rows of the key, in order of arrival. */
  handleInputRows(
    key: Key,
    rows: readonly Row[],
    timers: Timers,
  ): Emitted<Out> | Promise<Emitted<Out>>
  /** Called for each timer that is due, after the input of the epoch, in order of time over all keys. */
  handleExpiredTimer?(
    key: Key,
    timers: Timers,
    info: ExpiredTimer,
  ): Emitted<Out> | Promise<Emitted<Out>>
  /** Called for each row of the initial state, before the input of the first epoch. */
  handleInitialState?(key: Key, row: Initial, timers: Timers): Emitted<Out> | Promise<Emitted<Out>>
  /** Called when a task ends. */
  close?(): void
}

/** How time passes for timers and TTL: not at all, by the clock, or by the watermark. */
export type TimeMode = 'none' | 'processingTime' | 'eventTime'

/** Declares state in `init`. Names are letters, digits and `_`, unique within the processor. */
export interface StatefulHandle {
  /**
   * One value per key. Without a type it is packed as it is (objects, lists, numbers, text, `Date`,
   * `bigint` of 64 bits, bytes), and its shape cannot be checked when the query is upgraded.
   *
   * @throws StreamError `STATE_VARIABLE_INVALID` for a second variable of the name
   */
  valueState<const T extends StateType>(
    name: string,
    type: T,
    ttl?: TimeToLive,
  ): ValueState<StateValue<T>>
  valueState<T>(name: string, codec?: StateCodec<T>, ttl?: TimeToLive): ValueState<T>
  /** A list per key, stored element by element. */
  listState<const T extends StateType>(
    name: string,
    type: T,
    options?: ListOptions,
  ): ListState<StateValue<T>>
  listState<T>(name: string, codec?: StateCodec<T>, options?: ListOptions): ListState<T>
  /** A map per key, stored entry by entry; `keyType` is the type of its own keys. */
  mapState<const K extends StateType, const V extends StateType>(
    name: string,
    keyType: K,
    valueType: V,
    options?: MapOptions,
  ): MapState<StateValue<K>, StateValue<V>>
  mapState<const K extends StateType, V>(
    name: string,
    keyType: K,
    codec?: StateCodec<V>,
    options?: MapOptions,
  ): MapState<StateValue<K>, V>
  /** Gives up a variable of an earlier version of the processor; its values are dropped. */
  deleteIfExists(name: string): void
  /** Which query runs; all empty while it is planned. */
  queryInfo(): QueryInfo
}

/** The query, its run and the epoch. */
export interface QueryInfo {
  readonly queryId: string
  readonly runId: string
  readonly batchId: number
}

/** A type of state: a data type, a schema, or DDL text such as `'BIGINT'` or `'STRUCT<a: INT>'`. */
export type StateType = string | DataType

/** The TypeScript type of a state type; `any`-like `unknown` for DDL text of other types. */
export type StateValue<T> = T extends string ? DdlValue<Uppercase<T>> : EdgeValue<T>

type DdlValue<T extends string> = T extends 'BIGINT' | 'LONG'
  ? bigint
  : T extends 'INT' | 'INTEGER' | 'SMALLINT' | 'TINYINT' | 'DOUBLE' | 'FLOAT'
    ? number
    : T extends 'STRING' | 'DATE'
      ? string
      : T extends 'BOOLEAN'
        ? boolean
        : T extends 'BINARY'
          ? Uint8Array
          : T extends 'TIMESTAMP'
            ? Date | string
            : unknown

/** Turns a value of state into bytes and back. */
export interface StateCodec<T> {
  /** Kept in the checkpoint: another name is another format. */
  readonly name: string
  encode(value: T): Uint8Array
  decode(bytes: Uint8Array): T
}

/**
 * How long a value lives after it was written, for example `{ ttl: '30 days' }`: by the clock in the
 * time mode `processingTime`. In `eventTime`, which Spark does not have, until the watermark reaches the
 * largest event time of the rows it was written with (the time of the timer, in a timer; the watermark,
 * if no row has a time) plus the duration.
 */
export interface TimeToLive {
  readonly ttl?: string
}

export interface ListOptions extends TimeToLive {
  /** Only the last `cap` elements are kept. */
  readonly cap?: number
}

export interface MapOptions extends TimeToLive {
  /** More entries than this end the query with `STATE_CAP_EXCEEDED`. */
  readonly cap?: number
}

/** One value of the current key. */
export interface ValueState<T> {
  exists(): boolean
  /** The value, or `undefined`; a copy of its own each time. */
  get(): T | undefined
  update(value: T): void
  clear(): void
}

/** The list of the current key. */
export interface ListState<T> {
  exists(): boolean
  get(): readonly T[]
  /** Replaces the list. */
  put(values: Iterable<T>): void
  append(value: T): void
  appendAll(values: Iterable<T>): void
  clear(): void
}

/** The map of the current key; entries in the order in which they were first put. */
export interface MapState<K, V> {
  exists(): boolean
  get(key: K): V | undefined
  has(key: K): boolean
  put(key: K, value: V): void
  delete(key: K): void
  entries(): Iterable<readonly [K, V]>
  keys(): Iterable<K>
  values(): Iterable<V>
  clear(): void
}

/** The timers of the current key and the times of the epoch, milliseconds since 1970. */
export interface Timers {
  /** The time of the epoch; the same when the epoch runs again. */
  readonly processingTimeMs: number
  /** The watermark of the epoch; `undefined` in other time modes than `eventTime`. */
  readonly watermarkMs: number | undefined
  /**
   * Registers a timer; the same time twice is one timer. One that is due already fires after the input
   * of this epoch, or in the next epoch if a timer registered it.
   * @throws StreamError `TIMER_INVALID` in the time mode `none`
   */
  register(timeMs: number): void
  delete(timeMs: number): void
  /** Ascending. */
  list(): readonly number[]
}

export interface ExpiredTimer {
  readonly timeMs: number
}

/** A processor, or a function that makes one; a function gives every task its own. */
export type ProcessorSource<Key, Row, Out, Initial = unknown> =
  | StatefulProcessor<Key, Row, Out, Initial>
  | (() => StatefulProcessor<Key, Row, Out, Initial>)

/** A program in a plan: the user's code and what it needs at the edge. A live object, so it stays in its thread. */
export interface StatefulProgram {
  readonly name: string
  readonly source: ProcessorSource<unknown, unknown, unknown>
  readonly edge: EdgeOptions
  readonly initial?: InitialState
}

/** The initial state of a program: rows that are read once, in the first epoch of the query. */
export interface InitialState {
  readonly rows: () => Promise<readonly Batch[]>
  /** Columns of the key, in the order of the operator's keys. */
  readonly keys: readonly number[]
  /** The columns that the program is shown. */
  readonly row: Schema
}
