import type { Batch } from '../../batch/batch.ts'
import { batchOf } from '../../batch/build.ts'
import { type EdgeRow, fromRow } from '../../batch/edge-row.ts'
import { type Schema, schemaText } from '../../batch/schema.ts'
import type { Value } from '../../batch/value.ts'
import { StreamError } from '../../core/error.ts'
import type { Output, Wait } from '../../flow/operator.ts'
import type { Emitted } from '../../flow/stateful-processor.ts'

const rowsPerBatch = 4096

/** Rows that handlers gave out, on their way into batches. */
export class HandlerRows {
  /** Rows at or below it are refused; `-Infinity` = none. */
  watermark = Number.NEGATIVE_INFINITY
  #rows: Value[][] = []
  readonly #operator: string
  readonly #schema: Schema
  readonly #timeColumn: number | undefined

  constructor(operator: string, schema: Schema, timeColumn: number | undefined) {
    this.#operator = operator
    this.#schema = schema
    this.#timeColumn = timeColumn
  }

  get isFull(): boolean {
    return this.#rows.length >= rowsPerBatch
  }

  /** Takes what a handler returned; a promise if it was one, or rows come one after the other. */
  take(returned: Emitted<unknown> | Promise<Emitted<unknown>>): Promise<void> | undefined {
    if (returned === undefined || returned === null) return undefined
    if (returned instanceof Promise) {
      return returned.then((emitted) => this.take(emitted))
    }
    if (Symbol.asyncIterator in returned) return this.#takeAsync(returned)
    for (const row of returned) this.#add(row)
    return undefined
  }

  flush(output: Output): Wait {
    if (this.#rows.length === 0) return undefined
    const batch: Batch = batchOf(this.#schema, this.#rows)
    this.#rows = []
    return output.emit(batch)
  }

  async #takeAsync(rows: AsyncIterable<unknown>): Promise<void> {
    for await (const row of rows) this.#add(row)
  }

  #add(row: unknown): void {
    if (typeof row !== 'object' || row === null) {
      const to = schemaText(this.#schema)
      throw new StreamError('CAST_INVALID_INPUT', { value: String(row), from: typeof row, to })
    }
    const values = fromRow(this.#schema, row as EdgeRow | readonly unknown[])
    const column = this.#timeColumn
    const time = column === undefined ? undefined : values[column]
    if (column !== undefined && typeof time === 'number' && time <= this.watermark) {
      throw new StreamError('OUTPUT_OLDER_THAN_WATERMARK', {
        operator: this.#operator,
        column: this.#schema[column]?.name ?? '',
        time: isoOf(time),
        watermark: isoOf(this.watermark),
      })
    }
    this.#rows.push(values)
  }
}

function isoOf(micros: number): string {
  return new Date(Math.floor(micros / 1000)).toISOString()
}
