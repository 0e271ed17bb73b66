import { type Batch, rowNumbers } from '../../batch/batch.ts'
import { type EdgeRow, fromRow, toRow } from '../../batch/edge-row.ts'
import { rowAt } from '../../batch/read.ts'
import type { Schema } from '../../batch/schema.ts'
import type { Value } from '../../batch/value.ts'
import { reasonOf, StreamError } from '../../core/error.ts'
import type { AsyncFunction, AsyncLimits } from '../../flow/async-function.ts'
import type { Operator, Output } from '../../flow/operator.ts'
import type { CallEnd, CallWorld } from './attempts.ts'
import { type Flight, Flights } from './flights.ts'

/** One row for each row, by a function of the user that answers later. */
export interface MapAsyncSpec {
  /** Its name in the progress of the query. */
  readonly operator: string
  readonly input: Schema
  readonly function: AsyncFunction
  readonly limits: AsyncLimits
  readonly output: Schema
}

/**
 * Calls the function for each row, many at a time. Rows are in flight inside their epoch only: the
 * barrier waits for them, so that what is in flight is never part of a checkpoint. Calls go on between
 * the batches of an epoch, and rows are given out as soon as they may be.
 *
 * @throws StreamError (later) `ASYNC_CALL_FAILED`; `CAST_INVALID_INPUT` for answers that do not fit
 */
export function mapAsyncOperator(spec: MapAsyncSpec, world: CallWorld): Operator {
  const { input, function: given, limits } = spec
  const none = { inFlightMax: 0, retries: 0, timeouts: 0, dropped: 0 }
  const counts = { ...none }
  const calls = { ...world, function: given, limits, counts }
  const flights = new Flights(calls, spec.output, (flight, end) => valuesOf(spec, flight, end))
  let rowsIn = 0

  /** A row that cannot be handed over, such as a LONG that fits no number, is one whose call failed. */
  const edgeRowOrNone = (batch: Batch, at: number): EdgeRow | undefined => {
    try {
      return toRow(input, rowAt(batch, at), given.edge)
    } catch (cause) {
      if (limits.onError === 'fail') throw cause
      counts.dropped += 1
      return undefined
    }
  }
  const begin = (batch: Batch, at: number, output: Output): void => {
    rowsIn += 1
    const row = edgeRowOrNone(batch, at)
    if (row === undefined) return
    flights.begin({ row, batch, at, output, isOver: false, values: undefined, stop: () => {} })
  }
  const end = (): void => {
    flights.fail(new StreamError('INTERNAL', { what: 'a call was in flight when the job ended' }))
  }

  return {
    name: `mapAsync ${given.name}`,

    open() {
      rowsIn = 0
      Object.assign(counts, none)
    },

    process(_input, batch, output) {
      const rows = rowNumbers(batch)
      let next = 0
      return flights.until(() => {
        while (next < rows.length && flights.hasRoom()) begin(batch, rows[next++] as number, output)
        return next === rows.length
      })
    },

    async closeEpoch() {
      await flights.until(() => flights.isEmpty())
      return { progress: { [spec.operator]: { rowsIn, custom: { ...counts } } } }
    },

    freeze: () => undefined,
    abort: end,
    close: end,
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
  const { attempts } = end
  const failed = (why: string, cause?: unknown): StreamError =>
    new StreamError(
      'ASYNC_CALL_FAILED',
      { operator, name: given.name, attempts, why, row: textOf(row) },
      cause === undefined ? {} : { cause },
    )
  if (end.type === 'failed') throw failed(reasonOf(end.cause), end.cause)
  const { answer } = end
  if (typeof answer !== 'object' || answer === null) {
    throw failed(`it answered ${String(answer)}, which is no row`)
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
