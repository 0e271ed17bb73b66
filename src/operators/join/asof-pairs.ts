import type { Batch } from '../../batch/batch.ts'
import { type ColumnBuilder, columnBuilder } from '../../batch/build.ts'
import type { RowCodec } from '../../batch/row-codec.ts'
import type { Schema } from '../../batch/schema.ts'
import type { JoinTable } from './join-table.ts'
import { type PairSpec, pairsPerBatch } from './joined-pairs.ts'

/** Pairs of two rows in state, gathered until there are enough for a batch. */
export class AsofPairs {
  count = 0
  readonly #spec: PairSpec
  readonly #codecs: readonly [RowCodec, RowCodec]
  readonly #left: readonly ColumnBuilder[]
  readonly #right: readonly ColumnBuilder[]

  constructor(spec: PairSpec, codecs: readonly [RowCodec, RowCodec]) {
    this.#spec = spec
    this.#codecs = codecs
    this.#left = buildersOf(spec.left)
    this.#right = buildersOf(spec.right)
  }

  get isFull(): boolean {
    return this.count >= pairsPerBatch
  }

  /** Without a right row (−1) its columns are NULL. */
  add({ rows }: JoinTable, left: number, right: number): void {
    rows.decodeRow(left, this.#codecs[0], this.#left)
    if (right >= 0) rows.decodeRow(right, this.#codecs[1], this.#right)
    else for (const builder of this.#right) builder.appendNull()
    this.count++
  }

  /** The pairs as a batch; none are left then. */
  take(): Batch {
    const rowCount = this.count
    this.count = 0
    const columns = [...this.#left, ...this.#right].map((builder) => builder.finish())
    return { schema: this.#spec.output, rowCount, columns }
  }
}

function buildersOf(schema: Schema): readonly ColumnBuilder[] {
  return schema.map(({ type }) => columnBuilder(type))
}
