import type { Batch, Column } from '../../batch/batch.ts'
import type { ColumnBuilder } from '../../batch/build.ts'
import type { RowCodec } from '../../batch/row-codec.ts'
import type { EvaluationContext } from '../../expr/expression.ts'
import type { JoinTable } from './join-table.ts'
import { type JoinedPairs, type JoinSide, pairsPerBatch } from './joined-pairs.ts'

/** Pairs of a row of a batch with a row in state, gathered until there are enough for a batch. */
export class PairChunk {
  count = 0
  readonly #pairs: JoinedPairs
  readonly #codec: RowCodec
  readonly #stored: JoinSide
  #builders: readonly ColumnBuilder[] | undefined
  #rows = new Int32Array(64)
  #slots = new Int32Array(64)
  #tables: JoinTable[] = []

  /** `stored`: the side whose rows are in state, and how they are read. */
  constructor(pairs: JoinedPairs, stored: JoinSide, codec: RowCodec) {
    this.#pairs = pairs
    this.#stored = stored
    this.#codec = codec
  }

  get isFull(): boolean {
    return this.count >= pairsPerBatch
  }

  add(row: number, table: JoinTable, slot: number): void {
    if (this.count === this.#rows.length) {
      const rows = new Int32Array(this.count * 2)
      const slots = new Int32Array(this.count * 2)
      rows.set(this.#rows)
      slots.set(this.#slots)
      this.#rows = rows
      this.#slots = slots
    }
    this.#builders ??= this.#pairs.buildersOf(this.#stored)
    table.rows.decodeRow(slot, this.#codec, this.#builders)
    this.#rows[this.count] = row
    this.#slots[this.count] = slot
    this.#tables[this.count] = table
    this.count++
  }

  /** The pairs as a batch, and for which of them the condition is true; the chunk is empty then. */
  take(side: JoinSide, batch: Batch, context: EvaluationContext): TakenPairs {
    const rows = this.#rows.slice(0, this.count)
    const joined = this.#pairs.join(side, batch, rows, this.#finish(), context)
    const taken = {
      batch: joined,
      selection: joined.selection ?? Int32Array.from(rows, (_, at) => at),
      rows,
      slots: this.#slots.slice(0, this.count),
      tables: this.#tables,
    }
    this.#clear()
    return taken
  }

  /** The rows of state alone; the chunk is empty then. */
  takeAlone(): { readonly columns: readonly Column[]; readonly count: number } {
    const taken = { columns: this.#finish(), count: this.count }
    this.#clear()
    return taken
  }

  #finish(): readonly Column[] {
    return (this.#builders ?? []).map((builder) => builder.finish())
  }

  #clear(): void {
    this.count = 0
    this.#tables = []
  }
}

/** By position of the pair. */
interface TakenPairs {
  readonly batch: Batch
  readonly selection: Int32Array
  readonly rows: Int32Array
  readonly slots: Int32Array
  readonly tables: readonly JoinTable[]
}
