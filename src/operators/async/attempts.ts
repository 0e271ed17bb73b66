import type { EdgeRow } from '../../batch/edge-row.ts'
import type { Clock } from '../../core/clock.ts'
import type { Random } from '../../core/random.ts'
import type { AsyncFunction, AsyncLimits } from '../../flow/async-function.ts'

/** What calls need from outside. */
export interface CallWorld {
  readonly clock: Clock
  readonly random: Random
}

/** What calls are made of, and what is counted of them. */
export interface Calls extends CallWorld {
  readonly function: AsyncFunction
  readonly limits: AsyncLimits
  readonly counts: CallCounts
}

/** Figures of one epoch. */
export interface CallCounts {
  /** The most rows at a time. */
  inFlightMax: number
  retries: number
  timeouts: number
  dropped: number
}

/** How the calls for one row ended. */
export type CallEnd =
  | { readonly type: 'answered'; readonly attempts: number; readonly answer: unknown }
  | { readonly type: 'failed'; readonly attempts: number; readonly cause: unknown }

/** The answer that never came. */
class Timeout extends Error {
  override readonly name = 'TimeoutError'
}

/**
 * Calls the function for one row until it answers or the attempts are used up; tells `ended` once, never
 * before it has returned itself. The returned function ends it all at once: the signal is aborted, and
 * nothing is told any more.
 */
export function callFor(
  row: EdgeRow,
  { clock, random, function: given, limits, counts }: Calls,
  ended: (end: CallEnd) => void,
): (reason: unknown) => void {
  let attempt = 0
  let isOver = false
  let controller = new AbortController()
  let cancelTimer = (): void => {}

  const end = (how: CallEnd): void => {
    isOver = true
    ended(how)
  }
  const failed = (cause: unknown): void => {
    if (attempt >= limits.attempts) return end({ type: 'failed', attempts: attempt, cause })
    counts.retries += 1
    cancelTimer = clock.after(delayOf(limits, attempt, random.next()), begin)
  }
  const begin = (): void => {
    attempt += 1
    const own = new AbortController()
    controller = own
    let isAnswered = false
    /** The first answer of a call counts, be it its own or that time is up. */
    const once = (then: () => void): void => {
      if (isAnswered || isOver) return
      isAnswered = true
      cancelTimer()
      then()
    }
    cancelTimer = clock.after(limits.timeoutMs, () =>
      once(() => {
        counts.timeouts += 1
        const cause = new Timeout(`no answer within ${limits.timeoutMs} ms`)
        own.abort(cause)
        failed(cause)
      }),
    )
    // Through an async function, so that what is thrown at once is a failed call too.
    const call = async (): Promise<unknown> => given.call(row, { signal: own.signal, attempt })
    call().then(
      (answer) => once(() => end({ type: 'answered', attempts: attempt, answer })),
      (cause: unknown) => once(() => failed(cause)),
    )
  }
  begin()
  return (reason) => {
    if (isOver) return
    isOver = true
    cancelTimer()
    controller.abort(reason)
  }
}

/** Doubles with each retry up to a limit; half of it is by chance, so that rows do not come back as one. */
function delayOf({ delayMs, delayMsMax }: AsyncLimits, retry: number, chance: number): number {
  const full = Math.min(delayMs * 2 ** (retry - 1), delayMsMax)
  return full * (0.5 + chance / 2)
}
