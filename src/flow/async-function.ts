import type { EdgeOptions, EdgeRow } from '../batch/edge-row.ts'

/** What a call is told besides its row. */
export interface AsyncCall {
  /** Aborted when the call has timed out, and when the query ends: pass it on to `fetch` and the like. */
  readonly signal: AbortSignal
  /** 1 for the first call for this row, 2 for the first retry, and so on. */
  readonly attempt: number
}

/** A function of the user that answers later. A live object, so it stays in its thread. */
export interface AsyncFunction {
  readonly name: string
  readonly call: (row: EdgeRow, call: AsyncCall) => Promise<unknown>
  readonly edge: EdgeOptions
}

/** How such a function is called. */
export interface AsyncLimits {
  /** Rows that one task waits for at a time. */
  readonly capacity: number
  /** How long one call may take. */
  readonly timeoutMs: number
  /** Rows come out in the order in which they went in. */
  readonly ordered: boolean
  /** Calls for one row at most, the first included. */
  readonly attempts: number
  /** The wait before the first retry; doubled for each further one up to `delayMsMax`. */
  readonly delayMs: number
  readonly delayMsMax: number
  /** What becomes of a row whose last call failed. */
  readonly onError: 'fail' | 'drop'
}
