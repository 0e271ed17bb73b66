import type { Cell, RowSink } from '../checksum.ts'
import { bidOf, timeMs } from './event.ts'
import { forEachLine } from './lines.ts'
import { Windows } from './windows.ts'

interface Highest {
  price: number
  rows: (readonly Cell[])[]
}

/** All bids with the highest price of their window of 10 s. */
export function q7(path: string, sink: RowSink): void {
  const windows = new Windows<Highest>(
    10_000,
    () => ({ price: -1, rows: [] }),
    (_start, { rows }) => {
      for (const row of rows) sink.row(row)
    },
  )
  forEachLine(path, (line) => {
    const bid = bidOf(line)
    if (bid === undefined) return
    const time = timeMs(bid.dateTime)
    const highest = windows.at(time)
    if (highest === undefined || bid.price < highest.price) return
    if (bid.price > highest.price) {
      highest.price = bid.price
      highest.rows = []
    }
    highest.rows.push([bid.auction, bid.bidder, bid.price, time * 1000, bid.extra])
  })
  windows.end()
}
