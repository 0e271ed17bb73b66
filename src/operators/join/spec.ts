import type { DataType } from '../../batch/schema.ts'
import type { PairSpec } from './joined-pairs.ts'

/** A join of two streams, as plain data. Columns are numbers of the batches of their side. */
export interface JoinSpec {
  readonly operator: string
  readonly type: 'inner' | 'leftOuter' | 'rightOuter' | 'fullOuter' | 'leftSemi' | 'leftAnti'
  readonly keyTypes: readonly DataType[]
  /** By key: NULL equals NULL. */
  readonly nullSafe: readonly boolean[]
  readonly pairs: PairSpec
  /** The condition as it was written, in words: parts of it may be tried below the join. */
  readonly written?: string
  readonly left: JoinSideSpec
  readonly right: JoinSideSpec
  /** How far this operator is behind the watermark of the query, and how far what follows it is. */
  readonly watermarkShift: number
  readonly outputShift: number
}

/** One side: the columns of its schema come first in its batches, what is computed for the join behind. */
export interface JoinSideSpec {
  readonly keys: readonly number[]
  /** A BOOLEAN column: rows for which it is not true have no partner, whatever comes (rule J4). */
  readonly filter?: number
  /** Its event time, or windows of it: what is at or below the late watermark is left out. */
  readonly time?: number
  /** A row has no partner any more at the watermark of this time plus an offset; absent = it may always. */
  readonly due?: { readonly column: number; readonly offsetMicros: number }
}
