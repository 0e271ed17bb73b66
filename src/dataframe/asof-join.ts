import type { Column } from './column.ts'

/** What rows belong together in an as-of join, and how far apart they may be. */
export interface AsofJoinOptions {
  /** Columns that both frames have, which come once and first; or equalities of a column of each. */
  readonly on: string | Column | readonly (string | Column)[]
  /** A TIMESTAMP column of the left frame; in a stream the one of its watermark. */
  readonly leftTime: string
  /** The same of the right frame. */
  readonly rightTime: string
  /** How much older than the left row the right one may be, such as `'5 minutes'`. Default: as old as it likes. */
  readonly tolerance?: string
  /** Right rows at or before the left one; there is no other direction. */
  readonly direction?: 'backward'
  /** Whether left rows without a right row come out, with NULL in its columns. Default `leftOuter`. */
  readonly type?: 'inner' | 'leftOuter'
}

/** Frames that can be joined as of a time; `Frame` is `DataFrame`. */
export interface AsofJoins<Frame> {
  /**
   * Joins each row with the newest row of another frame that is not newer than it, such as each trade with
   * the quote that was valid then. Of several of one time the last counts, in the order of its source.
   *
   * Two streams need watermarks on both times. A row comes out when the watermark has reached it, so
   * that no right row which would suit it better can come any more; the watermark behind the join is
   * the same. Rows with NULL in a key or a time have no partner. Not in Spark.
   *
   * @throws StreamError `COLUMN_NOT_FOUND`, `DATATYPE_MISMATCH`, `CONFIG_INVALID`, `DURATION_INVALID`; at the
   * start of a stream `STREAMING_UNSUPPORTED` without watermarks, `OUTPUT_MODE_UNSUPPORTED` unless append
   * @example
   * ```ts
   * import { Session } from 'millrace'
   *
   * const spark = Session.builder.getOrCreate()
   * const at = (second: number) => new Date(second * 1000)
   * const trades = spark.createDataFrame(
   *   [{ symbol: 'A', traded: at(7) }, { symbol: 'A', traded: at(2) }],
   *   'symbol STRING, traded TIMESTAMP',
   * )
   * const quotes = spark.createDataFrame(
   *   [{ symbol: 'A', quoted: at(3), price: 10.5 }, { symbol: 'A', quoted: at(6), price: 11 }],
   *   'symbol STRING, quoted TIMESTAMP, price DOUBLE',
   * )
   * const priced = trades.asofJoin(quotes, {
   *   on: 'symbol',
   *   leftTime: 'traded',
   *   rightTime: 'quoted',
   *   tolerance: '5 minutes',
   * })
   * const prices = (await priced.orderBy('traded').collect()).map(({ price }) => price)
   * if (prices[0] !== null || prices[1] !== 11) throw new Error(`prices ${prices}`)
   * await spark.stop()
   * ```
   */
  asofJoin(other: Frame, options: AsofJoinOptions): Frame
}
