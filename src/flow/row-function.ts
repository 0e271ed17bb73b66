import type { EdgeOptions, EdgeRow } from '../batch/edge-row.ts'

/** A function of the user over whole rows. A live object, so it stays in its thread. */
export interface RowFunction {
  readonly name: string
  readonly call: (row: EdgeRow) => Iterable<unknown>
  readonly edge: EdgeOptions
}
