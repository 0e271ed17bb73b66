import type { EdgeRow } from '../batch/edge-row.ts'

/** How a streaming query begins. */
export interface StartOptions {
  /** The folder of a savepoint. */
  readonly from?: string
}

/**
 * Called for every row. `open` returning false passes over the rows of that partition and epoch.
 * At-least-once: after a crash an epoch may come again.
 */
export interface ForeachWriter {
  open?(partitionId: number, epochId: number): boolean | Promise<boolean>
  process(row: EdgeRow): void | Promise<void>
  close?(error: unknown): void | Promise<void>
}
