import { type Batch, type Column, isValid, select } from '../../batch/batch.ts'
import { ByteWriter } from '../../batch/byte-writer.ts'
import { hashKeys } from '../../batch/key-hash.ts'
import { type RowCodec, rowCodec } from '../../batch/row-codec.ts'
import { micros } from '../../core/units.ts'
import { type EvaluationContext, noContext } from '../../expr/expression.ts'
import { heldBack, heldBackHeader, operatorWatermarks } from '../../flow/held-back.ts'
import type { EpochHeader } from '../../flow/message.ts'
import type { EpochReport, Operator, Output, Wait } from '../../flow/operator.ts'
import type { StateContext } from '../context.ts'
import type { ShardRows } from '../keyed/split-by-shard.ts'
import { splitLate, timesOf } from '../row-times.ts'
import { JoinBuckets } from './join-buckets.ts'
import { JoinedPairs, type JoinSide, rowsWithoutPartner } from './joined-pairs.ts'
import { PairChunk } from './pair-chunk.ts'
import type { JoinSideSpec, JoinSpec } from './spec.ts'
import { beginRecord, endRecord } from './stored-rows.ts'

/**
 * A join of two streams (rules J1 to J5 and J8). A row looks for partners among the rows of the other side
 * that are in state, of this epoch too, and then goes into state itself: so each pair is found once, by
 * whichever of the two comes second, and what comes out of an epoch does not depend on how its rows are
 * mixed. At the barrier the rows go for which no partner can come any more.
 */
export async function streamJoinOperator(spec: JoinSpec, context: StateContext): Promise<Operator> {
  const buckets = new JoinBuckets(spec, context)
  await buckets.attach()
  return new StreamJoin(spec, buckets)
}

const sideNames = ['left', 'right'] as const

/** What an operator knows of one of its sides. */
interface Side {
  readonly name: JoinSide
  readonly number: 0 | 1
  readonly spec: JoinSideSpec
  readonly codec: RowCodec
  /** Rows that never find a partner come out, once that is certain. */
  readonly comesAlone: boolean
}

class StreamJoin implements Operator {
  readonly name: string
  readonly #spec: JoinSpec
  readonly #buckets: JoinBuckets
  readonly #pairs: JoinedPairs
  readonly #sides: readonly [Side, Side]
  /** Semi and anti joins: left rows are chosen, not paired, and leave the state with their first partner. */
  readonly #chooses: boolean
  readonly #writer = new ByteWriter()
  #context: EvaluationContext = noContext
  #late = Number.NEGATIVE_INFINITY
  #epoch = -1
  #rowsIn = 0
  #rowsLate = 0
  #rowsStored = 0
  #rowsRemoved = 0

  constructor(spec: JoinSpec, buckets: JoinBuckets) {
    this.name = spec.operator
    this.#spec = spec
    this.#buckets = buckets
    this.#pairs = new JoinedPairs(spec.pairs)
    this.#chooses = spec.type === 'leftSemi' || spec.type === 'leftAnti'
    const side = (number: 0 | 1): Side => {
      const name = sideNames[number]
      return {
        name,
        number,
        spec: spec[name],
        codec: rowCodec(spec.pairs[name].map(({ type }) => type)),
        comesAlone:
          spec.type === 'fullOuter' ||
          spec.type === `${name}Outer` ||
          (number === 0 && spec.type === 'leftAnti'),
      }
    }
    this.#sides = [side(0), side(1)]
  }

  open(header: EpochHeader): void {
    const { epoch, processingTime } = header
    this.#context = { processingTime }
    this.#late = heldBack(header.lateWatermark, this.#spec.watermarkShift)
    this.#epoch = epoch
    this.#rowsIn = 0
    this.#rowsLate = 0
    this.#rowsStored = 0
    this.#rowsRemoved = 0
    this.#buckets.openEpoch(epoch)
  }

  process(input: number, batch: Batch, output: Output): Wait {
    const side = this.#sides[input === 0 ? 0 : 1]
    return this.#buckets.pinned(() => this.#process(side, batch, output))
  }

  closeEpoch(header: EpochHeader, output: Output): Promise<EpochReport> {
    const own = heldBackHeader(header, this.#spec.watermarkShift)
    return this.#buckets.pinned(() => this.#closeEpoch(own, output))
  }

  freeze() {
    return this.#buckets.freeze()
  }

  async #process(side: Side, batch: Batch, output: Output): Promise<void> {
    const rows = await this.#inTime(side, batch, output)
    const kept = await this.#withHope(side, batch, rows, output)
    if (kept.length === 0) return
    const { keyTypes, nullSafe } = this.#spec
    const columns = side.spec.keys.map((index) => batch.columns[index] as Column)
    const hashes = hashKeys(columns, keyTypes, kept, kept.length)
    const other = this.#sides[side.number === 0 ? 1 : 0]
    if (this.#buckets.anyCold()) {
      await this.#buckets.fetchPartners(other.number, columns, hashes, kept)
    }
    const alone = rowsWithoutPartner(columns, nullSafe, kept)
    const isAlone = alone && new Uint8Array(batch.rowCount)
    alone?.forEach((flag, k) => {
      if (isAlone !== undefined) isAlone[kept[k] as number] = flag
    })
    const probe: Probe = { side, other, batch, columns, isAlone }
    const chunk = new PairChunk(this.#pairs, other.name, other.codec)
    const matched = new Uint8Array(batch.rowCount)
    const parts = this.#buckets.split(hashes, kept)
    for (const part of parts) await this.#findPartners(probe, part, { chunk, matched }, output)
    await this.#flush(probe, chunk, matched, output)
    for (const part of parts) this.#store(probe, part, matched)
    if (this.#chooses && side.number === 0) await this.#emitChosen(batch, kept, matched, output)
  }

  /** Rows above the late watermark; the others are counted and delivered aside. */
  async #inTime({ spec }: Side, batch: Batch, output: Output): Promise<Int32Array> {
    const { rows, late } = splitLate(batch, spec.time, this.#late)
    this.#rowsIn += rows.length + late.length
    if (late.length === 0) return rows
    this.#rowsLate += late.length
    await output.emitSide('late', select(batch, late))
    return rows
  }

  /** Rows that may find a partner; those that fail a condition of their own side are settled here. */
  async #withHope(side: Side, batch: Batch, rows: Int32Array, output: Output): Promise<Int32Array> {
    const { filter } = side.spec
    const column = filter === undefined ? undefined : batch.columns[filter]
    if (column === undefined) return rows
    const passes = (row: number): boolean =>
      column.layout === 'bits' &&
      (((column.values[row >> 3] as number) >> (row & 7)) & 1) === 1 &&
      isValid(column.validity, row)
    const failed = rows.filter((row) => !passes(row))
    if (failed.length === 0) return rows
    if (side.comesAlone) await output.emit(this.#aloneBatch(side, batch, failed))
    return rows.filter(passes)
  }

  #aloneBatch(side: Side, batch: Batch, rows: Int32Array): Batch {
    if (!this.#chooses) return this.#pairs.alone(side.name, batch, rows)
    const { output } = this.#spec.pairs
    return {
      ...select(batch, rows),
      schema: output,
      columns: batch.columns.slice(0, output.length),
    }
  }

  async #findPartners(
    { side, other, batch, columns, isAlone }: Probe,
    part: ShardRows,
    found: Found,
    output: Output,
  ): Promise<void> {
    const table = this.#buckets.tableAt(0, part.position)
    const { index } = table
    // Of this part only until it is stored, which asks again: the answer lives in the table.
    const keys = index.keysOf(columns, part.rows, part.hashes)
    const choosesByKey = this.#chooses && side.number === 0 && !this.#pairs.hasCondition
    const { chunk, matched } = found
    for (let k = 0; k < keys.length; k++) {
      const row = part.rows[k] as number
      if (isAlone?.[row] === 1) continue
      let slot = index.first[other.number][keys[k] as number] as number
      if (choosesByKey) {
        if (slot >= 0) matched[row] = 1
        continue
      }
      while (slot >= 0) {
        chunk.add(row, table, slot)
        if (chunk.isFull) {
          const wait = this.#flush({ side, other, batch, columns, isAlone }, chunk, matched, output)
          if (wait !== undefined) await wait
        }
        slot = index.next[slot] as number
        // Rows that were chosen for an earlier row of the batch have left, but still know what comes next.
        while (slot >= 0 && index.isDead(slot)) slot = index.next[slot] as number
      }
    }
  }

  /** Gives out the pairs of a chunk, or what of them is chosen, and notes who has found a partner. */
  #flush(probe: Probe, chunk: PairChunk, matched: Uint8Array, output: Output): Wait {
    if (chunk.count === 0) return undefined
    const { side, other, batch } = probe
    const pairs = chunk.take(side.name, batch, this.#context)
    const { tables, slots, rows, selection } = pairs
    const fresh: number[] = []
    for (const at of selection) {
      const table = tables[at]
      const slot = slots[at] as number
      if (table === undefined) continue
      matched[rows[at] as number] = 1
      if (this.#chooses && other.number === 0) {
        if (table.index.isDead(slot)) continue
        fresh.push(at)
        this.#leave(table.index.epochs[slot] as number)
        table.remove(slot)
      } else if (other.comesAlone && !table.rows.isMatched(slot)) {
        table.touch(slot)
        table.rows.setMatched(slot)
      }
    }
    if (!this.#chooses) {
      return selection.length === 0 ? undefined : output.emit(select(pairs.batch, selection))
    }
    if (fresh.length === 0 || this.#spec.type === 'leftAnti') return undefined
    const { output: schema } = this.#spec.pairs
    const chosen = { ...pairs.batch, schema, columns: pairs.batch.columns.slice(0, schema.length) }
    return output.emit(select(chosen, Int32Array.from(fresh)))
  }

  /** A row left the state before the barrier: one of this epoch counts as never stored. */
  #leave(epoch: number): void {
    if (epoch === this.#epoch) this.#rowsStored--
    else this.#rowsRemoved++
  }

  #store({ side, batch, columns, isAlone }: Probe, part: ShardRows, matched: Uint8Array): void {
    const table = this.#buckets.tableAt(0, part.position)
    const keys = table.index.keysOf(columns, part.rows, part.hashes)
    const { due } = side.spec
    const times = due === undefined ? undefined : timesOf(batch, due.column)
    const offset = due?.offsetMicros ?? 0
    for (let k = 0; k < keys.length; k++) {
      const row = part.rows[k] as number
      const isMatched = matched[row] === 1
      const leaves = this.#chooses && side.number === 0 && isMatched
      // NULL in a key: such a row is kept only to come out alone.
      if (leaves || (isAlone?.[row] === 1 && !side.comesAlone)) {
        table.index.release(keys[k] as number)
        continue
      }
      const dueAt =
        times === undefined || !isValid(times.validity, row)
          ? Number.POSITIVE_INFINITY
          : (times.values[row] as number) + offset
      beginRecord(this.#writer, isMatched, dueAt)
      side.codec.encode(batch.columns, row, this.#writer)
      endRecord(this.#writer)
      const slot = table.place(keys[k] as number, side.number, this.#epoch)
      table.touch(slot)
      table.rows.put(slot, this.#writer)
      table.settle(slot)
      this.#rowsStored++
    }
  }

  /** Left rows of a semi join that found a partner at once. */
  async #emitChosen(
    batch: Batch,
    rows: Int32Array,
    matched: Uint8Array,
    output: Output,
  ): Promise<void> {
    if (this.#spec.type !== 'leftSemi') return
    const chosen = rows.filter((row) => matched[row] === 1)
    if (chosen.length === 0) return
    const { output: schema } = this.#spec.pairs
    const columns = batch.columns.slice(0, schema.length)
    await output.emit({ ...select(batch, chosen), schema, columns })
  }

  async #closeEpoch(header: EpochHeader, output: Output): Promise<EpochReport> {
    await this.#evict(header, output)
    const next = this.#buckets.nextDue()
    const { watermarkShift: shift, outputShift } = this.#spec
    for (const table of this.#buckets.tablesOf(0)) table.index.sweep()
    return {
      ...(next === Number.POSITIVE_INFINITY ? {} : { nextWatermark: micros(next + shift) }),
      progress: {
        [this.name]: {
          stateName: 'symmetricHashJoin',
          rowsIn: this.#rowsIn,
          rowsUpdated: this.#rowsStored,
          rowsRemoved: this.#rowsRemoved,
          rowsDroppedByWatermark: this.#rowsLate,
          ...this.#buckets.figures(),
          watermarks: operatorWatermarks(header, shift, outputShift),
        },
      },
    }
  }

  /** Rows for which no partner can come: they come out alone if they are to, and go. */
  async #evict(header: EpochHeader, output: Output): Promise<void> {
    const evict = header.evictWatermark
    const comeAlone = this.#sides.some((side) => side.comesAlone)
    const endsAll = header.flush === true && comeAlone
    if (endsAll) await this.#buckets.loadBucket(0)
    else await this.#buckets.loadDue(evict)
    for (const table of this.#buckets.tablesOf(0)) {
      const due = table.dueAt(evict)
      const leaving = endsAll ? table.liveSlots() : due
      for (const { number, name, codec, comesAlone } of this.#sides) {
        if (!comesAlone) continue
        const lonely = new PairChunk(this.#pairs, name, codec)
        for (const slot of leaving) {
          if (table.index.sides[slot] !== number || table.rows.isMatched(slot)) continue
          lonely.add(-1, table, slot)
          if (lonely.isFull) await output.emit(this.#lonelyBatch(name, lonely))
        }
        if (lonely.count > 0) await output.emit(this.#lonelyBatch(name, lonely))
      }
      for (const slot of leaving) this.#forget(table, slot)
    }
  }

  #lonelyBatch(name: JoinSide, lonely: PairChunk): Batch {
    const { columns, count } = lonely.takeAlone()
    if (!this.#chooses) return this.#pairs.aloneColumns(name, columns, count)
    return { schema: this.#spec.pairs.output, rowCount: count, columns }
  }

  #forget(table: PairChunkTable, slot: number): void {
    const isRight = table.index.sides[slot] === 1
    const comesAlone = isRight && this.#sides[1].comesAlone && !table.rows.isMatched(slot)
    // Rule J5: a right row that goes in the epoch in which it came was never stored, as the counts see it.
    if (isRight && !comesAlone) this.#leave(table.index.epochs[slot] as number)
    else this.#rowsRemoved++
    // Whoever restores sees by the watermark that a row is over, but not where the input has ended.
    if (table.rows.dueOf(slot) === Number.POSITIVE_INFINITY) table.remove(slot)
    else table.forget(slot)
  }
}

type PairChunkTable = ReturnType<JoinBuckets['tableAt']>

interface Probe {
  readonly side: Side
  readonly other: Side
  readonly batch: Batch
  /** The join key of the batch. */
  readonly columns: readonly Column[]
  /** By row: 1 = NULL in a key, so that it has no partner. */
  readonly isAlone: Uint8Array | undefined
}

interface Found {
  readonly chunk: PairChunk
  /** By row of the batch: 1 = has a partner. */
  readonly matched: Uint8Array
}
