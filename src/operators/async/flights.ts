import { type Batch, originOfRows } from '../../batch/batch.ts'
import { batchBuilder } from '../../batch/build.ts'
import type { EdgeRow } from '../../batch/edge-row.ts'
import type { Schema } from '../../batch/schema.ts'
import type { Value } from '../../batch/value.ts'
import type { Output } from '../../flow/operator.ts'
import { type CallEnd, type Calls, callFor } from './attempts.ts'

/** A row from its first call until it is given out. */
export interface Flight {
  readonly row: EdgeRow
  readonly batch: Batch
  /** Its physical row in the batch. */
  readonly at: number
  readonly output: Output
  isOver: boolean
  /** What to give out; `undefined` for a row that is dropped. */
  values: readonly Value[] | undefined
  stop: (reason: unknown) => void
}

/** Rows whose calls have ended, but which wait for an earlier one or for the next operator. */
const waitingMax = 1024

/** The calls of one task that run, and the rows that wait to be given out. */
export class Flights {
  readonly #calls: Calls
  readonly #schema: Schema
  readonly #valuesOf: (flight: Flight, end: CallEnd) => readonly Value[]
  readonly #running = new Set<Flight>()
  /** In order of arrival, or of their end. */
  #queue: Flight[] = []
  /** Rows that were taken in and not given out. */
  #held = 0
  #isGivingOut = false
  #failure: { readonly cause: unknown } | undefined
  #wake = (): void => {}

  /** `valuesOf` says what an answer gives out, or throws what is wrong with it. */
  constructor(
    calls: Calls,
    schema: Schema,
    valuesOf: (flight: Flight, end: CallEnd) => readonly Value[],
  ) {
    this.#calls = calls
    this.#schema = schema
    this.#valuesOf = valuesOf
  }

  hasRoom(): boolean {
    const { capacity } = this.#calls.limits
    return this.#running.size < capacity && this.#held < capacity + waitingMax
  }

  /** Everything that was taken in has been given out. */
  isEmpty(): boolean {
    return this.#held === 0 && !this.#isGivingOut
  }

  begin(flight: Flight): void {
    const { counts, limits } = this.#calls
    this.#running.add(flight)
    this.#held += 1
    counts.inFlightMax = Math.max(counts.inFlightMax, this.#running.size)
    if (limits.ordered) this.#queue.push(flight)
    flight.stop = callFor(flight.row, this.#calls, (end) => this.#landed(flight, end))
  }

  /** Goes on when `isTrue`; nothing that is in flight is waited for after a failure. */
  until(isTrue: () => boolean): Promise<void> | undefined {
    return this.#failure === undefined && isTrue() ? undefined : this.#waitUntil(isTrue)
  }

  /** Ends every call; whoever waits gets the first cause. */
  fail(cause: unknown): void {
    this.#failure ??= { cause }
    for (const flight of this.#running) flight.stop(this.#failure.cause)
    this.#running.clear()
    this.#wake()
  }

  async #waitUntil(isTrue: () => boolean): Promise<void> {
    while (this.#failure === undefined && !isTrue()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    if (this.#failure !== undefined) throw this.#failure.cause
  }

  #landed(flight: Flight, end: CallEnd): void {
    const { counts, limits } = this.#calls
    this.#running.delete(flight)
    try {
      flight.values = this.#valuesOf(flight, end)
    } catch (cause) {
      // The one place that decides about a row without an answer.
      if (limits.onError === 'fail') return this.fail(cause)
      counts.dropped += 1
    }
    flight.isOver = true
    if (!limits.ordered) this.#queue.push(flight)
    // Not awaited: an error is kept for the next call of the task.
    if (!this.#isGivingOut) void this.#giveOut()
    this.#wake()
  }

  /** Gives out what is ready until nothing is. One at a time, so that rows keep their order. */
  async #giveOut(): Promise<void> {
    this.#isGivingOut = true
    try {
      for (;;) {
        // Calls that end together leave together.
        await this.#calls.clock.yield()
        const ready = this.#failure === undefined ? this.#takeReady() : []
        if (ready.length === 0) return
        for (const run of runsOf(ready)) {
          const wait = emit(this.#schema, run)
          if (wait !== undefined) await wait
        }
        this.#held -= ready.length
        this.#wake()
      }
    } catch (cause) {
      this.fail(cause)
    } finally {
      this.#isGivingOut = false
      this.#wake()
    }
  }

  #takeReady(): readonly Flight[] {
    const queue = this.#queue
    const waits = queue.findIndex(({ isOver }) => !isOver)
    this.#queue = waits < 0 ? [] : queue.slice(waits)
    return waits < 0 ? queue : queue.slice(0, waits)
  }
}

/** Rows that may leave in one batch: neighbours of one batch. */
function runsOf(flights: readonly Flight[]): readonly (readonly Flight[])[] {
  const runs: Flight[][] = []
  for (const flight of flights) {
    const last = runs.at(-1)
    if (last?.[0]?.batch === flight.batch) last.push(flight)
    else runs.push([flight])
  }
  return runs
}

function emit(schema: Schema, run: readonly Flight[]): Promise<void> | undefined {
  const [first] = run
  const builder = batchBuilder(schema)
  const from: number[] = []
  for (const { values, at } of run) {
    if (values === undefined) continue
    builder.appendRow(values)
    from.push(at)
  }
  if (first === undefined || from.length === 0) return undefined
  return first.output.emit({ ...builder.finish(), ...originOfRows(first.batch, from) })
}
