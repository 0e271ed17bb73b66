import { statSync } from 'node:fs'
import { join } from 'node:path'
import { type DataType, typeText } from '../../src/batch/schema.ts'
import type { QueryName } from './results.ts'
import { type TableName, tableNames, tableSchemas } from './schema.ts'

/** One table of a file, or of the files of a folder, as a query for DuckDB; times are UTC. */
export function tableSql(name: TableName, eventsPath: string): string {
  const path = statSync(eventsPath).isDirectory() ? join(eventsPath, '*.jsonl') : eventsPath
  const fields = tableSchemas[name].map((field) => `"${field.name}" ${sqlType(field.type)}`)
  return `select unnest(${name}) from read_json('${path.replaceAll("'", "''")}',
      format = 'newline_delimited',
      columns = { event_type: 'int', ${name}: 'struct(${fields.join(', ')})' })
    where event_type = ${tableNames.indexOf(name)}`
}

/** The type of DuckDB for a type of ours. */
export function sqlType(type: DataType): string {
  return type.kind === 'string' ? 'varchar' : typeText(type)
}

/** All columns of a table, under the names that they have in a row that holds several. */
function prefixed(table: TableName): string {
  return tableSchemas[table].map(({ name }) => `${table}."${name}" ${table}_${name}`).join(', ')
}

/** q15's and q16's columns. */
const bandCounts = ['count(*)', 'count(distinct bidder)', 'count(distinct auction)']
  .flatMap((call, index) => {
    const what = ['bids', 'bidders', 'auctions'][index]
    return [
      `${call} total_${what}`,
      `${call} filter (where price < 10000) rank1_${what}`,
      `${call} filter (where price >= 10000 and price < 1000000) rank2_${what}`,
      `${call} filter (where price >= 1000000) rank3_${what}`,
    ]
  })
  .join(', ')

/** A bid on an auction that is open. */
const inTime = `bid.auction = auction.id
    and bid.dateTime between auction.dateTime and auction.expires`

/**
 * Each query as batch SQL for DuckDB over the tables `person`, `auction` and `bid`, columns as in
 * `results.ts`.
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
  q3: `select person.name, city, state, auction.id
    from auction join person on auction.seller = person.id
    where category = 10 and state in ('OR', 'ID', 'CA')`,
  q4: `select category, sum(final) // count(*) average from (
      select max(bid.price) final, category from auction join bid on ${inTime}
      group by auction.id, category)
    group by category`,
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
  q8: `select people.id, people.name, people.starttime
    from (select distinct id, name, time_bucket(interval 10 second, dateTime) starttime
      from person) people
    join (select distinct seller, time_bucket(interval 10 second, dateTime) starttime
      from auction) sellers
    on people.id = sellers.seller and people.starttime = sellers.starttime`,
  q9: `select ${prefixed('auction')}, ${prefixed('bid')} from auction join bid on ${inTime}
    qualify row_number() over (
      partition by auction.id order by bid.price desc, bid.dateTime, bid.seq) = 1`,
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
  q15: `select strftime(dateTime, '%Y-%m-%d') "day", ${bandCounts} from bid group by 1`,
  q16: `select channel, strftime(dateTime, '%Y-%m-%d') "day",
      max(strftime(dateTime, '%H:%M')) "minute", ${bandCounts}
    from bid group by 1, 2`,
  q17: `select auction, strftime(dateTime, '%Y-%m-%d') "day", count(*) total_bids,
      count(*) filter (where price < 10000) rank1_bids,
      count(*) filter (where price >= 10000 and price < 1000000) rank2_bids,
      count(*) filter (where price >= 1000000) rank3_bids,
      min(price) min_price, max(price) max_price, sum(price) // count(*) avg_price,
      sum(price) sum_price
    from bid group by 1, 2`,
  q18: `select * from bid
    qualify row_number() over (partition by bidder, auction order by dateTime desc, seq desc) = 1`,
  q19: `select *, row_number() over (partition by auction order by price desc, seq) "rank" from bid
    qualify "rank" <= 10`,
  q20: `select ${prefixed('bid')}, ${prefixed('auction')}
    from bid join auction on bid.auction = auction.id where auction.category = 10`,
  q23: `select ${prefixed('bid')}, ${prefixed('person')}, ${prefixed('auction')}
    from bid join person on person.id = bid.bidder join auction on auction.seller = bid.bidder`,
}
