import { type Batch, type Column, isValid } from '../../batch/batch.ts'
import { type ColumnBuilder, columnBuilder } from '../../batch/build.ts'
import { packRows } from '../../batch/pack.ts'
import type { Schema } from '../../batch/schema.ts'
import { compileStage } from '../../expr/compile.ts'
import type { EvaluationContext, Expression } from '../../expr/expression.ts'
import type { CompiledStage } from '../../expr/stage.ts'

export type JoinSide = 'left' | 'right'

/** The columns of both sides that come out of a join or that its condition reads, as plain data. */
export interface PairSpec {
  readonly left: Schema
  readonly right: Schema
  /** Over the left columns, then the right ones. */
  readonly condition?: Expression
  /** Left columns, then right ones, as they come out. */
  readonly output: Schema
}

/** At most so many pairs are made before they are passed on. */
export const pairsPerBatch = 4096

/** Makes batches of rows of one side, straight from a batch, and rows of the other, decoded from memory. */
export class JoinedPairs {
  readonly #spec: PairSpec
  readonly #condition: CompiledStage | undefined
  readonly #both: Schema

  constructor(spec: PairSpec) {
    this.#spec = spec
    this.#both = [...spec.left, ...spec.right]
    const { condition } = spec
    this.#condition =
      condition === undefined
        ? undefined
        : compileStage({ filter: condition, columns: [] }, this.#both)
  }

  get hasCondition(): boolean {
    return this.#condition !== undefined
  }

  /**
   * Pair i is row `rows[i]` of the batch with row i of `others`. The selection of the result says for
   * which pairs the condition is true; without one it is for all.
   */
  join(
    side: JoinSide,
    batch: Batch,
    rows: Int32Array,
    others: readonly Column[],
    context: EvaluationContext,
  ): Batch {
    const own = this.#columnsOf(side, batch, rows)
    const columns = side === 'left' ? [...own, ...others] : [...others, ...own]
    const pairs: Batch = {
      schema: this.#spec.output,
      rowCount: rows.length,
      columns,
      ...(batch.partition === undefined ? {} : { partition: batch.partition }),
    }
    if (this.#condition === undefined) return pairs
    const { selection } = this.#condition.run({ ...pairs, schema: this.#both }, context)
    return selection === undefined ? pairs : { ...pairs, selection }
  }

  /** Rows of one side without a partner: NULL in the columns of the other. */
  alone(side: JoinSide, batch: Batch, rows: Int32Array): Batch {
    const own = this.#columnsOf(side, batch, rows)
    return {
      ...this.aloneColumns(side, own, rows.length),
      ...(batch.partition === undefined ? {} : { partition: batch.partition }),
    }
  }

  /** The same for columns that hold nothing else. */
  aloneColumns(side: JoinSide, own: readonly Column[], rowCount: number): Batch {
    const other = side === 'left' ? this.#spec.right : this.#spec.left
    const nulls = other.map(({ type }) => {
      const builder = columnBuilder(type)
      for (let row = 0; row < rowCount; row++) builder.appendNull()
      return builder.finish()
    })
    const columns = side === 'left' ? [...own, ...nulls] : [...nulls, ...own]
    return { schema: this.#spec.output, rowCount, columns }
  }

  /** Builders for rows of one side. */
  buildersOf(side: JoinSide): readonly ColumnBuilder[] {
    return this.#spec[side].map(({ type }) => columnBuilder(type))
  }

  #columnsOf(side: JoinSide, batch: Batch, rows: Int32Array): readonly Column[] {
    const { [side]: schema } = this.#spec
    const columns = batch.columns.slice(0, schema.length)
    return packRows({ schema, rowCount: batch.rowCount, columns }, rows).columns
  }
}

/**
 * Rows that have no partner whatever comes: NULL in a key that is compared with `=`. `undefined` if there
 * is none.
 */
export function rowsWithoutPartner(
  keyColumns: readonly Column[],
  nullSafe: readonly boolean[],
  rows: Int32Array,
): Uint8Array | undefined {
  let found: Uint8Array | undefined
  keyColumns.forEach((column, index) => {
    if (nullSafe[index] === true) return
    if (column.layout !== 'void' && column.validity === undefined) return
    const { validity } = column.layout === 'void' ? { validity: new Uint8Array(0) } : column
    rows.forEach((row, k) => {
      if (isValid(validity, row)) return
      found ??= new Uint8Array(rows.length)
      found[k] = 1
    })
  })
  return found
}
