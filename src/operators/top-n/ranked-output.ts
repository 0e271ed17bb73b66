import type { Batch } from '../../batch/batch.ts'
import { type ColumnBuilder, columnBuilder } from '../../batch/build.ts'
import type { Output, Wait } from '../../flow/operator.ts'
import type { RankedLists } from './ranked-lists.ts'
import type { RankedRecords, RecordPlace } from './ranked-record.ts'
import type { RankSpec } from './spec.ts'

const rowsPerBatch = 4096

/** Gathers numbered rows and emits them in batches. */
export class RankedOutput {
  readonly #records: RankedRecords
  readonly #output: Output
  readonly #schema: Batch['schema']
  readonly #kept: readonly ColumnBuilder[]
  readonly #number: ColumnBuilder

  constructor({ output: schema }: RankSpec, records: RankedRecords, output: Output) {
    this.#records = records
    this.#output = output
    this.#schema = schema
    this.#kept = schema.slice(0, -1).map(({ type }) => columnBuilder(type))
    this.#number = columnBuilder({ kind: 'int' })
  }

  /** The rows of a list from a place on. */
  async addList(lists: RankedLists, slot: number, from = 0): Promise<void> {
    const count = lists.counts[slot] as number
    for (let place = from; place < count; place++) {
      const wait = this.add(lists.placeAt(slot, place), place + 1)
      if (wait !== undefined) await wait
    }
  }

  add({ page, at }: RecordPlace, number: number): Wait {
    this.#records.codec.decode(page, this.#records.rowAt(page, at), this.#kept)
    this.#number.appendNumber(number)
    return this.#number.length < rowsPerBatch ? undefined : this.flush()
  }

  /** Emits what is gathered. */
  async flush(): Promise<void> {
    const rowCount = this.#number.length
    if (rowCount === 0) return
    const columns = [...this.#kept, this.#number].map((builder) => builder.finish())
    await this.#output.emit({ schema: this.#schema, rowCount, columns })
  }
}
