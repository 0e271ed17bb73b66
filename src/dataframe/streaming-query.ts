import type { EdgeRow } from '../batch/edge-row.ts'
import type { StreamError } from '../core/error.ts'
import type { QueryWarning } from '../core/warning.ts'
import type { StreamingQueryProgress } from './progress.ts'

/** Text such as `'10 seconds'`, or a number of seconds as in PySpark. */
export type Timeout = string | number

/** What a query is doing right now. */
export interface StreamingQueryStatus {
  /** For example `Waiting for data to arrive`; Spark's wording. */
  readonly message: string
  readonly isDataAvailable: boolean
  readonly isTriggerActive: boolean
}

/** For readiness and liveness probes; cheap enough to ask every second. */
export interface QueryHealth {
  /** `degraded`: restarting after a failure, or not a single commit within the expected time. */
  readonly state: 'starting' | 'healthy' | 'degraded' | 'stopped' | 'failed'
  /** Why it is not healthy; empty otherwise. */
  readonly reason: string
  /** The newest committed epoch; −1 before the first. */
  readonly lastCommittedEpoch: number
  /** Milliseconds since the newest commit, or since the start before the first. */
  readonly lastCommitAgeMs: number
  /** Times the query was restarted after a failure in this run. */
  readonly restarts: number
}

/** The rows that one epoch added to the result (append), changed (update), or all of it (complete). */
export interface ResultBatch {
  readonly epoch: number
  readonly rows: readonly EdgeRow[]
}

/** A row that came after the watermark had passed it, so that no result counts it. */
export interface LateRow {
  readonly epoch: number
  /** The operator that left it out. */
  readonly operator: string
  /** For joins, the side it came in on. */
  readonly input: 'left' | 'right' | null
  /** The watermark that it came after, as that operator sees it in that epoch. */
  readonly watermark: Date | string
  /** The time that the operator judged it by: its event time, or the end of its window. */
  readonly eventTime: Date | string
  /** The row as it came to the operator, with the columns that the query reads. */
  readonly row: EdgeRow
}

/** A record or row that a query could not work with. */
export interface DeadLetter {
  readonly epoch: number
  /** The source, or the operator that could not work with it. */
  readonly operator: string
  /** Where it came from, as far as that is known: the name of a source, … */
  readonly source: string | null
  /** … a partition of it, … */
  readonly partition: string | null
  /** … and a place in there, such as the path of a file. */
  readonly position: string | null
  /** The code of the error. */
  readonly code: string
  readonly message: string
  /** The record as text if it could not be decoded, otherwise the row that the operator was given. */
  readonly record: string | EdgeRow
}

export interface StopOptions {
  /** Drops the running epoch instead of finishing it; it runs again at the next start. Nothing is lost. */
  readonly force?: boolean
  /** How long to wait for the running epoch before dropping it; default `'20 seconds'`. */
  readonly timeout?: Timeout
}

/** Which part of an operator's state is wanted; as the options of the format `statestore`. */
export interface StateOptions {
  /** Joins: only the rows of this side. */
  readonly joinSide?: 'left' | 'right'
  /** Custom state: one variable instead of all of a key. */
  readonly stateVarName?: string
  /** With `stateVarName`: a row per element of a list or map (default), and not one per key. */
  readonly flattenCollectionTypes?: boolean
  /** Custom state: the timers instead of the variables. */
  readonly readRegisteredTimers?: boolean
}

/** A key by field names, or its value where it has one field only. */
export type StateKey = Readonly<Record<string, unknown>> | string | number | bigint | boolean | Date

/**
 * The state of one operator of a query, as of the epoch that is the last committed one when a method is
 * called; never what is under way. It is read from the files of the checkpoint, so that the query does
 * not wait for it: `get` reads the files of one shard of state, the others those of all.
 */
export interface QueryState<Frame = unknown> {
  /**
   * The `value` of a key, `undefined` if there is none. Where a key has several rows (sessions, sides of a
   * join, elements), the first one: ask `rows(key)` for all.
   * @throws StreamError `CONFIG_INVALID` for a key that lacks a field, `CAST_INVALID_INPUT`
   */
  get(key?: StateKey): Promise<EdgeRow | undefined>
  /** Rows with `key`, `value` and `partition_id`, as they are read; of one key if one is given. */
  rows(key?: StateKey): AsyncIterable<EdgeRow>
  /** The same rows as a list. */
  toArray(): Promise<readonly EdgeRow[]>
  /** The same rows as a batch frame, for SQL; it keeps to the epoch of this call. */
  toDataFrame(): Frame
}

/** A copy of one committed epoch that queries can be started from. */
export interface Savepoint {
  readonly path: string
  /** The query that it was made of. */
  readonly queryId: string
  readonly epoch: number
}

/** A running query. It keeps the process alive until it ends. */
export interface StreamingQuery<Frame = unknown> {
  /** Stays the same over restarts from the same checkpoint. */
  readonly id: string
  /** New with every start. */
  readonly runId: string
  /** The `queryName`, if one was given. */
  readonly name: string | undefined
  readonly isActive: boolean
  readonly status: StreamingQueryStatus
  readonly lastProgress: StreamingQueryProgress | undefined
  /** Oldest first; at most `numRecentProgressUpdates` (100). */
  readonly recentProgress: readonly StreamingQueryProgress[]

  /**
   * Waits until the query ends. Resolves to `true` when it has, to `false` when the timeout came first.
   * @throws StreamError the error that ended the query, as Spark does
   */
  awaitTermination(timeout?: Timeout): Promise<boolean>

  /**
   * Waits until everything that was in the sources at the call is committed. Meant for tests: with a
   * source that never pauses it may wait for ever.
   */
  processAllAvailable(): Promise<void>

  /**
   * Finishes and commits the running epoch, then ends the query. Spark cancels the running batch
   * instead; `{ force: true }` does that here. Calling it again is harmless.
   * @throws StreamError `STOP_TIMEOUT` if user code is stuck
   */
  stop(options?: StopOptions): Promise<void>

  /** The error that ended the query; `undefined` while it runs and after a clean stop. */
  exception(): StreamError | undefined

  /**
   * What a user should know of and what stopped nothing, oldest first, at most 100: state that grows for
   * ever, a quota that only warns, a clean-up that failed. The codes are in docs/errors.md.
   */
  readonly warnings: readonly QueryWarning[]

  /** Prints the plan, and returns the same text. `extended` adds the stages that run. */
  explain(extended?: boolean): string

  /**
   * The committed results, epoch by epoch, from the moment of the call; a slow reader slows the query.
   * With `uncommitted` rows come as soon as they exist, and again after a crash.
   */
  results(options?: { readonly uncommitted?: boolean }): AsyncIterable<ResultBatch>

  /**
   * Rows that came too late for some operator, once their epoch is committed, from the moment of the call
   * on; a slow reader slows the query. What comes between a crash and the next call is not seen here: the
   * files of the option `lateRowsPath` have each such row exactly once.
   */
  lateRows(): AsyncIterable<LateRow>

  /**
   * Records and rows that the query could not work with, where a policy sends them to the dead letters; the
   * same as for `lateRows` holds. Their files are those of the option `deadLetterPath`.
   */
  deadLetters(): AsyncIterable<DeadLetter>

  /**
   * What an operator keeps, at the last committed epoch: also after the query has ended, while its
   * checkpoint is there.
   *
   * @param operator - its name (`frame.name(…)`), or its position among the operators with state
   * @throws StreamError `OPERATOR_NOT_FOUND`; `CHECKPOINT_NOT_FOUND` before the first checkpoint
   * @example
   * ```ts
   * import { Session } from 'millrace'
   *
   * const spark = Session.builder.getOrCreate()
   * const orders = spark.memoryStream('user STRING, price INT')
   * const perUser = orders.toDF().groupBy('user').count().name('orders-per-user')
   * const query = perUser.writeStream.outputMode('update').format('noop').start()
   * orders.addData([{ user: 'ada', price: 3 }])
   * await query.processAllAvailable()
   * const ada = await query.state('orders-per-user').get('ada')
   * if (ada?.['count'] !== 1n) throw new Error('ada ordered once')
   * await spark.stop()
   * ```
   */
  state(operator: string | number, options?: StateOptions): QueryState<Frame>

  /**
   * Copies the last committed epoch, with everything that is needed to go on from it, to a folder of its
   * own; files are linked where that is possible. The query goes on meanwhile. Any number of queries can be
   * started from it: `start({ from: path })`.
   *
   * @param path - a folder that does not exist or is empty
   * @throws StreamError `SAVEPOINT_EXISTS`, `CHECKPOINT_NOT_FOUND`
   */
  savepoint(path: string): Promise<Savepoint>

  health(): QueryHealth
}

/** Called for every query of a session. Errors it throws are logged and never stop a query. */
export interface StreamingQueryListener {
  onQueryStarted?(event: {
    readonly id: string
    readonly runId: string
    readonly name: string | undefined
    /** ISO time in UTC. */
    readonly timestamp: string
  }): void
  onQueryProgress?(event: { readonly progress: StreamingQueryProgress }): void
  /** No data for `noDataProgressEventInterval` (10 s). */
  onQueryIdle?(event: {
    readonly id: string
    readonly runId: string
    readonly timestamp: string
  }): void
  /** The query has something to warn of; see `StreamingQuery.warnings`. */
  onQueryWarning?(event: {
    readonly id: string
    readonly runId: string
    readonly name: string | undefined
    readonly timestamp: string
    readonly warning: QueryWarning
  }): void
  onQueryTerminated?(event: {
    readonly id: string
    readonly runId: string
    readonly exception: string | undefined
    /** The code of the `StreamError`. */
    readonly errorClass: string | undefined
  }): void
}
