/** When epochs begin; the names are Spark's. */
export type Trigger =
  /** As soon as there is something to do. */
  | { readonly type: 'default' }
  /** At whole multiples of the interval on the wall clock. */
  | { readonly type: 'processingTime'; readonly intervalMs: number }
  /** One epoch over everything that is there, without limits; then the job ends. */
  | { readonly type: 'once' }
  /** Everything that is there at the start, in limited epochs; then the job ends. */
  | { readonly type: 'availableNow' }
  /** Rows flow as they come; the interval is that of checkpoints, not the latency. */
  | { readonly type: 'continuous'; readonly intervalMs: number }
