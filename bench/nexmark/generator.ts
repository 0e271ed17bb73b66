import { type Random, seededRandom } from '../../src/core/random.ts'
import {
  below,
  bidAuction,
  bidder,
  type EventKind,
  eventsPerFlight,
  kindOf,
  newestAuction,
  newestPerson,
  seller,
} from './ids.ts'
import {
  fillLetters,
  fillPadding,
  fillWords,
  fixedText,
  lengthOf,
  stringOf,
  type Text,
  textBuffer,
} from './text.ts'

/** Nexmark's stream: the same options give the same bytes. */
export interface NexmarkOptions {
  readonly seed: number
  /** Events per second of event time. */
  readonly ratePerSecond?: number
  /** Adds the first person id to a bid's bidder twice, as the reference suite does. */
  readonly bugCompatible?: boolean
}

/** Milliseconds of the first event: 2020-01-01T00:00:00Z. */
export const baseTimeMs = 1_577_836_800_000

/** The first event id; 0 would be a person, so the stream opens with auctions. */
export const firstEventId = 2

/**
 * The current event. One object is written again and again: read what you need before the next
 * `next()`. Only the members of its `kind` (0 person, 1 auction, 2 bid) are meaningful.
 */
export interface NexmarkEvent {
  kind: EventKind
  timeMs: number
  id: number
  readonly person: { name: Text; email: Text; card: Text; city: Text; state: Text }
  readonly auction: {
    itemName: Text
    description: Text
    initialBid: number
    reserve: number
    expiresMs: number
    seller: number
    category: number
  }
  readonly bid: {
    auction: number
    bidder: number
    price: number
    channel: Text
    url: Text
    /** The number of the event in the stream: no two bids have the same, whatever else is equal. */
    seq: number
  }
  extra: Text
}

/** An endless stream of events. */
export interface NexmarkGenerator {
  next(): NexmarkEvent
}

/** Starts the stream at its first event. */
export function nexmarkGenerator(options: NexmarkOptions): NexmarkGenerator {
  const random = seededRandom(options.seed)
  const ratePerSecond = options.ratePerSecond ?? 10_000
  const bidderOffset = options.bugCompatible === true ? 1000 : 0
  const channels = channelTable(random)
  const event = blankEvent()
  const timeOf = (index: number): number => baseTimeMs + Math.floor((index * 1000) / ratePerSecond)
  let index = 0
  return {
    next() {
      const eventId = firstEventId + index
      event.kind = kindOf(eventId)
      event.timeMs = timeOf(index)
      if (event.kind === 0) {
        writePerson(event, eventId, random)
      } else if (event.kind === 1) {
        const horizonMs = timeOf(index + eventsPerFlight()) - event.timeMs
        writeAuction(event, eventId, horizonMs, random)
      } else {
        writeBid(event, eventId, channels, random)
        event.bid.bidder += bidderOffset
        event.bid.seq = index
      }
      index++
      return event
    },
  }
}

function blankEvent(): NexmarkEvent {
  const nothing = fixedText('')
  return {
    kind: 2,
    timeMs: 0,
    id: 0,
    person: {
      name: nothing,
      email: textBuffer(32),
      card: textBuffer(32),
      city: nothing,
      state: nothing,
    },
    auction: {
      itemName: textBuffer(32),
      description: textBuffer(128),
      initialBid: 0,
      reserve: 0,
      expiresMs: 0,
      seller: 0,
      category: 0,
    },
    bid: { auction: 0, bidder: 0, price: 0, channel: nothing, url: nothing, seq: 0 },
    extra: textBuffer(1024),
  }
}

function writeBid(
  event: NexmarkEvent,
  eventId: number,
  channels: ChannelTable,
  random: Random,
): void {
  const { bid } = event
  bid.auction = bidAuction(eventId, random)
  bid.bidder = bidder(eventId, random)
  bid.price = price(random)
  const table = below(random, 2) > 0 ? channels.hot : channels.cold
  const channel = pick(table, random)
  bid.channel = channel.name
  bid.url = channel.url
  fillPadding(event.extra, 32, 100, random)
}

function writeAuction(
  event: NexmarkEvent,
  eventId: number,
  horizonMs: number,
  random: Random,
): void {
  const { auction } = event
  event.id = newestAuction(eventId)
  auction.seller = seller(eventId, random)
  auction.category = 10 + below(random, 5)
  auction.initialBid = price(random)
  auction.expiresMs = event.timeMs + 1 + below(random, Math.max(2 * horizonMs, 1))
  fillWords(auction.itemName, 20, random)
  fillWords(auction.description, 100, random)
  auction.reserve = auction.initialBid + price(random)
  const size = 48 + lengthOf(auction.itemName) + lengthOf(auction.description)
  fillPadding(event.extra, size, 500, random)
}

function writePerson(event: NexmarkEvent, eventId: number, random: Random): void {
  const { person } = event
  event.id = newestPerson(eventId)
  person.name = pick(names, random)
  fillEmail(person.email, random)
  fillCard(person.card, random)
  person.city = pick(cities, random)
  person.state = pick(states, random)
  const size =
    8 +
    lengthOf(person.name) +
    lengthOf(person.email) +
    lengthOf(person.card) +
    lengthOf(person.city) +
    lengthOf(person.state)
  fillPadding(event.extra, size, 200, random)
}

/** Log-uniform from 100 to 1e8. */
function price(random: Random): number {
  return Math.round(10 ** (random.next() * 6) * 100)
}

const states = ['AZ', 'CA', 'ID', 'OR', 'WA', 'WY'].map(fixedText)
const cities = [
  'Phoenix',
  'Los Angeles',
  'San Francisco',
  'Boise',
  'Portland',
  'Bend',
  'Redmond',
  'Seattle',
  'Kent',
  'Cheyenne',
].map(fixedText)
const firstNames = 'Peter Paul Luke John Saul Vicky Kate Julie Sarah Deiter Walter'.split(' ')
const lastNames = 'Shultz Abrams Spencer White Bartels Walton Smith Jones Noris'.split(' ')
const names = firstNames.flatMap((first) => lastNames.map((last) => fixedText(`${first} ${last}`)))

const scratch = textBuffer(32)

function fillEmail(email: Text, random: Random): void {
  const parts = [below(random, 5) + 3, below(random, 3) + 3]
  let end = 0
  for (const [index, length] of parts.entries()) {
    fillLetters(scratch, length, random)
    email.bytes.set(scratch.bytes.subarray(0, length), end)
    end += length
    const tail = index === 0 ? at : dotCom
    email.bytes.set(tail.bytes, end)
    end += tail.end
  }
  email.end = end
}

const at = fixedText('@')
const dotCom = fixedText('.com')

/** Four groups of four digits. */
function fillCard(card: Text, random: Random): void {
  for (let index = 0; index < 19; index++) {
    card.bytes[index] = index % 5 === 4 ? 32 : 48 + below(random, 10)
  }
  card.end = 19
}

interface Channel {
  readonly name: Text
  readonly url: Text
}

interface ChannelTable {
  readonly hot: readonly Channel[]
  readonly cold: readonly Channel[]
}

/** Four popular channels and 10,000 others; nine of ten of the others carry their id in the address. */
function channelTable(random: Random): ChannelTable {
  const address = (): string => {
    const folders = [0, 1, 2].map(() => {
      fillWords(scratch, 5, random, 95)
      return stringOf(scratch)
    })
    return `https://www.nexmark.com/${folders.join('/')}/item.htm?query=1`
  }
  const hot = ['Google', 'Facebook', 'Baidu', 'Apple'].map((name) => ({
    name: fixedText(name),
    url: fixedText(address()),
  }))
  const cold = Array.from({ length: 10_000 }, (_, index) => {
    const id = below(random, 10) > 0 ? `&channel_id=${Math.abs(reverseBits(index))}` : ''
    return { name: fixedText(`channel-${index}`), url: fixedText(address() + id) }
  })
  return { hot, cold }
}

/** The 32 bits of a number in the opposite order, as a signed number. */
function reverseBits(value: number): number {
  let reversed = 0
  for (let bit = 0; bit < 32; bit++) reversed = (reversed << 1) | ((value >>> bit) & 1)
  return reversed
}

function pick<T>(options: readonly T[], random: Random): T {
  const chosen = options[below(random, options.length)]
  if (chosen === undefined) throw new RangeError('nothing to choose from')
  return chosen
}
