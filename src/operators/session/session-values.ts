import type { ByteWriter } from '../../batch/byte-writer.ts'
import type { ByteReader } from '../../batch/value-codec.ts'
import type { Accumulator } from '../aggregate/accumulator.ts'
import { firstCapacity } from '../keyed/hash-index.ts'
import { resized } from '../keyed/resized.ts'
import type { SlotValues } from '../keyed/slot-values.ts'

/** Slots of sessions, squeezed together only when so many of them are dead. */
const deadSessionsMin = 256

/** No session. */
const none = -1

/**
 * The open sessions of each key, earliest first. A session has a slot of its own, in the accumulators
 * too, and knows the next one of its key; no two sessions of a key overlap or touch.
 */
export class SessionValues implements SlotValues {
  readonly accumulators: readonly Accumulator[]
  starts = new Float64Array(0)
  ends = new Float64Array(0)
  /** First session of each key. */
  #heads = new Int32Array(0)
  /** The next session of the same key; of a session that was merged, the one it went into. */
  #nexts = new Int32Array(0)
  #dead = new Uint8Array(0)
  /** 1 for sessions that rows were added to since `takeChanged`. */
  #changed = new Uint8Array(0)
  /** Slots in use, dead ones included. */
  #count = 0
  #deadCount = 0
  #mergedSome = false

  constructor(accumulators: readonly Accumulator[]) {
    this.accumulators = accumulators
  }

  /** Open sessions. */
  get size(): number {
    return this.#count - this.#deadCount
  }

  /** When the first session of a key ends; infinity without any. */
  firstEnd(slot: number): number {
    const head = this.#heads[slot] as number
    return head === none ? Number.POSITIVE_INFINITY : (this.ends[head] as number)
  }

  /**
   * Adds the session of one row to those of its key and says which it is part of now. Touching counts
   * as overlapping (rule S2). A later row may merge that session into another: ask `settled`.
   */
  place(slot: number, start: number, end: number): number {
    const { starts, ends } = this
    let before = none
    let found = this.#heads[slot] as number
    while (found !== none && (ends[found] as number) < start) {
      before = found
      found = this.#nexts[found] as number
    }
    if (found === none || (starts[found] as number) > end) {
      const made = this.#make(start, end, found)
      if (before === none) this.#heads[slot] = made
      else this.#nexts[before] = made
      return made
    }
    if (start < (starts[found] as number)) starts[found] = start
    if (end > (ends[found] as number)) {
      ends[found] = end
      this.#bridge(found)
    }
    this.#changed[found] = 1
    return found
  }

  /** Takes in the sessions behind one that has grown up to them (rule S4). */
  #bridge(session: number): void {
    let next = this.#nexts[session] as number
    while (next !== none && (this.starts[next] as number) <= (this.ends[session] as number)) {
      const end = this.ends[next] as number
      if (end > (this.ends[session] as number)) this.ends[session] = end
      for (const accumulator of this.accumulators) accumulator.merge(session, accumulator, next)
      const after = this.#nexts[next] as number
      this.#kill(next)
      this.#nexts[next] = session
      this.#mergedSome = true
      next = after
    }
    this.#nexts[session] = next
  }

  /** Replaces sessions that were merged since the last call by those they went into. */
  settled(sessions: Int32Array): void {
    if (!this.#mergedSome) return
    this.#mergedSome = false
    for (let k = 0; k < sessions.length; k++) {
      let session = sessions[k] as number
      while (this.#dead[session] === 1) session = this.#nexts[session] as number
      sessions[k] = session
    }
  }

  /** The sessions of a key that end at or before a time, earliest first. */
  endedBy(slot: number, time: number, into: number[]): void {
    let session = this.#heads[slot] as number
    while (session !== none && (this.ends[session] as number) <= time) {
      into.push(session)
      session = this.#nexts[session] as number
    }
  }

  /** Whether a key has a session that ends after a time. */
  endsAfter(slot: number, time: number): boolean {
    let session = this.#heads[slot] as number
    while (session !== none && (this.ends[session] as number) <= time) {
      session = this.#nexts[session] as number
    }
    return session !== none
  }

  /** Forgets the sessions of a key that end at or before a time. */
  close(slot: number, time: number): void {
    let session = this.#heads[slot] as number
    while (session !== none && (this.ends[session] as number) <= time) {
      this.#kill(session)
      session = this.#nexts[session] as number
    }
    this.#heads[slot] = session
  }

  /** How many sessions of a key rows were added to since the last call. */
  takeChanged(slot: number): number {
    let count = 0
    for (let at = this.#heads[slot] as number; at !== none; at = this.#nexts[at] as number) {
      count += this.#changed[at] as number
      this.#changed[at] = 0
    }
    return count
  }

  resize(capacity: number): void {
    this.#heads = resized(this.#heads, capacity, none)
    if (this.starts.length < capacity) this.#resizeSessions(capacity)
  }

  encode(slot: number, writer: ByteWriter): void {
    const head = this.#heads[slot] as number
    let count = 0
    for (let at = head; at !== none; at = this.#nexts[at] as number) count++
    writer.u32(count)
    for (let at = head; at !== none; at = this.#nexts[at] as number) {
      writer.f64(this.starts[at] as number)
      writer.f64(this.ends[at] as number)
      for (const accumulator of this.accumulators) accumulator.encode(at, writer)
    }
  }

  decode(slot: number, reader: ByteReader): void {
    this.release(slot)
    const count = reader.u32()
    let before = none
    for (let k = 0; k < count; k++) {
      const made = this.#make(reader.f64(), reader.f64(), none)
      this.#changed[made] = 0
      for (const accumulator of this.accumulators) accumulator.decode(made, reader)
      if (before === none) this.#heads[slot] = made
      else this.#nexts[before] = made
      before = made
    }
  }

  move(from: number, to: number): void {
    this.#heads[to] = this.#heads[from] as number
  }

  release(slot: number): void {
    this.close(slot, Number.POSITIVE_INFINITY)
  }

  clearFrom(count: number): void {
    this.#heads.fill(none, count)
  }

  /** Gives up the slots of dead sessions once they are many. Sessions get other slots. */
  squeeze(): void {
    if (this.#deadCount <= Math.max(deadSessionsMin, this.#count / 2)) return
    const places = new Int32Array(this.#count)
    let to = 0
    for (let session = 0; session < this.#count; session++) {
      if (this.#dead[session] === 1) continue
      places[session] = to
      if (session !== to) this.#moveSession(session, to)
      to++
    }
    const moved = (session: number): number =>
      session === none ? none : (places[session] as number)
    for (let session = 0; session < to; session++) {
      this.#nexts[session] = moved(this.#nexts[session] as number)
    }
    this.#heads = this.#heads.map(moved)
    for (const accumulator of this.accumulators) accumulator.clearFrom(to)
    this.#dead.fill(0)
    this.#changed.fill(0, to)
    this.#count = to
    this.#deadCount = 0
    const room = Math.max(2 * to, this.#heads.length)
    if (room < this.starts.length / 4) this.#resizeSessions(room)
  }

  byteLength(): number {
    return this.accumulators.reduce(
      (sum, accumulator) => sum + accumulator.byteLength(),
      this.#heads.byteLength + this.starts.length * 22,
    )
  }

  #make(start: number, end: number, next: number): number {
    const session = this.#count++
    if (session === this.starts.length) this.#resizeSessions(Math.max(firstCapacity, 2 * session))
    this.starts[session] = start
    this.ends[session] = end
    this.#nexts[session] = next
    this.#changed[session] = 1
    return session
  }

  #kill(session: number): void {
    this.#dead[session] = 1
    this.#changed[session] = 0
    this.#deadCount++
  }

  #moveSession(from: number, to: number): void {
    this.starts[to] = this.starts[from] as number
    this.ends[to] = this.ends[from] as number
    this.#nexts[to] = this.#nexts[from] as number
    this.#changed[to] = this.#changed[from] as number
    for (const accumulator of this.accumulators) accumulator.move(from, to)
  }

  #resizeSessions(capacity: number): void {
    this.starts = resized(this.starts, capacity)
    this.ends = resized(this.ends, capacity)
    this.#nexts = resized(this.#nexts, capacity, none)
    this.#dead = resized(this.#dead, capacity)
    this.#changed = resized(this.#changed, capacity)
    for (const accumulator of this.accumulators) accumulator.resize(capacity)
  }
}
