import { longType, type Schema, stringType, timestampType } from '../../src/batch/schema.ts'

const long = (name: string) => ({ name, type: longType, nullable: true })
const text = (name: string) => ({ name, type: stringType, nullable: true })
const time = (name: string) => ({ name, type: timestampType, nullable: true })

/** People who register; 2 % of the events. */
export const personSchema: Schema = [
  long('id'),
  text('name'),
  text('emailAddress'),
  text('creditCard'),
  text('city'),
  text('state'),
  time('dateTime'),
  text('extra'),
]

/** Items put up for sale; 6 % of the events. */
export const auctionSchema: Schema = [
  long('id'),
  text('itemName'),
  text('description'),
  long('initialBid'),
  long('reserve'),
  time('dateTime'),
  time('expires'),
  long('seller'),
  long('category'),
  text('extra'),
]

/** Bids on auctions; 92 % of the events. `seq` is not Nexmark's: it breaks ties where bids are ranked. */
export const bidSchema: Schema = [
  long('auction'),
  long('bidder'),
  long('price'),
  text('channel'),
  text('url'),
  time('dateTime'),
  text('extra'),
  long('seq'),
]

/** The one physical table, as DDL for a reader: one event a line, two of the three structs null. */
export const eventDdl =
  'event_type INT, ' +
  'person STRUCT<id: BIGINT, name: STRING, emailAddress: STRING, creditCard: STRING, city: STRING, state: STRING, dateTime: TIMESTAMP, extra: STRING>, ' +
  'auction STRUCT<id: BIGINT, itemName: STRING, description: STRING, initialBid: BIGINT, reserve: BIGINT, dateTime: TIMESTAMP, expires: TIMESTAMP, seller: BIGINT, category: BIGINT, extra: STRING>, ' +
  'bid STRUCT<auction: BIGINT, bidder: BIGINT, price: BIGINT, channel: STRING, url: STRING, dateTime: TIMESTAMP, extra: STRING, seq: BIGINT>'

/** The tables of a stream, in the order of their event types. */
export const tableNames = ['person', 'auction', 'bid'] as const

export type TableName = (typeof tableNames)[number]

export const tableSchemas: Readonly<Record<TableName, Schema>> = {
  person: personSchema,
  auction: auctionSchema,
  bid: bidSchema,
}
