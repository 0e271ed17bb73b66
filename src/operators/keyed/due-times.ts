import { resized } from './resized.ts'

/** When each slot of a table falls due; infinity = never. */
export class DueTimes {
  /** A time that nothing falls due before. */
  min = Number.POSITIVE_INFINITY
  #times = new Float64Array(0)
  /** True when the slot that `min` came from may fall due later by now. */
  #minIsOld = false

  resize(capacity: number): void {
    this.#times = resized(this.#times, capacity, Number.POSITIVE_INFINITY)
  }

  at(slot: number): number {
    return this.#times[slot] as number
  }

  set(slot: number, due: number): void {
    if (due < this.min) this.min = due
    else if (due > this.min && this.#times[slot] === this.min) this.#minIsOld = true
    this.#times[slot] = due
  }

  /** The first time at which one of the slots below `count` falls due. */
  first(count: number): number {
    if (this.#minIsOld) {
      let min = Number.POSITIVE_INFINITY
      for (let slot = 0; slot < count; slot++) {
        const due = this.#times[slot] as number
        if (due < min) min = due
      }
      this.min = min
      this.#minIsOld = false
    }
    return this.min
  }

  /** The slots below `count` that are due at `time`; `min` is exact afterwards, as if they were gone. */
  take(time: number, count: number): Int32Array {
    if (this.min > time) return new Int32Array(0)
    const found: number[] = []
    let min = Number.POSITIVE_INFINITY
    for (let slot = 0; slot < count; slot++) {
      const due = this.#times[slot] as number
      if (due <= time) found.push(slot)
      else if (due < min) min = due
    }
    this.min = min
    this.#minIsOld = false
    return Int32Array.from(found)
  }

  move(from: number, to: number): void {
    this.#times[to] = this.#times[from] as number
  }

  clearFrom(count: number): void {
    this.#times.fill(Number.POSITIVE_INFINITY, count)
  }

  byteLength(): number {
    return this.#times.byteLength
  }
}
