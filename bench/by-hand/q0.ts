import type { RowSink } from '../checksum.ts'
import { bidOf, timeMs } from './event.ts'
import { forEachLine } from './lines.ts'

/** Passes every bid on. */
export function q0(path: string, sink: RowSink): void {
  forEachLine(path, (line) => {
    const bid = bidOf(line)
    if (bid === undefined) return
    sink.row([bid.auction, bid.bidder, bid.price, timeMs(bid.dateTime) * 1000, bid.extra])
  })
}
