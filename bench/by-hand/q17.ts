import type { RowSink } from '../checksum.ts'
import { bidOf } from './event.ts'
import { forEachLine } from './lines.ts'

interface Stats {
  count: number
  low: number
  middle: number
  high: number
  min: number
  max: number
  sum: number
}

/** Statistics of the bids per auction and day, given out at the end of the input. */
export function q17(path: string, sink: RowSink): void {
  const days = new Map<string, Map<number, Stats>>()
  forEachLine(path, (line) => {
    const bid = bidOf(line)
    if (bid === undefined) return
    const day = bid.dateTime.slice(0, 10)
    let auctions = days.get(day)
    if (auctions === undefined) {
      auctions = new Map()
      days.set(day, auctions)
    }
    const stats = auctions.get(bid.auction)
    if (stats === undefined) auctions.set(bid.auction, add(blank(), bid.price))
    else add(stats, bid.price)
  })
  for (const [day, auctions] of days) {
    for (const [auction, { count, low, middle, high, min, max, sum }] of auctions) {
      sink.row([auction, day, count, low, middle, high, min, max, Math.floor(sum / count), sum])
    }
  }
}

function blank(): Stats {
  return { count: 0, low: 0, middle: 0, high: 0, min: Number.POSITIVE_INFINITY, max: 0, sum: 0 }
}

function add(stats: Stats, price: number): Stats {
  stats.count++
  if (price < 10_000) stats.low++
  else if (price < 1_000_000) stats.middle++
  else stats.high++
  if (price < stats.min) stats.min = price
  if (price > stats.max) stats.max = price
  stats.sum += price
  return stats
}
