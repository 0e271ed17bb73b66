import type { Random } from '../../src/core/random.ts'

/** Events repeat in cycles of 50 ids: one person, three auctions, 46 bids. */
const cycle = 50
const auctionsPerCycle = 3

/** Ids of people and auctions start here. */
const firstId = 1000

const activePeople = 1000
const auctionsInFlight = 100

/** References reach this many ids ahead of what exists, so a bid can precede its auction. */
const lead = 10

/** Popular keys are the newest multiple of this. */
const hotStep = 100

export type EventKind = 0 | 1 | 2

/** 0 person, 1 auction, 2 bid. */
export function kindOf(eventId: number): EventKind {
  const place = eventId % cycle
  if (place === 0) return 0
  return place <= auctionsPerCycle ? 1 : 2
}

/** The newest person at this event; the event's own id if it is a person. */
export function newestPerson(eventId: number): number {
  return firstId + Math.floor(eventId / cycle)
}

/** The newest auction at this event; the event's own id if it is an auction. May be one less than the first. */
export function newestAuction(eventId: number): number {
  const turn = Math.floor(eventId / cycle)
  const place = eventId % cycle
  if (place === 0) return firstId + turn * auctionsPerCycle - 1
  return firstId + turn * auctionsPerCycle + Math.min(place, auctionsPerCycle) - 1
}

/** One of the active people, or one who registers soon. */
export function somePerson(eventId: number, random: Random): number {
  const count = newestPerson(eventId) - firstId + 1
  const active = Math.min(count, activePeople)
  return firstId + count - active + below(random, active + lead)
}

/** One of the auctions in flight, or one that opens soon. */
export function someAuction(eventId: number, random: Random): number {
  const newest = newestAuction(eventId) - firstId
  const oldest = Math.max(newest - auctionsInFlight, 0)
  return firstId + oldest + below(random, newest - oldest + 1 + lead)
}

/** Three of four auctions are sold by the popular seller. */
export function seller(eventId: number, random: Random): number {
  return below(random, 4) > 0 ? hot(newestPerson(eventId)) : somePerson(eventId, random)
}

/** Three of four bids come from the popular bidder. */
export function bidder(eventId: number, random: Random): number {
  return below(random, 4) > 0 ? hot(newestPerson(eventId)) + 1 : somePerson(eventId, random)
}

/** Every other bid is on the popular auction. */
export function bidAuction(eventId: number, random: Random): number {
  return below(random, 2) > 0 ? hot(newestAuction(eventId)) : someAuction(eventId, random)
}

/** The event that is `auctionsInFlight` auctions later. */
export function eventsPerFlight(): number {
  return Math.floor((auctionsInFlight * cycle) / auctionsPerCycle)
}

/** A whole number in [0, limit). */
export function below(random: Random, limit: number): number {
  return Math.floor(random.next() * limit)
}

function hot(id: number): number {
  return firstId + Math.floor((id - firstId) / hotStep) * hotStep
}
