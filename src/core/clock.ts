/** The only way to read or wait for time. A test moves its own clock by hand. */
export interface Clock {
  /** Wall-clock milliseconds since 1970; may jump. */
  now(): number
  /** Milliseconds from an arbitrary start that never go back; for measuring. */
  monotonic(): number
  /** Calls once after `delayMs` (0 = soon); the returned function cancels. `background` does not keep the process alive. */
  after(delayMs: number, call: () => void, options?: { readonly background?: boolean }): () => void
  /** Lets other work of the event loop run first. */
  yield(): Promise<void>
}

/** Resolves after `delayMs` of this clock. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve)
  })
}
