import type { DataType, Schema } from '../../batch/schema.ts'
import type { AggregateColumns } from '../aggregate/spec.ts'

/** An aggregation by sessions as plain data; columns are numbers of the input batch. */
export interface SessionSpec {
  readonly operator: string
  /** `append` gives each session out when it closes, `complete` all of them in each epoch. */
  readonly mode: 'append' | 'complete'
  /** The other keys: sessions with equal ones merge. */
  readonly keys: readonly { readonly column: number; readonly type: DataType }[]
  readonly aggregates: readonly AggregateColumns[]
  /** The session of each row by itself, as a window. */
  readonly sessionColumn: number
  /** Where the session stands among the keys of the output. */
  readonly position: number
  /** False without a watermark over the sessions: nothing is late, and only the end closes them. */
  readonly watermarked: boolean
  /** How far this operator is behind the watermark of the query. */
  readonly watermarkShift: number
  /** Keys (with the session at its position), then aggregates. */
  readonly output: Schema
}
