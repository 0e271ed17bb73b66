import type { RowSink } from '../checksum.ts'
import { bidOf, timeMs } from './event.ts'
import { forEachLine } from './lines.ts'
import { Windows } from './windows.ts'

const slideMs = 2000
const slidesPerWindow = 5

/**
 * The auctions with most bids in each window of 10 s, every 2 s.
 *
 * Bids are counted once per slide of 2 s; a window adds its five slides up when it closes. The plain
 * way, adding each bid to five windows, is slower.
 */
export function q5(path: string, sink: RowSink): void {
  const slides = new Map<number, Map<number, number>>()
  const closeWindow = (end: number): void => {
    const counts = new Map<number, number>()
    let most = 0
    for (let start = end - slidesPerWindow * slideMs; start < end; start += slideMs) {
      for (const [auction, count] of slides.get(start) ?? []) {
        const sum = (counts.get(auction) ?? 0) + count
        counts.set(auction, sum)
        if (sum > most) most = sum
      }
    }
    for (const [auction, count] of counts) if (count === most) sink.row([auction, count])
    slides.delete(end - slidesPerWindow * slideMs)
  }
  // A window ends with its last slide, so closing a slide closes the window that ends there.
  let lastEnd = 0
  const open = new Windows<Map<number, number>>(
    slideMs,
    () => new Map(),
    (start, counts) => {
      for (let end = lastEnd + slideMs; lastEnd > 0 && end <= start; end += slideMs) {
        closeWindow(end)
      }
      slides.set(start, counts)
      lastEnd = start + slideMs
      closeWindow(lastEnd)
    },
  )
  forEachLine(path, (line) => {
    const bid = bidOf(line)
    if (bid === undefined) return
    const counts = open.at(timeMs(bid.dateTime))
    if (counts !== undefined) counts.set(bid.auction, (counts.get(bid.auction) ?? 0) + 1)
  })
  open.end()
  // The windows that end after the last slide.
  for (let more = 1; lastEnd > 0 && more < slidesPerWindow; more++) {
    closeWindow(lastEnd + more * slideMs)
  }
}
