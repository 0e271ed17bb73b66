import type { RowSink } from '../checksum.ts'
import { auctionType, type Event, personType, timeMs } from './event.ts'
import { forEachLine } from './lines.ts'
import { Windows } from './windows.ts'

interface Content {
  /** Names by the number of the person; one who registers twice under two names is two. */
  readonly people: Map<number, Set<string>>
  readonly sellers: Set<number>
}

/** People who sell something in the window of 10 s in which they register. */
export function q8(path: string, sink: RowSink): void {
  const windows = new Windows<Content>(
    10_000,
    () => ({ people: new Map(), sellers: new Set() }),
    (start, { people, sellers }) => {
      for (const [id, names] of people) {
        if (!sellers.has(id)) continue
        for (const name of names) sink.row([id, name, start * 1000])
      }
    },
  )
  forEachLine(path, (line) => {
    const event: Event = JSON.parse(line)
    if (event.event_type === personType) {
      const { id, name, dateTime } = event.person
      const people = windows.at(timeMs(dateTime))?.people
      const names = people?.get(id)
      if (names === undefined) people?.set(id, new Set([name]))
      else names.add(name)
    } else if (event.event_type === auctionType) {
      windows.at(timeMs(event.auction.dateTime))?.sellers.add(event.auction.seller)
    }
  })
  windows.end()
}
