import type { RowSink } from '../checksum.ts'
import { auctionType, type Event, type Person, personType } from './event.ts'
import { forEachLine } from './lines.ts'

const states = new Set(['OR', 'ID', 'CA'])

/** Auctions of category 10 with the people who sell them, whichever of the two comes first. */
export function q3(path: string, sink: RowSink): void {
  const people = new Map<number, Person>()
  // Auctions by seller: more may come for people who are known, and people for auctions that are.
  const auctions = new Map<number, number[]>()
  forEachLine(path, (line) => {
    const event: Event = JSON.parse(line)
    if (event.event_type === personType) {
      const { person } = event
      if (!states.has(person.state)) return
      people.set(person.id, person)
      for (const auction of auctions.get(person.id) ?? []) {
        sink.row([person.name, person.city, person.state, auction])
      }
    } else if (event.event_type === auctionType && event.auction.category === 10) {
      const { id, seller } = event.auction
      const known = auctions.get(seller)
      if (known === undefined) auctions.set(seller, [id])
      else known.push(id)
      const person = people.get(seller)
      if (person !== undefined) sink.row([person.name, person.city, person.state, id])
    }
  })
}
