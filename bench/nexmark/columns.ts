import type { Batch, BytesColumn, Column } from '../../src/batch/batch.ts'
import type { Schema } from '../../src/batch/schema.ts'
import { type NexmarkEvent, type NexmarkOptions, nexmarkGenerator } from './generator.ts'
import { auctionSchema, bidSchema, personSchema } from './schema.ts'
import type { Text } from './text.ts'

/** Column batches of one table, and how many of them there are at the end of each part. */
export interface NexmarkTable {
  readonly batches: readonly Batch[]
  readonly ends: readonly number[]
}

/** The three tables of one stream as column batches, in event order. */
export interface NexmarkTables {
  readonly person: NexmarkTable
  readonly auction: NexmarkTable
  readonly bid: NexmarkTable
}

/**
 * The first `events` events, flattened, in batches of `batchRows` rows. With `partEvents` a batch ends
 * where a part of so many events does, so that the tables can be read side by side.
 */
export function columnTables(
  events: number,
  options: NexmarkOptions & { readonly batchRows?: number; readonly partEvents?: number },
): NexmarkTables {
  const batchRows = options.batchRows ?? 4096
  const generator = nexmarkGenerator(options)
  const person = table(personSchema, batchRows, addPerson)
  const auction = table(auctionSchema, batchRows, addAuction)
  const bid = table(bidSchema, batchRows, addBid)
  const byKind = [person, auction, bid]
  for (let made = 0; made < events; made++) {
    const event = generator.next()
    byKind[event.kind]?.add(event)
    if ((made + 1) % (options.partEvents ?? events) !== 0) continue
    for (const each of byKind) each.endPart()
  }
  return { person: person.finish(), auction: auction.finish(), bid: bid.finish() }
}

interface Table {
  add(event: NexmarkEvent): void
  endPart(): void
  finish(): NexmarkTable
}

type AddRow = (row: RowWriter, event: NexmarkEvent) => void

function table(schema: Schema, batchRows: number, addRow: AddRow): Table {
  const batches: Batch[] = []
  const ends: number[] = []
  let row = rowWriter(schema, batchRows)
  const seal = (): void => {
    if (row.rowCount === 0) return
    batches.push({ schema, rowCount: row.rowCount, columns: row.columns() })
    row = rowWriter(schema, batchRows)
  }
  return {
    add(event) {
      addRow(row, event)
      row.rowCount++
      if (row.rowCount === batchRows) seal()
    },
    endPart() {
      seal()
      ends.push(batches.length)
    },
    finish() {
      seal()
      return { batches, ends }
    },
  }
}

function addBid(row: RowWriter, { bid, timeMs, extra }: NexmarkEvent): void {
  row.number(0, bid.auction)
  row.number(1, bid.bidder)
  row.number(2, bid.price)
  row.text(3, bid.channel)
  row.text(4, bid.url)
  row.number(5, timeMs * 1000)
  row.text(6, extra)
  row.number(7, bid.seq)
}

function addAuction(row: RowWriter, { id, auction, timeMs, extra }: NexmarkEvent): void {
  row.number(0, id)
  row.text(1, auction.itemName)
  row.text(2, auction.description)
  row.number(3, auction.initialBid)
  row.number(4, auction.reserve)
  row.number(5, timeMs * 1000)
  row.number(6, auction.expiresMs * 1000)
  row.number(7, auction.seller)
  row.number(8, auction.category)
  row.text(9, extra)
}

function addPerson(row: RowWriter, { id, person, timeMs, extra }: NexmarkEvent): void {
  row.number(0, id)
  row.text(1, person.name)
  row.text(2, person.email)
  row.text(3, person.card)
  row.text(4, person.city)
  row.text(5, person.state)
  row.number(6, timeMs * 1000)
  row.text(7, extra)
}

interface RowWriter {
  rowCount: number
  number(column: number, value: number): void
  text(column: number, value: Text): void
  columns(): readonly Column[]
}

function rowWriter(schema: Schema, capacity: number): RowWriter {
  const numbers = schema.map(({ type }) => new Float64Array(type.kind === 'string' ? 0 : capacity))
  const texts = schema.map(({ type }) => textColumn(type.kind === 'string' ? capacity : 0))
  const writer: RowWriter = {
    rowCount: 0,
    number(column, value) {
      const values = numbers[column]
      if (values !== undefined) values[writer.rowCount] = value
    },
    text(column, value) {
      texts[column]?.add(writer.rowCount, value)
    },
    columns: () =>
      schema.map(({ type }, index) => {
        const text = texts[index]
        if (type.kind === 'string' && text !== undefined) return text.column(writer.rowCount)
        const values = numbers[index] ?? new Float64Array(0)
        return { layout: 'f64', values: values.slice(0, writer.rowCount) }
      }),
  }
  return writer
}

interface TextColumn {
  add(row: number, text: Text): void
  column(rowCount: number): BytesColumn
}

function textColumn(capacity: number): TextColumn {
  const offsets = new Int32Array(capacity + 1)
  let data = new Uint8Array(capacity * 16)
  let end = 0
  return {
    add(row, { bytes, start, end: textEnd }) {
      const length = textEnd - start
      if (end + length > data.length) {
        const larger = new Uint8Array(2 * data.length + length)
        larger.set(data)
        data = larger
      }
      for (let from = start; from < textEnd; from++) data[end++] = bytes[from] as number
      offsets[row + 1] = end
    },
    column: (rowCount) => ({
      layout: 'bytes',
      offsets: offsets.slice(0, rowCount + 1),
      data: data.slice(0, end),
    }),
  }
}
