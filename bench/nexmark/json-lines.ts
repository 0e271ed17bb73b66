import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import {
  type NexmarkEvent,
  type NexmarkGenerator,
  type NexmarkOptions,
  nexmarkGenerator,
} from './generator.ts'
import type { Text } from './text.ts'

const flushBytes = 1 << 20
/** No event is longer, so a line that starts before `flushBytes` fits. */
const lineBytesMax = 8192

const encoder = new TextEncoder()
const ascii = (text: string): Uint8Array => encoder.encode(text)

const openPerson = ascii('{"event_type":0,"person":{"id":')
const openAuction = ascii('{"event_type":1,"person":null,"auction":{"id":')
const openBid = ascii('{"event_type":2,"person":null,"auction":null,"bid":{"auction":')
const closePerson = ascii('"},"auction":null,"bid":null}\n')
const closeAuction = ascii('"},"bid":null}\n')
const closeBid = ascii('}}\n')
const seqKey = ascii('","seq":')
const nameKey = ascii(',"name":"')
const emailKey = ascii('","emailAddress":"')
const cardKey = ascii('","creditCard":"')
const cityKey = ascii('","city":"')
const stateKey = ascii('","state":"')
const itemKey = ascii(',"itemName":"')
const descriptionKey = ascii('","description":"')
const initialBidKey = ascii('","initialBid":')
const reserveKey = ascii(',"reserve":')
const timeKey = ascii(',"dateTime":"')
const timeKeyAfterText = ascii('","dateTime":"')
const expiresKey = ascii('","expires":"')
const sellerKey = ascii('","seller":')
const categoryKey = ascii(',"category":')
const bidderKey = ascii(',"bidder":')
const priceKey = ascii(',"price":')
const channelKey = ascii(',"channel":"')
const urlKey = ascii('","url":"')
const extraKey = ascii('","extra":"')
const extraKeyAfterNumber = ascii(',"extra":"')

export interface WrittenFile {
  readonly events: number
  readonly bytes: number
}

/**
 * Writes the first `events` events as JSON lines, nested as Flink's Nexmark writes them: `event_type`
 * and three objects, two of them null; times as `yyyy-MM-dd HH:mm:ss.SSS` in UTC.
 */
export function writeJsonLines(path: string, events: number, options: NexmarkOptions): WrittenFile {
  return writeFile(path, events, nexmarkGenerator(options))
}

/**
 * Writes the same lines into `files` files of a folder, in order of their names and of time, so that a
 * file source has a row range to cut epochs at.
 */
export function writeJsonLinesFolder(
  folder: string,
  size: { readonly events: number; readonly files: number },
  options: NexmarkOptions,
): WrittenFile {
  const generator = nexmarkGenerator(options)
  mkdirSync(folder, { recursive: true })
  let bytes = 0
  let events = 0
  for (let index = 0; index < size.files; index++) {
    const name = `events-${String(index).padStart(4, '0')}.jsonl`
    const upTo = Math.floor((size.events * (index + 1)) / size.files)
    const written = writeFile(join(folder, name), upTo - events, generator)
    bytes += written.bytes
    events = upTo
  }
  return { events, bytes }
}

function writeFile(path: string, events: number, generator: NexmarkGenerator): WrittenFile {
  const line = lineWriter(flushBytes + lineBytesMax)
  const file = openSync(path, 'w')
  let bytes = 0
  const flush = (): void => {
    for (let done = 0; done < line.end; ) {
      done += writeSync(file, line.bytes, done, line.end - done)
    }
    bytes += line.end
    line.end = 0
  }
  try {
    for (let written = 0; written < events; written++) {
      writeEvent(line, generator.next())
      if (line.end >= flushBytes) flush()
    }
    flush()
  } finally {
    closeSync(file)
  }
  return { events, bytes }
}

interface LineWriter {
  readonly bytes: Uint8Array
  end: number
  /** `yyyy-MM-dd HH:mm:ss.` of `second`, which most events share with the one before. */
  readonly prefix: Uint8Array
  second: number
}

function lineWriter(capacity: number): LineWriter {
  return { bytes: new Uint8Array(capacity), end: 0, prefix: new Uint8Array(20), second: -1 }
}

function writeEvent(line: LineWriter, event: NexmarkEvent): void {
  if (event.kind === 2) writeBid(line, event)
  else if (event.kind === 1) writeAuction(line, event)
  else writePerson(line, event)
}

function writeBid(line: LineWriter, { bid, timeMs, extra }: NexmarkEvent): void {
  put(line, openBid)
  putNumber(line, bid.auction)
  put(line, bidderKey)
  putNumber(line, bid.bidder)
  put(line, priceKey)
  putNumber(line, bid.price)
  put(line, channelKey)
  putText(line, bid.channel)
  put(line, urlKey)
  putText(line, bid.url)
  put(line, timeKeyAfterText)
  putTime(line, timeMs)
  put(line, extraKey)
  putText(line, extra)
  put(line, seqKey)
  putNumber(line, bid.seq)
  put(line, closeBid)
}

function writeAuction(line: LineWriter, { id, auction, timeMs, extra }: NexmarkEvent): void {
  put(line, openAuction)
  putNumber(line, id)
  put(line, itemKey)
  putText(line, auction.itemName)
  put(line, descriptionKey)
  putText(line, auction.description)
  put(line, initialBidKey)
  putNumber(line, auction.initialBid)
  put(line, reserveKey)
  putNumber(line, auction.reserve)
  put(line, timeKey)
  putTime(line, timeMs)
  put(line, expiresKey)
  putTime(line, auction.expiresMs)
  put(line, sellerKey)
  putNumber(line, auction.seller)
  put(line, categoryKey)
  putNumber(line, auction.category)
  put(line, extraKeyAfterNumber)
  putText(line, extra)
  put(line, closeAuction)
}

function writePerson(line: LineWriter, { id, person, timeMs, extra }: NexmarkEvent): void {
  put(line, openPerson)
  putNumber(line, id)
  put(line, nameKey)
  putText(line, person.name)
  put(line, emailKey)
  putText(line, person.email)
  put(line, cardKey)
  putText(line, person.card)
  put(line, cityKey)
  putText(line, person.city)
  put(line, stateKey)
  putText(line, person.state)
  put(line, timeKeyAfterText)
  putTime(line, timeMs)
  put(line, extraKey)
  putText(line, extra)
  put(line, closePerson)
}

/** Short copies: a loop is faster than `set` over a `subarray`. */
function putBytes(line: LineWriter, source: Uint8Array, start: number, end: number): void {
  const { bytes } = line
  let to = line.end
  for (let from = start; from < end; from++) bytes[to++] = source[from] as number
  line.end = to
}

function put(line: LineWriter, source: Uint8Array): void {
  putBytes(line, source, 0, source.length)
}

function putText(line: LineWriter, text: Text): void {
  putBytes(line, text.bytes, text.start, text.end)
}

/** Digits of a whole number that is not negative. */
function putNumber(line: LineWriter, value: number): void {
  let digits = 1
  for (let bound = 10; bound <= value; bound *= 10) digits++
  let rest = value
  for (let place = line.end + digits - 1; place >= line.end; place--) {
    const next = Math.floor(rest / 10)
    line.bytes[place] = 48 + rest - next * 10
    rest = next
  }
  line.end += digits
}

function putTime(line: LineWriter, timeMs: number): void {
  const second = Math.floor(timeMs / 1000)
  if (second !== line.second) {
    line.second = second
    line.prefix.set(ascii(new Date(second * 1000).toISOString().slice(0, 20).replace('T', ' ')))
  }
  put(line, line.prefix)
  const millis = timeMs - second * 1000
  const { bytes, end } = line
  bytes[end] = 48 + Math.floor(millis / 100)
  bytes[end + 1] = 48 + (Math.floor(millis / 10) % 10)
  bytes[end + 2] = 48 + (millis % 10)
  line.end = end + 3
}
