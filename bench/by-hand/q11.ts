import type { RowSink } from '../checksum.ts'
import { bidOf, timeMs } from './event.ts'
import { forEachLine } from './lines.ts'
import { delayMs } from './windows.ts'

const gapMs = 10_000
/** How often sessions are looked through for those that are over, in event time. */
const sweepMs = 1000

interface Session {
  start: number
  end: number
  count: number
}

/** Bids per bidder and session; a session ends 10 s after its last bid. */
export function q11(path: string, sink: RowSink): void {
  // Earliest first; mostly one session per bidder.
  const open = new Map<number, Session[]>()
  let latest = 0
  let nextSweep = 0
  const close = (watermark: number): void => {
    for (const [bidder, sessions] of open) {
      while (sessions[0] !== undefined && sessions[0].end <= watermark) {
        const { start, end, count } = sessions[0]
        sink.row([bidder, count, start * 1000, end * 1000])
        sessions.shift()
      }
      if (sessions.length === 0) open.delete(bidder)
    }
  }
  forEachLine(path, (line) => {
    const bid = bidOf(line)
    if (bid === undefined) return
    const time = timeMs(bid.dateTime)
    if (time > latest) {
      latest = time
      if (time >= nextSweep) {
        nextSweep = time + sweepMs
        close(time - delayMs)
      }
    }
    if (time + gapMs <= latest - delayMs) return
    const sessions = open.get(bid.bidder)
    if (sessions === undefined) {
      open.set(bid.bidder, [{ start: time, end: time + gapMs, count: 1 }])
    } else {
      add(sessions, time)
    }
  })
  close(Number.POSITIVE_INFINITY)
}

function add(sessions: Session[], time: number): void {
  const at = sessions.findIndex(({ end }) => end >= time)
  const session = sessions[at]
  const end = time + gapMs
  if (session === undefined) {
    sessions.push({ start: time, end, count: 1 })
  } else if (session.start > end) {
    sessions.splice(at, 0, { start: time, end, count: 1 })
  } else {
    session.count++
    if (time < session.start) session.start = time
    if (end > session.end) session.end = end
    const next = sessions[at + 1]
    if (next !== undefined && next.start <= session.end) {
      session.count += next.count
      session.end = next.end
      sessions.splice(at + 1, 1)
    }
  }
}
