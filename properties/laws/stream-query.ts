import type fc from 'fast-check'
import type { DataFrame } from '../../src/dataframe/data-frame.ts'

/** One input of a streaming query under a law. */
export interface StreamInput {
  /** Columns as DDL, for example `k STRING, t TIMESTAMP`. */
  readonly schema: string
  /** A row as a list in the order of the columns; repeats and disorder are welcome. */
  readonly row: fc.Arbitrary<readonly unknown[]>
  /** Partitions with a watermark of their own. Default 1. */
  readonly partitions?: number
}

/** Rows that are all there. */
export interface StreamTable {
  /** Columns as DDL. */
  readonly schema: string
  readonly rows: readonly (readonly unknown[])[]
}

/** A query to be held to a law: inputs, and what is made of their frames. */
export interface StreamQuery {
  readonly inputs: readonly StreamInput[]
  /** Frames that do not stream, which the query may join with; the same rows in every run. */
  readonly tables?: readonly StreamTable[]
  readonly query: (inputs: readonly DataFrame[], tables: readonly DataFrame[]) => DataFrame
  /**
   * The same query in words of the reference, which can work out neither what calls answer nor what an
   * operator of one's own does. Default: the query itself.
   */
  readonly reference?: StreamQuery['query']
  readonly outputMode: 'append' | 'update' | 'complete'
  /** Which rows come out depends on which come first: not compared with the batch answer. Default false. */
  readonly dependsOnOrder?: boolean
  /** What the query is, for the report of a failure. */
  readonly text?: string
}
