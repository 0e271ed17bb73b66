import { checkedTime } from '../expr/calendar.ts'

/** Windows as plain data, microseconds; tumbling when slide equals size. */
export interface Windows {
  readonly sizeMicros: number
  readonly slideMicros: number
  readonly startMicros: number
}

/** Pure arithmetic on windows, panes included; everything in whole microseconds. */
export interface WindowMath {
  /** Panes are the widest slices that no window boundary cuts: gcd of size and slide. */
  readonly paneMicros: number
  readonly panesPerWindow: number
  /** The start of the pane that holds an instant. */
  paneOf(time: number): number
  /** The end of the first window that holds the pane. */
  firstEnd(pane: number): number
  /**
   * The end of the last window that holds the pane; at or below it the pane is not needed.
   * @throws StreamError `TIMESTAMP_OUT_OF_RANGE` where microseconds are not exact
   */
  lastEnd(pane: number): number
  /** The start of the first window that holds the instant. */
  firstStart(time: number): number
  /** Starts of all windows that hold the instant, ascending. */
  startsOf(time: number): readonly number[]
}

const known = new WeakMap<Windows, WindowMath>()

/** The arithmetic of these windows; made once for one object. */
export function windowsOf(windows: Windows): WindowMath {
  const math = known.get(windows) ?? makeMath(windows)
  known.set(windows, math)
  return math
}

function makeMath({ sizeMicros: size, slideMicros: slide, startMicros }: Windows): WindowMath {
  // Spark takes the start modulo the slide, so that any offset names one of the same grids.
  const offset = startMicros - Math.floor(startMicros / slide) * slide
  const pane = gcd(size, slide)
  const lastStart = (time: number): number => Math.floor((time - offset) / slide) * slide + offset
  const firstStart = (time: number): number =>
    (Math.floor((time - offset - size) / slide) + 1) * slide + offset
  return {
    paneMicros: pane,
    panesPerWindow: size / pane,
    paneOf: (time) => Math.floor((time - offset) / pane) * pane + offset,
    firstStart,
    firstEnd: (time) => firstStart(time) + size,
    lastEnd: (time) => exactTime(lastStart(time) + size),
    startsOf(time) {
      const starts: number[] = []
      for (let start = firstStart(time); start <= time; start += slide) starts.push(start)
      return starts
    },
  }
}

/** `checkedTime` without a call in the usual case. */
function exactTime(time: number): number {
  return time <= Number.MAX_SAFE_INTEGER ? time : checkedTime(time)
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b)
}
