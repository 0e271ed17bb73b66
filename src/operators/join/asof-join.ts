import { type Batch, type Column, isValid, select } from '../../batch/batch.ts'
import { ByteWriter } from '../../batch/byte-writer.ts'
import { hashKeys } from '../../batch/key-hash.ts'
import { type RowCodec, rowCodec } from '../../batch/row-codec.ts'
import type { DataType } from '../../batch/schema.ts'
import { micros } from '../../core/units.ts'
import { heldBack, heldBackHeader, operatorWatermarks } from '../../flow/held-back.ts'
import type { EpochHeader } from '../../flow/message.ts'
import type { EpochReport, Operator, Output, Wait } from '../../flow/operator.ts'
import type { StateContext } from '../context.ts'
import type { ShardRows } from '../keyed/split-by-shard.ts'
import { type RowTimes, splitLate, timesOf } from '../row-times.ts'
import { AsofPairs } from './asof-pairs.ts'
import { JoinBuckets } from './join-buckets.ts'
import type { JoinTable } from './join-table.ts'
import { JoinedPairs, type PairSpec, rowsWithoutPartner } from './joined-pairs.ts'
import { beginRecord, endRecord } from './stored-rows.ts'

/** An as-of join of two streams, as plain data. Columns are numbers of the batches of their side. */
export interface AsofJoinSpec {
  readonly operator: string
  readonly type: 'inner' | 'leftOuter'
  readonly keyTypes: readonly DataType[]
  /** By key: NULL equals NULL. */
  readonly nullSafe: readonly boolean[]
  readonly pairs: PairSpec
  readonly left: AsofSideSpec
  readonly right: AsofSideSpec
  /** How much older the right row may be; absent = as old as it likes. */
  readonly toleranceMicros?: number
  readonly watermarkShift: number
}

export interface AsofSideSpec {
  readonly keys: readonly number[]
  readonly time: number
}

/**
 * Each left row with the newest right row of its key that is not newer. Rows of both sides wait until the
 * eviction watermark has reached them: what comes later is above it, as the late watermark of the next
 * epoch is the eviction watermark of this one (rule W3). So a left row then knows all right rows at or
 * below it, and of the right rows below the watermark only the newest of each key can be the answer of a
 * later left row: that one is marked in the state, as its *base*, and the others go.
 */
export async function asofJoinOperator(
  spec: AsofJoinSpec,
  context: StateContext,
): Promise<Operator> {
  const buckets = new JoinBuckets(spec, context)
  await buckets.attach()
  return new AsofJoin(spec, buckets)
}

const left = 0
const right = 1

class AsofJoin implements Operator {
  readonly name: string
  readonly #spec: AsofJoinSpec
  readonly #buckets: JoinBuckets
  readonly #pairs: JoinedPairs
  readonly #codecs: readonly [RowCodec, RowCodec]
  readonly #writer = new ByteWriter()
  #late = Number.NEGATIVE_INFINITY
  #epoch = -1
  #rowsIn = 0
  #rowsLate = 0
  #rowsStored = 0
  #rowsRemoved = 0

  constructor(spec: AsofJoinSpec, buckets: JoinBuckets) {
    this.name = spec.operator
    this.#spec = spec
    this.#buckets = buckets
    this.#pairs = new JoinedPairs(spec.pairs)
    this.#codecs = [
      rowCodec(spec.pairs.left.map(({ type }) => type)),
      rowCodec(spec.pairs.right.map(({ type }) => type)),
    ]
  }

  open(header: EpochHeader): void {
    this.#late = heldBack(header.lateWatermark, this.#spec.watermarkShift)
    this.#epoch = header.epoch
    this.#rowsIn = 0
    this.#rowsLate = 0
    this.#rowsStored = 0
    this.#rowsRemoved = 0
    this.#buckets.openEpoch(header.epoch)
  }

  process(input: number, batch: Batch, output: Output): Wait {
    const side = input === left ? left : right
    return this.#buckets.pinned(() => this.#process(side, batch, output))
  }

  closeEpoch(header: EpochHeader, output: Output): Promise<EpochReport> {
    const own = heldBackHeader(header, this.#spec.watermarkShift)
    return this.#buckets.pinned(() => this.#closeEpoch(own, output))
  }

  freeze() {
    return this.#buckets.freeze()
  }

  async #process(side: 0 | 1, batch: Batch, output: Output): Promise<void> {
    const { keys, time } = side === left ? this.#spec.left : this.#spec.right
    const { keyTypes, nullSafe, type } = this.#spec
    const times = timesOf(batch, time)
    const { rows, late } = splitLate(batch, time, this.#late)
    this.#rowsIn += rows.length + late.length
    this.#rowsLate += late.length
    if (late.length > 0) await output.emitSide('late', select(batch, late))
    const columns = keys.map((index) => batch.columns[index] as Column)
    const alone = rowsWithoutPartner(columns, nullSafe, rows)
    const canMatch = (row: number, k: number): boolean =>
      alone?.[k] !== 1 && isValid(times.validity, row)
    const kept = rows.filter(canMatch)
    if (kept.length < rows.length && side === left && type === 'leftOuter') {
      const lonely = rows.filter((row, k) => !canMatch(row, k))
      await output.emit(this.#pairs.alone('left', batch, lonely))
    }
    const hashes = hashKeys(columns, keyTypes, kept, kept.length)
    const parts = this.#buckets.split(hashes, kept)
    for (const part of parts) this.#store(side, { batch, columns, times }, part)
  }

  #store(
    side: 0 | 1,
    from: { readonly batch: Batch; readonly columns: readonly Column[]; readonly times: RowTimes },
    part: ShardRows,
  ): void {
    const { batch, columns, times } = from
    const table = this.#buckets.tableAt(0, part.position)
    const keys = table.index.keysOf(columns, part.rows, part.hashes)
    const codec = this.#codecs[side]
    for (let k = 0; k < keys.length; k++) {
      const row = part.rows[k] as number
      beginRecord(this.#writer, false, times.values[row] as number)
      codec.encode(batch.columns, row, this.#writer)
      endRecord(this.#writer)
      const slot = table.place(keys[k] as number, side, this.#epoch)
      table.touch(slot)
      table.rows.put(slot, this.#writer)
      table.settle(slot)
    }
    this.#rowsStored += keys.length
  }

  async #closeEpoch(header: EpochHeader, output: Output): Promise<EpochReport> {
    const evict = header.evictWatermark
    const chunk = new AsofPairs(this.#spec.pairs, this.#codecs)
    await this.#buckets.loadDue(evict)
    for (const shard of this.#buckets.shards) await this.#settle(shard, evict, chunk, output)
    if (chunk.count > 0) await output.emit(chunk.take())
    for (const table of this.#buckets.tablesOf(0)) table.index.sweep()
    return this.#report(header)
  }

  /** Answers the left rows of a shard that the watermark has reached, key by key. */
  async #settle(shard: number, evict: number, chunk: AsofPairs, output: Output): Promise<void> {
    const table = this.#buckets.tableOf(0, shard)
    if (table === undefined) return
    const { index, rows } = table
    const due = table.dueAt(evict)
    // By key, its right rows first, in order of time and of the source.
    due.sort(
      (a, b) =>
        index.keyOf(a) - index.keyOf(b) ||
        (index.sides[b] as number) - (index.sides[a] as number) ||
        rows.dueOf(a) - rows.dueOf(b) ||
        (index.epochs[a] as number) - (index.epochs[b] as number) ||
        index.numberOf(a) - index.numberOf(b),
    )
    if (this.#buckets.anyCold()) {
      await this.#buckets.fetchRows(right, shard, new Set(Array.from(due, (s) => index.keyOf(s))))
    }
    for (let from = 0; from < due.length; ) {
      const key = index.keyOf(due[from] as number)
      let lefts = from
      while (isOf(table, due[lefts], key, right)) lefts++
      let to = lefts
      while (isOf(table, due[to], key, left)) to++
      const base = baseOf(table, key)
      const fresh = due.subarray(from, lefts).filter((slot) => !rows.isMatched(slot))
      await this.#answer({ table, base, fresh }, due.subarray(lefts, to), chunk, output)
      this.#keepNewest({ table, base, fresh }, evict)
      from = to
    }
  }

  /** Both sides in order of time, so one walk finds the right row of each left one. */
  async #answer(
    { table, base, fresh }: Candidates,
    lefts: Int32Array,
    chunk: AsofPairs,
    output: Output,
  ): Promise<void> {
    const { rows } = table
    const { type, toleranceMicros = Number.POSITIVE_INFINITY } = this.#spec
    let found = base
    let until = base < 0 ? Number.NEGATIVE_INFINITY : rows.dueOf(base)
    let next = 0
    for (const slot of lefts) {
      const time = rows.dueOf(slot)
      for (; next < fresh.length && rows.dueOf(fresh[next] as number) <= time; next++) {
        found = fresh[next] as number
        until = rows.dueOf(found) + toleranceMicros
      }
      const isFound = time <= until
      if (!isFound && type === 'inner') continue
      chunk.add(table, slot, isFound ? found : -1)
      if (chunk.isFull) await output.emit(chunk.take())
    }
    // Whoever restores sees by the watermark that they are over.
    for (const slot of lefts) this.#leave(table, slot)
  }

  /** Of the right rows below the watermark the newest stays, until it is too old for every left row to come. */
  #keepNewest({ table, base, fresh }: Candidates, evict: number): void {
    const { rows } = table
    const newest = fresh.at(-1)
    const { toleranceMicros = Number.POSITIVE_INFINITY } = this.#spec
    const until = newest === undefined ? 0 : rows.dueOf(newest) + toleranceMicros
    for (const slot of fresh) {
      if (slot !== newest || until <= evict) this.#leave(table, slot)
    }
    if (base >= 0 && rows.dueOf(base) <= evict) this.#leave(table, base)
    else if (base >= 0 && newest !== undefined) {
      this.#count(table, base)
      table.remove(base)
    }
    if (newest === undefined || until <= evict) return
    table.touch(newest)
    rows.setMatched(newest)
    rows.setDue(newest, until)
    table.settle(newest)
  }

  /** Takes out a row whose time is over. */
  #leave(table: JoinTable, slot: number): void {
    this.#count(table, slot)
    table.forget(slot)
  }

  /** A row that leaves in the epoch in which it came counts as never stored. */
  #count(table: JoinTable, slot: number): void {
    if (table.index.epochs[slot] === this.#epoch) this.#rowsStored--
    else this.#rowsRemoved++
  }

  #report(header: EpochHeader): EpochReport {
    const next = this.#buckets.nextDue()
    const { watermarkShift: shift } = this.#spec
    return {
      ...(next === Number.POSITIVE_INFINITY ? {} : { nextWatermark: micros(next + shift) }),
      progress: {
        [this.name]: {
          stateName: 'asofJoin',
          rowsIn: this.#rowsIn,
          rowsUpdated: this.#rowsStored,
          rowsRemoved: this.#rowsRemoved,
          rowsDroppedByWatermark: this.#rowsLate,
          ...this.#buckets.figures(),
          watermarks: operatorWatermarks(header, shift),
        },
      },
    }
  }
}

/** Right rows of one key at or below the watermark, oldest first. */
interface Candidates {
  readonly table: JoinTable
  /** The newest one below the watermark of the epoch before; −1 = none. */
  readonly base: number
  /** Those that the watermark has reached since. */
  readonly fresh: Int32Array
}

function isOf(table: JoinTable, slot: number | undefined, key: number, side: number): boolean {
  return slot !== undefined && table.index.keyOf(slot) === key && table.index.sides[slot] === side
}

/** The marked right row of a key. It came before most others, so it stands near the front. */
function baseOf({ index, rows }: JoinTable, key: number): number {
  let slot = index.first[right][key] as number
  while (slot >= 0 && !rows.isMatched(slot)) slot = index.next[slot] as number
  return slot
}
