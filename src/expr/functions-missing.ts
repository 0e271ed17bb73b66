const neighbours =
  'Use transformWithState, which keeps what it needs of earlier rows, or first, last, min_by and max_by of a window of time.'

/** Functions of Spark that are not there, each with what to do instead. */
export const missingFunctions: Readonly<Record<string, string>> = {
  cume_dist: neighbours,
  lag: neighbours,
  lead: neighbours,
  monotonically_increasing_id:
    'Use a column that tells rows apart, such as partition and offset of Kafka, or a hash of a key: rows of a stream have no number of their own.',
  nth_value: neighbours,
  ntile: neighbours,
  percent_rank: neighbours,
}
