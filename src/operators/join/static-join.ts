import {
  type Batch,
  type Column,
  originOfRows,
  rowNumbers,
  select,
  siblingOrder,
} from '../../batch/batch.ts'
import type { DataType } from '../../batch/schema.ts'
import { type EvaluationContext, noContext } from '../../expr/expression.ts'
import type { EpochHeader } from '../../flow/message.ts'
import type { EpochReport, Operator, Output, Wait } from '../../flow/operator.ts'
import {
  JoinedPairs,
  type JoinSide,
  type PairSpec,
  pairsPerBatch,
  rowsWithoutPartner,
} from './joined-pairs.ts'
import type { StaticRows, StaticSpec } from './static-rows.ts'

/** A join of flowing rows with rows that are all there, as plain data. */
export interface StaticJoinSpec {
  /** Which side flows; its columns come first in its batches, keys that are computed behind them. */
  readonly flowing: JoinSide
  readonly pairs: PairSpec
  readonly keys: readonly {
    readonly column: number
    readonly type: DataType
    readonly nullSafe: boolean
  }[]
  readonly other: StaticSpec
  /**
   * What comes out: pairs; pairs, and flowing rows without a partner; the same with the other rows that
   * found none, for rows that end; flowing rows that have a partner; those that have none.
   */
  readonly keeps: 'pairs' | 'flowing' | 'both' | 'matched' | 'unmatched'
  /** When the other rows are read again: never, in every epoch, or after so many microseconds. */
  readonly refresh: 'never' | 'epoch' | number
}

/** The other rows as of an epoch. */
export type StaticRowsAt = (header: EpochHeader) => Promise<StaticRows>

/**
 * Looks up each flowing row among rows that are all there. Keeps no state: rows that were given out stay
 * as they were when the other side changes (rule J7).
 */
export function staticJoinOperator(spec: StaticJoinSpec, rowsAt: StaticRowsAt): Operator {
  return new StaticJoin(spec, rowsAt)
}

class StaticJoin implements Operator {
  readonly name = 'staticJoin'
  readonly #spec: StaticJoinSpec
  readonly #rowsAt: StaticRowsAt
  readonly #pairs: JoinedPairs
  #header: EpochHeader | undefined
  #rows: StaticRows | undefined
  #context: EvaluationContext = noContext
  /** Other rows that found a partner; only where those without one come out. */
  #found = new Uint8Array(0)

  constructor(spec: StaticJoinSpec, rowsAt: StaticRowsAt) {
    this.#spec = spec
    this.#rowsAt = rowsAt
    this.#pairs = new JoinedPairs(spec.pairs)
  }

  open(header: EpochHeader): void {
    const { processingTime } = header
    this.#context = { processingTime }
    this.#header = header
    this.#rows = undefined
  }

  process(_input: number, batch: Batch, output: Output): Wait {
    return this.#process(batch, output)
  }

  async closeEpoch(header: EpochHeader, output: Output): Promise<EpochReport> {
    if (this.#spec.keeps === 'both') await this.#emitOthers(await this.#read(header), output)
    return {}
  }

  freeze(): undefined {
    return undefined
  }

  async #read(header: EpochHeader): Promise<StaticRows> {
    if (this.#rows === undefined) {
      this.#rows = await this.#rowsAt(header)
      if (this.#spec.keeps === 'both') this.#found = new Uint8Array(this.#rows.count)
    }
    return this.#rows
  }

  async #process(batch: Batch, output: Output): Promise<void> {
    if (this.#header === undefined) return
    const others = await this.#read(this.#header)
    const rows = rowNumbers(batch)
    const columns = this.#spec.keys.map(({ column }) => batch.columns[column] as Column)
    // A copy: lanes share the other rows, and with them the place of the answer.
    const keys = others.find(columns, rows).slice()
    const nullSafe = this.#spec.keys.map((key) => key.nullSafe)
    rowsWithoutPartner(columns, nullSafe, rows)?.forEach((alone, k) => {
      if (alone === 1) keys[k] = -1
    })
    const matched = new Uint8Array(rows.length)
    await this.#emitPairs({ batch, rows, keys, others, matched }, output)
    const { keeps } = this.#spec
    if (keeps === 'pairs') return
    const wanted = keeps === 'matched' ? 1 : 0
    const chosen = rows.filter((_, k) => matched[k] === wanted)
    if (chosen.length === 0) return
    await output.emit(
      keeps === 'matched' || keeps === 'unmatched'
        ? this.#asOutput(select(batch, chosen))
        : {
            ...this.#pairs.alone(this.#spec.flowing, batch, chosen),
            ...placeOf(batch, chosen, new Int32Array(chosen.length)),
          },
    )
  }

  /** Finds every pair, and gives them out where they are wanted. */
  async #emitPairs(probe: Probe, output: Output): Promise<void> {
    const { keeps } = this.#spec
    const choosesOnly = keeps === 'matched' || keeps === 'unmatched'
    const { rows, keys, others, matched } = probe
    let count = 0
    const positions = new Int32Array(pairsPerBatch)
    const found = new Int32Array(pairsPerBatch)
    const siblings = new Int32Array(pairsPerBatch)
    for (let k = 0; k < rows.length; k++) {
      let other = others.firstOf(keys[k] as number)
      if (choosesOnly && !this.#pairs.hasCondition) {
        matched[k] = other < 0 ? 0 : 1
        continue
      }
      for (let sibling = 0; other >= 0; other = others.nextOf(other)) {
        positions[count] = k
        siblings[count] = sibling++
        found[count++] = other
        if (count < pairsPerBatch) continue
        const wait = this.#flush(probe, { positions, found, siblings }, output)
        if (wait !== undefined) await wait
        count = 0
      }
    }
    if (count === 0) return
    const first = (numbers: Int32Array): Int32Array => numbers.subarray(0, count)
    const pairs = { positions: first(positions), found: first(found), siblings: first(siblings) }
    await this.#flush(probe, pairs, output)
  }

  #flush(
    { batch, rows, others, matched }: Probe,
    { positions, found, siblings }: FoundPairs,
    output: Output,
  ): Wait {
    const { flowing, keeps } = this.#spec
    const builders = this.#pairs.buildersOf(flowing === 'left' ? 'right' : 'left')
    for (const other of found) others.decode(other, builders)
    const columns = builders.map((builder) => builder.finish())
    const pairRows = positions.map((k) => rows[k] as number)
    const pairs = this.#pairs.join(flowing, batch, pairRows, columns, this.#context)
    const count = pairs.selection?.length ?? pairs.rowCount
    for (let at = 0; at < count; at++) {
      const pair = pairs.selection === undefined ? at : (pairs.selection[at] as number)
      matched[positions[pair] as number] = 1
      if (keeps === 'both') this.#found[found[pair] as number] = 1
    }
    if (count === 0 || keeps === 'matched' || keeps === 'unmatched') return undefined
    return output.emit({ ...pairs, ...placeOf(batch, pairRows, siblings) })
  }

  /** The other rows that found no partner in the whole input. */
  async #emitOthers(others: StaticRows, output: Output): Promise<void> {
    const side = this.#spec.flowing === 'left' ? 'right' : 'left'
    for (let from = 0; from < others.count; from += pairsPerBatch) {
      const builders = this.#pairs.buildersOf(side)
      const end = Math.min(from + pairsPerBatch, others.count)
      let count = 0
      for (let row = from; row < end; row++) {
        if (this.#found[row] === 1) continue
        others.decode(row, builders)
        count++
      }
      const columns = builders.map((builder) => builder.finish())
      if (count > 0) await output.emit(this.#pairs.aloneColumns(side, columns, count))
    }
  }

  /** Without the keys that were computed behind the columns. */
  #asOutput(batch: Batch): Batch {
    const { output } = this.#spec.pairs
    return { ...batch, schema: output, columns: batch.columns.slice(0, output.length) }
  }
}

/** Rows that were made from these rows of a batch stand where the row stood, one after the other. */
function placeOf(batch: Batch, rows: Int32Array, siblings: Int32Array): Pick<Batch, 'order'> {
  if (batch.order === undefined) return {}
  const origin = originOfRows(batch, rows)
  return origin.order === undefined ? {} : { order: siblingOrder(origin.order, siblings) }
}

/** Pairs by number: a position in the rows of the batch, another row, and how many that row had before it. */
interface FoundPairs {
  readonly positions: Int32Array
  readonly found: Int32Array
  readonly siblings: Int32Array
}

interface Probe {
  readonly batch: Batch
  readonly rows: Int32Array
  readonly keys: Int32Array
  readonly others: StaticRows
  /** By position in `rows`. */
  readonly matched: Uint8Array
}
