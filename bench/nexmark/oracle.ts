import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { QueryName } from './results.ts'

/** The bids of a file, or of the files of a folder, as a query for DuckDB; times are UTC. */
export function bidSql(eventsPath: string): string {
  const path = statSync(eventsPath).isDirectory() ? join(eventsPath, '*.jsonl') : eventsPath
  return `select bid.auction, bid.bidder, bid.price, bid.channel, bid.url, bid.dateTime, bid.extra
    from read_json('${path.replaceAll("'", "''")}', format = 'newline_delimited', columns = {
      event_type: 'int', bid: 'struct(auction bigint, bidder bigint, price bigint, channel varchar,
        url varchar, dateTime timestamp, extra varchar)'})
    where event_type = 2`
}

/**
 * Each query as batch SQL for DuckDB over a table `bid`, columns as in `results.ts`.
 *
 * Windows are half open, as everywhere in this project: a bid at exactly the end of a window belongs
 * to the next one only. Nexmark's own q7 compares with BETWEEN, which is closed at both ends, so a
 * bid at a boundary can come out twice there. Sessions that touch are one (q11): it takes a break of
 * more than 10 s to split them.
 */
export const oracleSql: Readonly<Record<QueryName, string>> = {
  q0: 'select auction, bidder, price, dateTime, extra from bid',
  q1: `select auction, bidder, cast(0.908::decimal(3,3) * price as decimal(23,3)) price, dateTime, extra
    from bid`,
  q2: 'select auction, price from bid where auction % 123 = 0',
  q5: `with counts as materialized (
      select auction, starttime, count(*) num from (
        select auction, unnest([t, t - interval 2 second, t - interval 4 second,
          t - interval 6 second, t - interval 8 second]) starttime
        from (select auction, time_bucket(interval 2 second, dateTime) t from bid))
      group by auction, starttime),
    highest as (select starttime, max(num) most from counts group by starttime)
    select auction, num from counts join highest using (starttime) where num = most`,
  q7: `with bids as (select *, time_bucket(interval 10 second, dateTime) starttime from bid),
    highest as (select starttime, max(price) most from bids group by starttime)
    select auction, bidder, price, dateTime, extra from bids join highest using (starttime)
    where price = most`,
  q11: `select bidder, count(*) bid_count, min(dateTime) starttime,
      max(dateTime) + interval 10 second endtime
    from (
      select *, sum(opens) over (partition by bidder order by dateTime rows unbounded preceding) number
      from (
        select bidder, dateTime, case when dateTime - lag(dateTime)
          over (partition by bidder order by dateTime) > interval 10 second then 1 else 0 end opens
        from bid))
    group by bidder, number`,
  q12: `select bidder, count(*) bid_count, starttime, starttime + interval 10 second endtime
    from (select bidder, time_bucket(interval 10 second, dateTime) starttime from bid)
    group by bidder, starttime`,
  q17: `select auction, strftime(dateTime, '%Y-%m-%d') "day", count(*) total_bids,
      count(*) filter (where price < 10000) rank1_bids,
      count(*) filter (where price >= 10000 and price < 1000000) rank2_bids,
      count(*) filter (where price >= 1000000) rank3_bids,
      min(price) min_price, max(price) max_price, sum(price) // count(*) avg_price,
      sum(price) sum_price
    from bid group by 1, 2`,
}
