/** Spark's names of joins, any letter case, with or without underscores. */
export type JoinTypeName =
  | 'inner'
  | 'cross'
  | 'left'
  | 'left_outer'
  | 'right'
  | 'right_outer'
  | 'full'
  | 'outer'
  | 'full_outer'
  | 'left_semi'
  | 'left_anti'
  | (string & {})

/** How a join reads the side that does not stream. */
export interface JoinOptions {
  /** How long the rows of that side are good, for example `'10 minutes'`. Default: one epoch, as in Spark. */
  readonly refresh?: string
}
