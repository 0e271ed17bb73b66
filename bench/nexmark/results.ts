import {
  type DataType,
  longType,
  type Schema,
  stringType,
  timestampType,
} from '../../src/batch/schema.ts'
import { type TableName, tableSchemas } from './schema.ts'

/** The queries that are measured, by their numbers in Nexmark. */
export const queryNames = [
  'q0',
  'q1',
  'q2',
  'q3',
  'q4',
  'q5',
  'q7',
  'q8',
  'q9',
  'q11',
  'q12',
  'q15',
  'q16',
  'q17',
  'q18',
  'q19',
  'q20',
  'q23',
] as const

export type QueryName = (typeof queryNames)[number]

/** The name of a query from the command line, or nothing. */
export function queryNamed(text: string | undefined): QueryName | undefined {
  return queryNames.find((name) => name === text)
}

const field = (name: string, type: DataType) => ({ name, type, nullable: true })
const long = (name: string) => field(name, longType)
const time = (name: string) => field(name, timestampType)
const text = (name: string) => field(name, stringType)

/** q1's exact product of a price and 0.908. */
export const priceInEuro = { kind: 'decimal', precision: 23, scale: 3 } as const satisfies DataType

/** Price bands of q15 to q17; in q15 and q16 a column for each, and one for all. */
export const bands = ['total', 'rank1', 'rank2', 'rank3'] as const

/** q15's and q16's counts, each in all and per band of prices. */
const bandCounts = ['bids', 'bidders', 'auctions'].flatMap((what) =>
  bands.map((band) => long(`${band}_${what}`)),
)

/** The columns of a table as they are called in a row that holds several: `bid_price`. */
function prefixed(table: TableName): Schema {
  return tableSchemas[table].map(({ name, type }) => field(`${table}_${name}`, type))
}

/** The columns of each query's result: what the programs, the engine and the oracle all give. */
export const resultSchemas: Readonly<Record<QueryName, Schema>> = {
  q0: [long('auction'), long('bidder'), long('price'), time('dateTime'), text('extra')],
  q1: [
    long('auction'),
    long('bidder'),
    field('price', priceInEuro),
    time('dateTime'),
    text('extra'),
  ],
  q2: [long('auction'), long('price')],
  q3: [text('name'), text('city'), text('state'), long('id')],
  q4: [long('category'), long('average')],
  q5: [long('auction'), long('num')],
  q7: [long('auction'), long('bidder'), long('price'), time('dateTime'), text('extra')],
  q8: [long('id'), text('name'), time('starttime')],
  q9: [...prefixed('auction'), ...prefixed('bid')],
  q11: [long('bidder'), long('bid_count'), time('starttime'), time('endtime')],
  q12: [long('bidder'), long('bid_count'), time('starttime'), time('endtime')],
  q15: [text('day'), ...bandCounts],
  q16: [text('channel'), text('day'), text('minute'), ...bandCounts],
  q17: [
    long('auction'),
    text('day'),
    long('total_bids'),
    long('rank1_bids'),
    long('rank2_bids'),
    long('rank3_bids'),
    long('min_price'),
    long('max_price'),
    long('avg_price'),
    long('sum_price'),
  ],
  q18: tableSchemas.bid,
  q19: [...tableSchemas.bid, long('rank')],
  q20: [...prefixed('bid'), ...prefixed('auction')],
  q23: [...prefixed('bid'), ...prefixed('person'), ...prefixed('auction')],
}

/** The key columns of the queries in update mode: the last row of a key is the result. */
export const updateKeys: Readonly<Partial<Record<QueryName, readonly string[]>>> = {
  q4: ['category'],
  q9: ['auction_id'],
  q15: ['day'],
  q16: ['channel', 'day'],
  q17: ['auction', 'day'],
  q18: ['bidder', 'auction'],
  q19: ['auction', 'rank'],
}
