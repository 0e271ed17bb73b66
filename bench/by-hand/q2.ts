import type { RowSink } from '../checksum.ts'
import { bidOf } from './event.ts'
import { forEachLine } from './lines.ts'

/** Auction and price of the bids on every 123rd auction. */
export function q2(path: string, sink: RowSink): void {
  forEachLine(path, (line) => {
    const bid = bidOf(line)
    if (bid !== undefined && bid.auction % 123 === 0) sink.row([bid.auction, bid.price])
  })
}
