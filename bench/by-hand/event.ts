/** A line of the file, as far as the programs here read it. */
export interface Event {
  readonly event_type: number
  readonly person: Person
  readonly auction: Auction
  readonly bid: Bid
}

export interface Person {
  readonly id: number
  readonly name: string
  readonly city: string
  readonly state: string
  readonly dateTime: string
}

export interface Auction {
  readonly id: number
  readonly seller: number
  readonly category: number
  readonly dateTime: string
}

export interface Bid {
  readonly auction: number
  readonly bidder: number
  readonly price: number
  readonly dateTime: string
  readonly extra: string
}

/** The numbers of people and of auctions in `event_type`. */
export const personType = 0
export const auctionType = 1

/** The bid of a line, or nothing for people and auctions. */
export function bidOf(line: string): Bid | undefined {
  const event: Event = JSON.parse(line)
  return event.event_type === 2 ? event.bid : undefined
}

let knownDay = ''
let knownDayMs = 0

/** Milliseconds since 1970 of `yyyy-MM-dd HH:mm:ss.SSS` in UTC; `Date.parse` would take most of the program's time. */
export function timeMs(text: string): number {
  const day = text.slice(0, 10)
  if (day !== knownDay) {
    knownDay = day
    knownDayMs = Date.parse(`${day}T00:00:00Z`)
  }
  const hours = digits(text, 11)
  const minutes = digits(text, 14)
  const seconds = digits(text, 17)
  const millis = (text.charCodeAt(20) - 48) * 100 + digits(text, 21)
  return knownDayMs + ((hours * 60 + minutes) * 60 + seconds) * 1000 + millis
}

function digits(text: string, place: number): number {
  return (text.charCodeAt(place) - 48) * 10 + text.charCodeAt(place + 1) - 48
}
