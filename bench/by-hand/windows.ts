/** How long a window waits for rows out of order. */
export const delayMs = 4000

/**
 * Open windows by their start, closed oldest first when the largest time seen, less the delay,
 * reaches their end.
 */
export class Windows<T> {
  readonly #open = new Map<number, T>()
  readonly #sizeMs: number
  readonly #create: () => T
  readonly #close: (start: number, content: T) => void
  #latest = 0
  #nextEnd = Number.POSITIVE_INFINITY

  constructor(sizeMs: number, create: () => T, close: (start: number, content: T) => void) {
    this.#sizeMs = sizeMs
    this.#create = create
    this.#close = close
  }

  /** The window that holds `time`, or nothing when it is closed already. */
  at(time: number): T | undefined {
    if (time > this.#latest) {
      this.#latest = time
      if (time - delayMs >= this.#nextEnd) this.#closeUpTo(time - delayMs)
    }
    const start = time - (time % this.#sizeMs)
    const known = this.#open.get(start)
    if (known !== undefined) return known
    if (start + this.#sizeMs <= this.#latest - delayMs) return undefined
    const content = this.#create()
    this.#open.set(start, content)
    this.#nextEnd = Math.min(this.#nextEnd, start + this.#sizeMs)
    return content
  }

  /** The input has ended: closes everything. */
  end(): void {
    this.#closeUpTo(Number.POSITIVE_INFINITY)
  }

  #closeUpTo(watermark: number): void {
    const starts = [...this.#open.keys()].sort((a, b) => a - b)
    this.#nextEnd = Number.POSITIVE_INFINITY
    for (const start of starts) {
      const content = this.#open.get(start)
      if (content === undefined) continue
      if (start + this.#sizeMs > watermark) {
        this.#nextEnd = start + this.#sizeMs
        break
      }
      this.#open.delete(start)
      this.#close(start, content)
    }
  }
}
