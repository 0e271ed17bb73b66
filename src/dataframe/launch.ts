import type { Batch } from '../batch/batch.ts'
import type { EdgeOptions } from '../batch/edge-row.ts'
import type { Schema } from '../batch/schema.ts'
import type { LogicalPlan, SaveMode, Scan } from '../plan/logical.ts'
import type { UnresolvedPlan } from '../plan/unresolved-plan.ts'
import type { DataFrame, ForeachBatch, StreamingQuery } from './data-frame.ts'
import type { Fleet, FleetOptions } from './fleet.ts'
import type { TriggerSpec } from './trigger.ts'
import type { UpgradeReport } from './upgrade-report.ts'
import type { ForeachWriter } from './writer-options.ts'

/** What frames need from the session. Plans arrive analysed, checked and optimised. */
export interface Launch {
  /** How rows are handed to user code. */
  readonly edge: EdgeOptions
  /**
   * Makes the scan of a source: looks up the format, checks its options, settles its schema.
   * `Scan.source` is `spec.name`, or empty for `analyze` to fill in.
   * @throws StreamError `SOURCE_NOT_FOUND`, `OPTION_UNKNOWN`, `CONFIG_INVALID`, `SCHEMA_REQUIRED`
   */
  scan(spec: ReadSpec): Scan
  /** Starts a streaming query; failures after the start end the query. */
  start(plan: LogicalPlan, spec: WriteSpec): StreamingQuery
  /** Takes part in a query that several processes run. */
  startFleet(plan: LogicalPlan, spec: WriteSpec, options: FleetOptions): Fleet<DataFrame>
  /**
   * What starting the query on a checkpoint would do with it.
   * @throws StreamError `CHECKPOINT_NOT_FOUND`, and what `start` throws at once
   */
  explainUpgrade(plan: LogicalPlan, spec: WriteSpec, checkpoint: string): Promise<UpgradeReport>
  /** Runs a batch plan to its end. */
  collect(plan: LogicalPlan): Promise<readonly Batch[]>
  /** Runs a batch plan into a sink. */
  save(plan: LogicalPlan, spec: SaveSpec): Promise<void>
  /** The stages a plan would run in, as text; for `explain`. */
  physicalText(plan: LogicalPlan): string
  /** Makes the plan known by name to `session.table`; replaces an older one. */
  putView(name: string, plan: UnresolvedPlan): void
  /**
   * The plan of a view.
   * @throws StreamError `TABLE_NOT_FOUND`
   */
  view(name: string): UnresolvedPlan
  /** Writes text for the user, such as the table of `show`. */
  print(text: string): void
}

/** Option names in lower case, values as text. */
export type Options = Readonly<Record<string, string>>

export interface ReadSpec {
  readonly format: string
  /** A path given to `load` is here as `path`. */
  readonly options: Options
  readonly schema?: Schema
  readonly streaming: boolean
  /** Given with `.name()`: the name its positions are kept under. */
  readonly name?: string
}

export interface WriteSpec {
  /** `foreach` and `foreachbatch` for the functions below. */
  readonly format: string
  /** A path given to `start` is here as `path`. */
  readonly options: Options
  readonly outputMode: SaveMode
  readonly trigger: TriggerSpec
  readonly queryName?: string
  /** Columns of the result, as its schema spells them. */
  readonly partitionBy: readonly string[]
  readonly foreach?: ForeachWriter
  readonly foreachBatch?: ForeachBatch
}

export interface SaveSpec {
  readonly format: string
  readonly options: Options
  readonly mode: 'append' | 'overwrite' | 'error' | 'ignore'
  readonly partitionBy: readonly string[]
}
