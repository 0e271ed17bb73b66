import type { StreamError } from '../core/error.ts'
import type { StreamingQuery, Timeout } from './streaming-query.ts'

/** How processes share out the partitions of a source. */
export interface FleetOptions {
  /** The name under which the processes find each other: a consumer group of Kafka. */
  readonly group: string
  /** A process that is not heard of for so long loses its partitions; text, or milliseconds. Default 10 s. */
  readonly sessionTimeout?: string | number
  /** How long a process may take to end the query of a partition that it gives up. Default 60 s. */
  readonly rebalanceTimeout?: string | number
}

/**
 * The share of this process in a query that several processes run, each partition of its source as a query of its own. It
 * keeps the process alive until it ends.
 */
export interface Fleet<Frame = unknown> {
  readonly isActive: boolean
  /** The queries of the partitions that this process works on now, by name such as `orders/0`. */
  readonly queries: ReadonlyMap<string, StreamingQuery<Frame>>
  /**
   * Waits until the share ends. Resolves to `true` when it has, to `false` when the timeout came first.
   * @throws StreamError the error that ended it: that of a partition's query, or of the group
   */
  awaitTermination(timeout?: Timeout): Promise<boolean>
  /** The error that ended it; `undefined` while it runs and after a clean stop. */
  exception(): StreamError | undefined
  /** Commits the running epochs, ends the queries and leaves the others their partitions. */
  stop(): Promise<void>
}
