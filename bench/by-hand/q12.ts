import type { RowSink } from '../checksum.ts'
import { bidOf, timeMs } from './event.ts'
import { forEachLine } from './lines.ts'
import { Windows } from './windows.ts'

const sizeMs = 10_000

/** Bids per bidder in each window of 10 s. */
export function q12(path: string, sink: RowSink): void {
  const windows = new Windows<Map<number, number>>(
    sizeMs,
    () => new Map(),
    (start, counts) => {
      for (const [bidder, count] of counts) {
        sink.row([bidder, count, start * 1000, (start + sizeMs) * 1000])
      }
    },
  )
  forEachLine(path, (line) => {
    const bid = bidOf(line)
    if (bid === undefined) return
    const counts = windows.at(timeMs(bid.dateTime))
    if (counts !== undefined) counts.set(bid.bidder, (counts.get(bid.bidder) ?? 0) + 1)
  })
  windows.end()
}
