import { type Batch, originOfRows } from '../../batch/batch.ts'
import { batchBuilder } from '../../batch/build.ts'
import { type EdgeRow, fromRow, toRow } from '../../batch/edge-row.ts'
import { rowAt } from '../../batch/read.ts'
import type { Schema } from '../../batch/schema.ts'
import type { Value } from '../../batch/value.ts'
import { reasonOf, StreamError } from '../../core/error.ts'
import type { AsyncFunction, AsyncLimits } from '../../flow/async-function.ts'
import type { Operator, Output } from '../../flow/operator.ts'
import { type CallEnd, type CallWorld, callFor } from './attempts.ts'

/** One row for each row, by a function of the user that answers later. */
export interface MapAsyncSpec {
  /** Its name in the progress of the query. */
  readonly operator: string
  readonly input: Schema
  readonly function: AsyncFunction
  readonly limits: AsyncLimits
  readonly output: Schema
}

/** A row from its first call until it is given out. */
interface Flight {
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

/**
 * Calls the function for each row, many at a time. Rows are in flight inside their epoch only: the
 * barrier waits for them, so that what is in flight is never part of a checkpoint. Calls go on between
 * the batches of an epoch, and rows are given out as soon as they may be.
 *
 * @throws StreamError (later) `ASYNC_CALL_FAILED`; `CAST_INVALID_INPUT` for answers that do not fit
 */
export function mapAsyncOperator(spec: MapAsyncSpec, world: CallWorld): Operator {
  const { clock } = world
  const { limits } = spec
  const counts = { rowsIn: 0, inFlightMax: 0, retries: 0, timeouts: 0, dropped: 0 }
  const calls = { ...world, function: spec.function, limits, counts }
  const running = new Set<Flight>()
  /** In order of arrival, or of their end. */
  let queue: Flight[] = []
  /** Rows that were taken in and not given out. */
  let held = 0
  let isGivingOut = false
  let failure: { readonly cause: unknown } | undefined
  let wake = (): void => {}

  const fail = (cause: unknown): void => {
    failure ??= { cause }
    for (const flight of running) flight.stop(failure.cause)
    running.clear()
    wake()
  }

  /** Goes on when `isTrue`; nothing that is in flight is waited for after a failure. */
  const until = async (isTrue: () => boolean): Promise<void> => {
    while (failure === undefined && !isTrue()) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    if (failure !== undefined) throw failure.cause
  }

  const hasRoom = (): boolean =>
    running.size < limits.capacity && held < limits.capacity + waitingMax

  const landed = (flight: Flight, end: CallEnd): void => {
    running.delete(flight)
    try {
      flight.values = valuesOf(spec, flight, end)
    } catch (cause) {
      // The one place that decides about a row without an answer.
      if (limits.onError === 'fail') return fail(cause)
      counts.dropped += 1
    }
    flight.isOver = true
    if (!limits.ordered) queue.push(flight)
    // Errors are kept for the call that comes next.
    if (!isGivingOut) void giveOut()
    wake()
  }

  const begin = (batch: Batch, at: number, output: Output): void => {
    const row = toRow(spec.input, rowAt(batch, at), spec.function.edge)
    const flight: Flight = {
      row,
      batch,
      at,
      output,
      isOver: false,
      values: undefined,
      stop: () => {},
    }
    running.add(flight)
    held += 1
    counts.rowsIn += 1
    counts.inFlightMax = Math.max(counts.inFlightMax, running.size)
    if (limits.ordered) queue.push(flight)
    flight.stop = callFor(row, calls, (end) => landed(flight, end))
  }

  const takeReady = (): readonly Flight[] => {
    const waits = queue.findIndex(({ isOver }) => !isOver)
    const ready = waits < 0 ? queue : queue.slice(0, waits)
    queue = waits < 0 ? [] : queue.slice(waits)
    return ready
  }

  /** Gives out what is ready until nothing is. One at a time, so that rows keep their order. */
  const giveOut = async (): Promise<void> => {
    isGivingOut = true
    try {
      for (;;) {
        // Calls that end together leave together.
        await clock.yield()
        const ready = failure === undefined ? takeReady() : []
        if (ready.length === 0) return
        for (const run of runsOf(ready)) {
          const wait = emit(spec.output, run)
          if (wait !== undefined) await wait
        }
        held -= ready.length
        wake()
      }
    } catch (cause) {
      fail(cause)
    } finally {
      isGivingOut = false
      wake()
    }
  }

  return {
    name: `mapAsync ${spec.function.name}`,

    open() {
      counts.rowsIn = 0
      counts.inFlightMax = 0
      counts.retries = 0
      counts.timeouts = 0
      counts.dropped = 0
    },

    process(_input, batch, output) {
      const rows = batch.selection ?? Int32Array.from({ length: batch.rowCount }, (_, row) => row)
      let next = 0
      const beginWhileRoom = (): boolean => {
        while (next < rows.length && hasRoom()) begin(batch, rows[next++] as number, output)
        return next === rows.length
      }
      if (failure === undefined && beginWhileRoom()) return undefined
      return until(beginWhileRoom)
    },

    async closeEpoch() {
      await until(() => held === 0 && !isGivingOut)
      const { rowsIn, ...custom } = counts
      return { progress: { [spec.operator]: { rowsIn, custom } } }
    },

    freeze: () => undefined,

    abort: () => fail(new StreamError('INTERNAL', { what: 'a call was in flight at the end' })),

    close: () => fail(new StreamError('INTERNAL', { what: 'a call was in flight at the end' })),
  }
}

/**
 * The values of a row that was answered.
 * @throws StreamError `ASYNC_CALL_FAILED`, `CAST_INVALID_INPUT`
 */
function valuesOf(
  { operator, function: given, output }: MapAsyncSpec,
  { row }: Flight,
  end: CallEnd,
): readonly Value[] {
  const failed = (attempts: number, why: string, cause?: unknown): StreamError =>
    new StreamError(
      'ASYNC_CALL_FAILED',
      { operator, name: given.name, attempts, why, row: textOf(row) },
      cause === undefined ? {} : { cause },
    )
  if (end.type === 'failed') throw failed(end.attempts, reasonOf(end.cause), end.cause)
  const { answer } = end
  if (typeof answer !== 'object' || answer === null) {
    throw failed(end.attempts, `it answered ${String(answer)}, which is no row`)
  }
  return fromRow(output, answer as EdgeRow | readonly unknown[])
}

/** The beginning of a row, for messages. */
function textOf(row: EdgeRow): string {
  const text = JSON.stringify(row, (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  )
  return text.slice(0, 200)
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
