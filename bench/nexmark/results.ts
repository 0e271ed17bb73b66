import {
  type DataType,
  longType,
  type Schema,
  stringType,
  timestampType,
} from '../../src/batch/schema.ts'

/** The queries that are measured, by their numbers in Nexmark. */
export const queryNames = ['q0', 'q1', 'q2', 'q5', 'q7', 'q11', 'q12', 'q17'] as const

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
  q5: [long('auction'), long('num')],
  q7: [long('auction'), long('bidder'), long('price'), time('dateTime'), text('extra')],
  q11: [long('bidder'), long('bid_count'), time('starttime'), time('endtime')],
  q12: [long('bidder'), long('bid_count'), time('starttime'), time('endtime')],
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
}

/** The key columns of the queries in update mode: the last row of a key is the result. */
export const updateKeys: Readonly<Partial<Record<QueryName, readonly string[]>>> = {
  q17: ['auction', 'day'],
}
