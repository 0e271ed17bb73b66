import type { EdgeOptions, EdgeRow } from '../batch/edge-row.ts'
import type { BadRowPolicy } from '../core/bad-row-policy.ts'

/** A function of the user over whole rows. A live object, so it stays in its thread. */
export interface RowFunction {
  readonly name: string
  readonly call: (row: EdgeRow) => Iterable<unknown>
  readonly edge: EdgeOptions
  /** What becomes of rows that it throws for; absent = as the query says. */
  readonly badRows?: BadRowPolicy
}
