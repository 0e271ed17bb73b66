import type { Column } from '../../src/dataframe/column.ts'
import type { DataFrame, OutputMode } from '../../src/dataframe/data-frame.ts'
import {
  col,
  count,
  count_distinct,
  date_format,
  desc,
  explode,
  expr,
  lit,
  max,
  min,
  row_number,
  rows_with_max,
  session_window,
  struct,
  sum,
  Window,
  when,
  window,
} from '../../src/functions.ts'
import { CategoryAverages, categoryAverage, finalPrice } from './category-averages.ts'
import { bands, type QueryName } from './results.ts'
import { type TableName, tableNames, tableSchemas } from './schema.ts'

/** The tables of a stream as frames. */
export type NexmarkFrames = Readonly<Record<TableName, DataFrame>>

/** A query as a user writes it, over the flat tables. */
export interface NexmarkQuery {
  readonly outputMode: OutputMode
  over(tables: NexmarkFrames): DataFrame
}

/** One table of the nested events of a file. */
export function tableOf(events: DataFrame, name: TableName): DataFrame {
  return events.where(col('event_type').eq(tableNames.indexOf(name))).select(`${name}.*`)
}

const delay = '4 seconds'
const windowSize = '10 seconds'

/** The measured queries; names and order of the columns as in `results.ts`. */
export const queries: Readonly<Record<QueryName, NexmarkQuery>> = {
  q0: {
    outputMode: 'append',
    over: ({ bid }) => bid.select('auction', 'bidder', 'price', 'dateTime', 'extra'),
  },
  q1: {
    outputMode: 'append',
    over: ({ bid }) =>
      bid.select(
        'auction',
        'bidder',
        expr('price * 0.908').cast('decimal(23,3)').alias('price'),
        'dateTime',
        'extra',
      ),
  },
  q2: {
    outputMode: 'append',
    over: ({ bid }) => bid.where(col('auction').mod(123).eq(0)).select('auction', 'price'),
  },
  q3: {
    outputMode: 'append',
    over: ({ auction, person }) =>
      auction
        .where(col('category').eq(10))
        .select('id', 'seller')
        .join(
          person
            .where(col('state').isin('OR', 'ID', 'CA'))
            .select(col('id').alias('person'), 'name', 'city', 'state'),
          col('seller').eq(col('person')),
        )
        .select('name', 'city', 'state', 'id'),
  },
  // A change of a group cannot be taken out of a second aggregation: that one is custom state.
  q4: {
    outputMode: 'update',
    over: (tables) =>
      bidsInTime(tables)
        .select(
          col('auction_category').alias('category'),
          col('auction_id').alias('auction'),
          col('bid_price').alias('price'),
        )
        .as(finalPrice)
        .groupByKey('category')
        .transformWithState(() => new CategoryAverages(), {
          output: categoryAverage,
          timeMode: 'none',
          outputMode: 'update',
        })
        .toDF(),
  },
  q5: {
    outputMode: 'append',
    over: ({ bid }) =>
      bid
        .withWatermark('dateTime', delay)
        .groupBy(col('auction'), window('dateTime', windowSize, '2 seconds'))
        .agg(count(lit(1)).alias('num'))
        .groupBy('window')
        .agg(rows_with_max(struct('auction', 'num'), col('num')).alias('hottest'))
        .select(explode('hottest').alias('hottest'))
        .select('hottest.auction', 'hottest.num'),
  },
  q7: {
    outputMode: 'append',
    over: ({ bid }) =>
      bid
        .withWatermark('dateTime', delay)
        .groupBy(window('dateTime', windowSize))
        .agg(
          rows_with_max(
            struct('auction', 'bidder', 'price', 'dateTime', 'extra'),
            col('price'),
          ).alias('highest'),
        )
        .select(explode('highest').alias('highest'))
        .select('highest.*'),
  },
  q8: {
    outputMode: 'append',
    over: ({ person, auction }) =>
      person
        .withWatermark('dateTime', delay)
        .select('id', 'name', window('dateTime', windowSize).alias('registered'))
        .dropDuplicates(['id', 'name', 'registered'])
        .join(
          auction
            .withWatermark('dateTime', delay)
            .select('seller', window('dateTime', windowSize).alias('sells'))
            .dropDuplicates(['seller', 'sells']),
          col('id')
            .eq(col('seller'))
            .and(col('registered').eq(col('sells'))),
        )
        .select('id', 'name', col('registered.start').alias('starttime')),
  },
  q9: {
    outputMode: 'update',
    over: (tables) =>
      bidsInTime(tables)
        .withColumn(
          'rank',
          row_number().over(
            Window.partitionBy('auction_id').orderBy(desc('bid_price'), 'bid_dateTime', 'bid_seq'),
          ),
        )
        .where('rank = 1')
        .drop('rank'),
  },
  q11: {
    outputMode: 'append',
    over: ({ bid }) =>
      bid
        .withWatermark('dateTime', delay)
        .groupBy(col('bidder'), session_window('dateTime', windowSize))
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
    over: ({ bid }) =>
      bid
        .withWatermark('dateTime', delay)
        .groupBy(col('bidder'), window('dateTime', windowSize))
        .agg(count(lit(1)).alias('bid_count'))
        .select(
          'bidder',
          'bid_count',
          col('window.start').alias('starttime'),
          col('window.end').alias('endtime'),
        ),
  },
  q15: {
    outputMode: 'update',
    over: ({ bid }) => {
      const [first, ...others] = bandCounts()
      return bid.groupBy(date_format('dateTime', 'yyyy-MM-dd').alias('day')).agg(first, ...others)
    },
  },
  q16: {
    outputMode: 'update',
    over: ({ bid }) =>
      bid
        .groupBy(col('channel'), date_format('dateTime', 'yyyy-MM-dd').alias('day'))
        .agg(max(date_format('dateTime', 'HH:mm')).alias('minute'), ...bandCounts()),
  },
  q17: {
    outputMode: 'update',
    over: ({ bid }) =>
      bid
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
  q18: {
    outputMode: 'update',
    over: ({ bid }) =>
      bid
        .withColumn(
          'rank',
          row_number().over(
            Window.partitionBy('bidder', 'auction').orderBy(desc('dateTime'), desc('seq')),
          ),
        )
        .where('rank = 1')
        .drop('rank'),
  },
  q19: {
    outputMode: 'update',
    over: ({ bid }) =>
      bid
        .withColumn(
          'rank',
          row_number().over(Window.partitionBy('auction').orderBy(desc('price'), 'seq')),
        )
        .where('rank <= 10')
        .withColumn('rank', col('rank').cast('bigint')),
  },
  q20: {
    outputMode: 'append',
    over: ({ bid, auction }) =>
      prefixed(bid, 'bid').join(
        prefixed(auction, 'auction').where(col('auction_category').eq(10)),
        col('bid_auction').eq(col('auction_id')),
      ),
  },
  q23: {
    outputMode: 'append',
    over: ({ bid, person, auction }) =>
      prefixed(bid, 'bid')
        .join(prefixed(person, 'person'), col('person_id').eq(col('bid_bidder')))
        .join(prefixed(auction, 'auction'), col('auction_seller').eq(col('bid_bidder'))),
  },
}

/** Every bid in the lifetime of its auction, with all columns of both. */
function bidsInTime({ bid, auction }: NexmarkFrames): DataFrame {
  return prefixed(auction.withWatermark('dateTime', delay), 'auction').join(
    prefixed(bid.withWatermark('dateTime', delay), 'bid'),
    col('auction_id')
      .eq(col('bid_auction'))
      .and(col('bid_dateTime').geq(col('auction_dateTime')))
      .and(col('bid_dateTime').leq(col('auction_expires'))),
  )
}

function prefixed(frame: DataFrame, table: TableName): DataFrame {
  return frame.select(...tableSchemas[table].map(({ name }) => col(name).alias(`${table}_${name}`)))
}

/** Bids, distinct bidders and distinct auctions, in all and by band of the price. */
function bandCounts(): [Column, ...Column[]] {
  const price = col('price')
  const inBand = {
    total: lit(true),
    rank1: price.lt(10_000),
    rank2: price.geq(10_000).and(price.lt(1_000_000)),
    rank3: price.geq(1_000_000),
  }
  const [first, ...others] = bands.map((band) => count(when(inBand[band], 1)).alias(`${band}_bids`))
  const distinct = ['bidder', 'auction'].flatMap((what) =>
    bands.map((band) => count_distinct(when(inBand[band], col(what))).alias(`${band}_${what}s`)),
  )
  return [first ?? count(lit(1)), ...others, ...distinct]
}
