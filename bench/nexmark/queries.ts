import type { DataFrame, OutputMode } from '../../src/dataframe/data-frame.ts'
import {
  col,
  count,
  date_format,
  explode,
  expr,
  lit,
  max,
  min,
  rows_with_max,
  session_window,
  struct,
  sum,
  when,
  window,
} from '../../src/functions.ts'
import type { QueryName } from './results.ts'

/** A query as a user writes it, over the flat table of bids. */
export interface NexmarkQuery {
  readonly outputMode: OutputMode
  over(bids: DataFrame): DataFrame
}

/** The bids in the nested events of a file. */
export function bidsOf(events: DataFrame): DataFrame {
  return events.where(col('event_type').eq(2)).select('bid.*')
}

const delay = '4 seconds'

/** The measured queries; names and order of the columns as in `results.ts`. */
export const queries: Readonly<Record<QueryName, NexmarkQuery>> = {
  q0: {
    outputMode: 'append',
    over: (bids) => bids.select('auction', 'bidder', 'price', 'dateTime', 'extra'),
  },
  q1: {
    outputMode: 'append',
    over: (bids) =>
      bids.select(
        'auction',
        'bidder',
        expr('price * 0.908').cast('decimal(23,3)').alias('price'),
        'dateTime',
        'extra',
      ),
  },
  q2: {
    outputMode: 'append',
    over: (bids) => bids.where(col('auction').mod(123).eq(0)).select('auction', 'price'),
  },
  q5: {
    outputMode: 'append',
    over: (bids) =>
      bids
        .withWatermark('dateTime', delay)
        .groupBy(col('auction'), window('dateTime', '10 seconds', '2 seconds'))
        .agg(count(lit(1)).alias('num'))
        .groupBy('window')
        .agg(rows_with_max(struct('auction', 'num'), col('num')).alias('hottest'))
        .select(explode('hottest').alias('hottest'))
        .select('hottest.auction', 'hottest.num'),
  },
  q7: {
    outputMode: 'append',
    over: (bids) =>
      bids
        .withWatermark('dateTime', delay)
        .groupBy(window('dateTime', '10 seconds'))
        .agg(
          rows_with_max(
            struct('auction', 'bidder', 'price', 'dateTime', 'extra'),
            col('price'),
          ).alias('highest'),
        )
        .select(explode('highest').alias('highest'))
        .select('highest.*'),
  },
  q11: {
    outputMode: 'append',
    over: (bids) =>
      bids
        .withWatermark('dateTime', delay)
        .groupBy(col('bidder'), session_window('dateTime', '10 seconds'))
        .agg(count(lit(1)).alias('bid_count'))
        .select(
          'bidder',
          'bid_count',
          col('session_window.start').alias('starttime'),
          col('session_window.end').alias('endtime'),
        ),
  },
  q12: {
    outputMode: 'append',
    over: (bids) =>
      bids
        .withWatermark('dateTime', delay)
        .groupBy(col('bidder'), window('dateTime', '10 seconds'))
        .agg(count(lit(1)).alias('bid_count'))
        .select(
          'bidder',
          'bid_count',
          col('window.start').alias('starttime'),
          col('window.end').alias('endtime'),
        ),
  },
  q17: {
    outputMode: 'update',
    over: (bids) =>
      bids
        .groupBy(col('auction'), date_format('dateTime', 'yyyy-MM-dd').alias('day'))
        .agg(
          count(lit(1)).alias('total_bids'),
          count(when(col('price').lt(10_000), 1)).alias('rank1_bids'),
          count(when(col('price').geq(10_000).and(col('price').lt(1_000_000)), 1)).alias(
            'rank2_bids',
          ),
          count(when(col('price').geq(1_000_000), 1)).alias('rank3_bids'),
          min('price').alias('min_price'),
          max('price').alias('max_price'),
          expr('sum(price) div count(1)').alias('avg_price'),
          sum('price').alias('sum_price'),
        ),
  },
}
