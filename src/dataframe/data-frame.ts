import type { EdgeRow } from '../batch/edge-row.ts'
import type { OwnOperator } from '../flow/own-operator.ts'
import type { UnresolvedPlan } from '../plan/unresolved-plan.ts'
import type { WatermarkOptions } from '../plan/watermark-rules.ts'
import type { AsofJoins } from './asof-join.ts'
import type { Column, ColumnOrName } from './column.ts'
import type { RowOf, TypedDataset } from './dataset-types.ts'
import type { EarlyResultOptions } from './early-results.ts'
import type { Fleet, FleetOptions } from './fleet.ts'
import type { JoinOptions, JoinTypeName } from './join-options.ts'
import type { NamedSteps } from './named-steps.ts'
import type { NotOnFrames, NotOnGroups } from './not-provided.ts'
import type { StreamingQuery as QueryWith } from './streaming-query.ts'
import type { SchemaLike, StructType } from './struct-type.ts'
import type { TriggerOptions } from './trigger.ts'
import type { UpgradeReport } from './upgrade-report.ts'
import type { ForeachWriter, StartOptions } from './writer-options.ts'

// Over 400 lines, one file for four interfaces: a frame makes writers, and a writer's foreachBatch gets frames.

/** Rows of a type that the compiler knows; see `DataFrame.as`. */
export type Dataset<Row> = TypedDataset<Row, DataFrame>

/** A streaming query from its start to its end. */
export type StreamingQuery = QueryWith<DataFrame>

/** One column or name, or a list of them. */
export type Columns = readonly (ColumnOrName | readonly ColumnOrName[])[]

/** How the result of a streaming query reaches the sink; Spark's names, any letter case. */
export type OutputMode = 'append' | 'update' | 'complete' | (string & {})

/**
 * A query over rows, built step by step and run by an action (batch) or by `writeStream…start()`
 * (streaming). Immutable: every method returns a new frame. A wrong name or type is reported by the
 * method that was given it.
 *
 * @example
 * ```ts
 * import { Session } from 'millrace'
 * import { avg, col } from 'millrace/functions'
 *
 * const spark = Session.builder.appName('readings').getOrCreate()
 * const readings = spark.createDataFrame(
 *   [
 *     { room: 'kitchen', celsius: 21.5 },
 *     { room: 'kitchen', celsius: 22.5 },
 *     { room: 'cellar', celsius: 11.0 },
 *   ],
 *   'room STRING, celsius DOUBLE',
 * )
 * const mean = readings.groupBy('room').agg(avg('celsius').alias('mean')).filter(col('mean').gt(15))
 * await mean.show()
 * await spark.stop()
 * ```
 */
export interface DataFrame extends NotOnFrames, AsofJoins<DataFrame>, NamedSteps<DataFrame> {
  /** The plan as written; for the engine and for tests. */
  readonly plan: UnresolvedPlan
  /** Names and types of the columns. */
  readonly schema: StructType
  readonly columns: readonly string[]
  /** Names with types as text, in order. */
  readonly dtypes: readonly (readonly [name: string, type: string])[]
  /** True when any row comes from a stream; actions are then refused. */
  readonly isStreaming: boolean
  /** Starts building the sink of a streaming query. */
  readonly writeStream: DataStreamWriter
  /** Starts building the sink of a batch query. */
  readonly write: DataFrameWriter

  /**
   * Keeps the named columns and expressions. `'*'` is all columns, `'data.*'` the fields of a struct.
   * `explode(…)` makes a row per element, `window(…)` a row per window, as in Spark.
   * @throws StreamError `COLUMN_NOT_FOUND`, `DATATYPE_MISMATCH`, …
   */
  select(...columns: Columns): DataFrame
  /** `select` with SQL text: `selectExpr('price * 2 AS double', 'id')`. */
  selectExpr(...expressions: readonly (string | readonly string[])[]): DataFrame
  /** Adds a column, or replaces the one of that name. */
  withColumn(name: string, column: Column): DataFrame
  /** Adds or replaces several columns; none sees the others. */
  withColumns(columns: Readonly<Record<string, Column>>): DataFrame
  /** Renames a column; without one of that name nothing changes. */
  withColumnRenamed(from: string, to: string): DataFrame
  withColumnsRenamed(renames: Readonly<Record<string, string>>): DataFrame
  /** Leaves columns out; names that do not exist are passed over. */
  drop(...columns: Columns): DataFrame

  /** Keeps the rows for which the condition, a column or SQL text, is true. */
  filter(condition: Column | string): DataFrame
  /** The same as `filter`. */
  where(condition: Column | string): DataFrame

  /** Groups rows by keys; without keys all rows are one group. */
  groupBy(...keys: Columns): GroupedData
  /** Aggregates over all rows: `groupBy().agg(…)`. */
  agg(...aggregates: readonly Column[]): DataFrame
  agg(aggregates: Readonly<Record<string, string>>): DataFrame

  /**
   * Pairs of rows of this frame and another. `on` is a name or a list of names that both have (those
   * columns come once, first), a condition, or a list of conditions; `how` is spelled as in Spark.
   * Columns of one name are told apart by `alias`: `a.id`, `b.id`.
   *
   * Two streams: rows of both are kept in state until the watermark says that no partner can come any
   * more, which takes `withWatermark` on both and an equality of windows or times, or a range such as
   * `click.t BETWEEN view.t AND view.t + INTERVAL 1 HOUR`. Inner joins do without, and keep everything.
   * Outer rows come out once no partner can come. Unlike Spark, `leftanti` of two streams is allowed.
   *
   * A stream and a frame that does not stream: its rows are read again in every epoch, or, with
   * `refresh`, once in that time.
   *
   * @param how - default `'inner'`
   * @throws StreamError `COLUMN_NOT_FOUND`, `AMBIGUOUS_COLUMN`, `DATATYPE_MISMATCH`, `CONFIG_INVALID`;
   * at the start of a query `STREAMING_UNSUPPORTED`, `OUTPUT_MODE_UNSUPPORTED`
   * @example
   * ```ts
   * import { Session } from 'millrace'
   *
   * const spark = Session.builder.getOrCreate()
   * const users = spark.createDataFrame([{ id: 1, name: 'Ann' }], 'id INT, name STRING')
   * const orders = spark.createDataFrame([{ id: 1, price: 9 }], 'id INT, price INT')
   * const rows = await orders.join(users, 'id', 'left').collect()
   * if (rows[0]?.['name'] !== 'Ann') throw new Error('no name')
   * await spark.stop()
   * ```
   */
  join(
    other: DataFrame,
    on?: string | Column | readonly (string | Column)[],
    how?: JoinTypeName,
    options?: JoinOptions,
  ): DataFrame
  /** Every row of this frame with every row of the other; of two streams with an equality in a filter behind it. */
  crossJoin(other: DataFrame): DataFrame

  /** Rows of both, columns by position, types widened; keeps duplicates. @throws StreamError `UNION_MISMATCH` */
  union(other: DataFrame): DataFrame
  /** The same as `union`. */
  unionAll(other: DataFrame): DataFrame
  /**
   * Rows of both, columns by name; with `allowMissingColumns` a column that one of them lacks is NULL there.
   * @throws StreamError `COLUMN_NOT_FOUND`, `UNION_MISMATCH`
   */
  unionByName(
    other: DataFrame,
    options?: boolean | { readonly allowMissingColumns?: boolean },
  ): DataFrame

  /**
   * The rows of this frame, a history, then those of another, in one query; columns by name. The history
   * ends where it ended when the query first started. Until then no watermark moves, so nothing of it is
   * late. `withWatermark` may stand on each side or above. See docs/history-then-live.md.
   *
   * @throws StreamError `COLUMN_NOT_FOUND`, `UNION_MISMATCH`; at the start of a query
   * `STREAMING_UNSUPPORTED`
   * @example
   * ```ts
   * import { Session } from 'millrace'
   *
   * const spark = Session.builder.getOrCreate()
   * const past = spark.memoryStream('id INT')
   * const now = spark.memoryStream('id INT')
   * past.addData([[1], [2]])
   * now.addData([[3]])
   * const query = past.toDF().followedBy(now.toDF()).writeStream.format('noop').start()
   * await query.processAllAvailable()
   * const epochs = query.recentProgress.map(({ numInputRows }) => numInputRows)
   * if (epochs.join() !== '2,1') throw new Error(`rows per epoch: ${epochs}`)
   * await query.stop()
   * await spark.stop()
   * ```
   */
  followedBy(live: DataFrame): DataFrame
  /**
   * Says which column is the event time and how late a row may be. The watermark is the largest event
   * time seen minus `delay`; windows at or below it are closed, emitted and forgotten. On a batch frame
   * nothing changes.
   *
   * @param delay - for example `'10 minutes'`; not negative
   * @param options - what becomes of rows that are late, from the far future or without a time, and when a
   * silent source no longer holds the watermark back
   * @throws StreamError `WATERMARK_INVALID`, `DURATION_INVALID`, `COLUMN_NOT_FOUND`; `CONFIG_INVALID`,
   * `OPTION_UNKNOWN` for the options
   * @example
   * ```ts
   * import { Session } from 'millrace'
   * import { window } from 'millrace/functions'
   *
   * const spark = Session.builder.getOrCreate()
   * const perMinute = spark.readStream
   *   .format('rate')
   *   .load()
   *   .withWatermark('timestamp', '10 seconds')
   *   .groupBy(window('timestamp', '1 minute'))
   *   .count()
   * perMinute.printSchema()
   * await spark.stop()
   * ```
   */
  withWatermark(eventTime: string, delay: string, options?: WatermarkOptions): DataFrame

  /**
   * The first row of each combination of the columns; of all columns without names. On a stream every
   * key is remembered for ever, unless one of the columns is the event time of a watermark: then a key is
   * forgotten when the watermark reaches it, and rows at or below the watermark are late.
   * @throws StreamError `COLUMN_NOT_FOUND`; `STATE_UNBOUNDED` when a streaming query starts that would
   * remember every key for ever, unless the option `allowUnbounded` is set
   */
  dropDuplicates(...columns: readonly (string | readonly string[])[]): DataFrame
  /**
   * The first row of each combination of the columns, where duplicates come within the delay of the
   * watermark: a key is forgotten when the watermark reaches the event time of its first row plus the
   * delay. Streams only.
   * @throws StreamError `COLUMN_NOT_FOUND`, `WATERMARK_INVALID`, `STREAMING_UNSUPPORTED`
   * @example
   * ```ts
   * import { Session } from 'millrace'
   *
   * const spark = Session.builder.getOrCreate()
   * const once = spark.readStream
   *   .format('rate')
   *   .load()
   *   .withWatermark('timestamp', '10 minutes')
   *   .dropDuplicatesWithinWatermark('value')
   * once.printSchema()
   * await spark.stop()
   * ```
   */
  dropDuplicatesWithinWatermark(...columns: readonly (string | readonly string[])[]): DataFrame
  /** Every row once: `dropDuplicates()`. */
  distinct(): DataFrame

  /**
   * Sorts by columns, ascending unless they say `.desc()`. On streams only behind an aggregation or a
   * ranking, and in complete mode.
   * @throws StreamError `COLUMN_NOT_FOUND`, `DATATYPE_MISMATCH` for a MAP
   */
  orderBy(...columns: Columns): DataFrame
  /** The same as `orderBy`. */
  sort(...columns: Columns): DataFrame
  /**
   * At most `count` rows: of a stream the first of its whole life, also over restarts, or of each answer of an
   * aggregation in complete mode. Refused in update mode, as rows that were given out cannot be taken back.
   * @throws StreamError `CONFIG_INVALID` for a count that is no whole number from 0 up
   */
  limit(count: number): DataFrame
  /** A name for the frame: its columns may then be written `name.column`. */
  alias(name: string): DataFrame
  /**
   * The rows as objects of a type that the compiler knows: the columns of the schema, by name, which
   * must be of just these types. For `map`, `flatMap`, `filter` and state per key in TypeScript.
   * @throws StreamError `COLUMN_NOT_FOUND`, `DATATYPE_MISMATCH`
   */
  as<const S extends SchemaLike>(schema: S): Dataset<RowOf<S>>
  as(): Dataset<EdgeRow>
  /**
   * Rows of an operator that you wrote against the port that every operator of the engine is written
   * against: the lowest door. Most programs want `as(…).groupByKey(…).transformWithState(…)` instead. Hold
   * yours to `operatorLaw` of `millrace/properties`; see docs/own-operators.md.
   *
   * @param options - `keys`: rows of one key meet in one task, none = all rows in one task; `output`: the
   * schema of the rows it gives out, which have no event time: put `withWatermark` behind it
   * @throws StreamError `COLUMN_NOT_FOUND`
   */
  operator(
    operator: OwnOperator,
    options: { readonly keys?: readonly string[]; readonly output: SchemaLike },
  ): DataFrame
  /** Applies a function of your own to the frame, for chains that read from left to right. */
  transform(change: (frame: DataFrame) => DataFrame): DataFrame

  /** Prints the schema as a tree. */
  printSchema(): void
  /** Prints the plan, and returns the same text; `extended` shows every step from query to stages. */
  explain(extended?: boolean): string

  /** Prints the first rows as a table; values longer than `truncate` characters are cut. */
  show(rowLimit?: number, truncate?: boolean | number): Promise<void>
  /** All rows. @throws StreamError `STREAMING_ACTION` on a streaming frame, like every action */
  collect(): Promise<readonly EdgeRow[]>
  /** The first rows. */
  take(count: number): Promise<readonly EdgeRow[]>
  /** The first row, or `undefined` if there is none. */
  first(): Promise<EdgeRow | undefined>
  /** The same as `first`; with a count the same as `take`. */
  head(): Promise<EdgeRow | undefined>
  head(count: number): Promise<readonly EdgeRow[]>
  /** How many rows there are. */
  count(): Promise<number>
  isEmpty(): Promise<boolean>
  /** The rows one by one. */
  toLocalIterator(): AsyncIterable<EdgeRow>
  /** Calls the function with every row, waiting for it each time. */
  foreach(call: (row: EdgeRow) => void | Promise<void>): Promise<void>

  /** Gives the frame a name in the session, for `spark.table(name)`. */
  createOrReplaceTempView(name: string): void
}

/** Rows grouped by keys; the next call says what to compute per group. Names are Spark's: `sum(price)`. */
export interface GroupedData extends NotOnGroups {
  /**
   * Early results, with a last column `is_final BOOLEAN`: see `EarlyResultOptions`.
   * @throws StreamError `DURATION_INVALID`, `CONFIG_INVALID` by the call that says what to compute; at
   * the start of a query `OUTPUT_MODE_UNSUPPORTED`, `STREAMING_UNSUPPORTED`
   */
  emit(options: EarlyResultOptions): GroupedData
  /**
   * One column per argument, after the keys. Arguments may be expressions over several aggregates.
   * A record means function by column: `{ price: 'max' }`.
   */
  agg(...aggregates: readonly Column[]): DataFrame
  agg(aggregates: Readonly<Record<string, string>>): DataFrame
  /** Rows per group, in the column `count`. */
  count(): DataFrame
  /** Sums; without names of every numeric column that is not a key. */
  sum(...columns: readonly string[]): DataFrame
  avg(...columns: readonly string[]): DataFrame
  /** The same as `avg`. */
  mean(...columns: readonly string[]): DataFrame
  min(...columns: readonly string[]): DataFrame
  max(...columns: readonly string[]): DataFrame
}

/**
 * Says where the result of a streaming query goes, and starts it. Each call returns a new writer.
 *
 * @example
 * ```ts
 * import { Session } from 'millrace'
 *
 * const spark = Session.builder.getOrCreate()
 * const query = spark.readStream
 *   .format('rate')
 *   .option('rowsPerSecond', 100)
 *   .load()
 *   .writeStream.format('noop')
 *   .queryName('numbers')
 *   .trigger({ availableNow: true })
 *   .start()
 * await query.awaitTermination()
 * await spark.stop()
 * ```
 */
export interface DataStreamWriter {
  /** `append` (default): finished rows once; `update`: changed groups; `complete`: all groups each time. */
  outputMode(mode: OutputMode): DataStreamWriter
  /** When epochs run; default one after the other. */
  trigger(trigger: TriggerOptions): DataStreamWriter
  /** A name, unique among the active queries of the session. */
  queryName(name: string): DataStreamWriter
  format(name: string): DataStreamWriter
  /** Sets an option; names in any letter case. */
  option(name: string, value: string | number | boolean): DataStreamWriter
  options(options: Readonly<Record<string, string | number | boolean>>): DataStreamWriter
  /** File sinks: one folder per value of these columns. */
  partitionBy(...columns: readonly string[]): DataStreamWriter
  /** Calls the function, or the methods of the object, for every row: at-least-once. */
  foreach(writer: ForeachWriter | ForeachWriter['process']): DataStreamWriter
  /** Calls the function with the rows of every epoch as a batch frame: at-least-once, epoch as key. */
  foreachBatch(call: ForeachBatch): DataStreamWriter
  /**
   * Starts the query. Wrong plans and options are reported here; what fails later ends the query and
   * comes out of `awaitTermination()`.
   *
   * With `from` a query that has no checkpoint yet begins with a savepoint (`query.savepoint(path)`): with
   * its state, its positions and its watermarks, as a query of its own with another id, whose sinks have
   * committed nothing. Where there is a checkpoint it goes on from that. The same as the option
   * `startFrom`.
   * @throws StreamError `OUTPUT_MODE_UNSUPPORTED`, `STREAMING_UNSUPPORTED`, `CONFIG_INVALID`,
   * `CHECKPOINT_NOT_FOUND` for a savepoint that is none, …
   */
  start(path?: string, options?: StartOptions): StreamingQuery
  start(options: StartOptions): StreamingQuery
  /**
   * Takes part in a query that several processes run, which share the partitions of its Kafka source by a consumer
   * group: each partition is a query of its own, with its checkpoint in a folder of `checkpointLocation`, which all
   * processes have to reach. A process that ends leaves its partitions to the others, one that begins gets its share;
   * every row is worked on as often as by one query. Only for steps that look at one row at a time, and joins with
   * frames that do not stream. Where the sink is a folder of files, each partition has one of its own in it.
   *
   * @throws StreamError `STREAMING_UNSUPPORTED` that names the step at which rows of several partitions would have to
   * meet, `CONFIG_INVALID` without `checkpointLocation`, and what `start` throws at once
   * @example
   * ```ts no-run: it needs brokers
   * import { Session } from 'millrace'
   *
   * const session = Session.builder.getOrCreate()
   * const orders = session.readStream
   *   .format('kafka')
   *   .option('kafka.bootstrap.servers', 'broker1:9092')
   *   .option('subscribe', 'orders')
   *   .load()
   * const fleet = orders.writeStream
   *   .format('kafka')
   *   .option('kafka.bootstrap.servers', 'broker1:9092')
   *   .option('topic', 'copies')
   *   .option('checkpointLocation', '/mnt/shared/copies')
   *   .startFleet({ group: 'copies' })
   * await fleet.awaitTermination()
   * ```
   */
  startFleet(options: FleetOptions): Fleet<DataFrame>
  /**
   * What `start` would do with a checkpoint; see `Session.explainUpgrade`.
   * @throws StreamError `CHECKPOINT_NOT_FOUND`, and what `start` throws at once
   */
  explainUpgrade(checkpoint: string): Promise<UpgradeReport>
}

/** Says where the result of a batch query goes. Each call returns a new writer. */
export interface DataFrameWriter {
  format(name: string): DataFrameWriter
  /** What to do if there is something already: default `error`. */
  mode(mode: 'append' | 'overwrite' | 'error' | 'errorifexists' | 'ignore'): DataFrameWriter
  option(name: string, value: string | number | boolean): DataFrameWriter
  options(options: Readonly<Record<string, string | number | boolean>>): DataFrameWriter
  partitionBy(...columns: readonly string[]): DataFrameWriter
  /** Runs the query into the sink. */
  save(path?: string): Promise<void>
  json(path: string): Promise<void>
  csv(path: string): Promise<void>
  text(path: string): Promise<void>
}

/** Called once per epoch with its rows as a batch frame; the epoch number is good for removing duplicates. */
export type ForeachBatch = (frame: DataFrame, epochId: number) => unknown
