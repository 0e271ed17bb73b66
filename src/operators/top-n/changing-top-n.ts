import { type Batch, type Column, isValid } from '../../batch/batch.ts'
import { ByteWriter } from '../../batch/byte-writer.ts'
import { encodeKeyAt } from '../../batch/key-codec.ts'
import { hashKeys } from '../../batch/key-hash.ts'
import type { DataType } from '../../batch/schema.ts'
import { micros } from '../../core/units.ts'
import { heldBack, heldBackHeader, operatorWatermarks } from '../../flow/held-back.ts'
import type { EpochHeader } from '../../flow/message.ts'
import type { EpochReport, Operator, Output, Wait } from '../../flow/operator.ts'
import type { StateContext } from '../context.ts'
import { KeyedBuckets } from '../keyed/keyed-buckets.ts'
import { PagePool } from '../keyed/page-pool.ts'
import { splitLate, timesOf } from '../row-times.ts'
import { BestRecords } from './best-records.ts'
import { ClosingTable } from './closing-table.ts'
import { GroupRows, type GroupRowTable } from './group-rows.ts'
import { RankedLists } from './ranked-lists.ts'
import { RankedOutput } from './ranked-output.ts'
import { candidatesOf, RankedRecords, type RecordPlace } from './ranked-record.ts'
import { listLimitOf, type TopNSpec } from './spec.ts'
import { StoredRecords } from './stored-records.ts'

type ListTable = ClosingTable<RankedLists>

const slotsPerChunk = 4096

/** Rows that are looked at again when a list has become too short; by the slot of their partition. */
type Rescans = ReadonlyMap<number, BestRecords>

/**
 * The best groups of each partition, in update mode: a group that comes again takes the place of its
 * earlier row, and may fall as well as rise. Every group is kept, and a list of the best of each
 * partition that is longer than what is asked for: only when so many of its members fell behind its end
 * that it may miss one, the groups of the partition are ranked anew.
 */
export async function changingTopNOperator(
  spec: TopNSpec,
  { lists, rows }: { readonly lists: StateContext; readonly rows: StateContext },
): Promise<Operator> {
  const records = new RankedRecords(spec)
  const partitionTypes = spec.keys.map(({ type }) => type)
  const rowTypes = [...partitionTypes, ...(spec.identity ?? []).map(({ type }) => type)]
  const overUntil =
    spec.timeColumn === undefined
      ? {}
      : { overUntil: heldBack(lists.restoredWatermark, spec.watermarkShift) }
  const listLimit = listLimitOf(spec)
  const pages = new PagePool()
  const listBuckets: KeyedBuckets<ListTable> = new KeyedBuckets(
    {
      operator: lists.state.operator,
      keyTypes: partitionTypes,
      layout: 'due',
      make: (options) =>
        new ClosingTable(partitionTypes, new RankedLists(records, listLimit, pages), options),
      ...overUntil,
    },
    lists,
  )
  const groupRows = new GroupRows(
    {
      operator: rows.state.operator,
      keyTypes: rowTypes,
      layout: 'due',
      make: (options) => new ClosingTable(rowTypes, new StoredRecords(records, pages), options),
      ...overUntil,
    },
    rows,
  )
  await listBuckets.attach()
  await groupRows.attach()
  return new ChangingTopN({ spec, records, lists: listBuckets, rows: groupRows, listLimit })
}

interface Parts {
  readonly spec: TopNSpec
  readonly records: RankedRecords
  readonly lists: KeyedBuckets<ListTable>
  readonly rows: GroupRows
  readonly listLimit: number
}

/** One shard, whose changed groups are ranked. */
interface RankedShard {
  readonly shard: number
  readonly groups: GroupRowTable
  readonly table: ListTable
  readonly output: RankedOutput
}

class ChangingTopN implements Operator {
  readonly name: string
  readonly #spec: TopNSpec
  readonly #records: RankedRecords
  readonly #lists: KeyedBuckets<ListTable>
  readonly #rows: GroupRows
  readonly #listLimit: number
  readonly #partitionTypes: readonly DataType[]
  readonly #key = new ByteWriter()
  #late = Number.NEGATIVE_INFINITY
  #rowsIn = 0
  #rowsLate = 0
  #rescans = 0

  constructor({ spec, records, lists, rows, listLimit }: Parts) {
    this.name = spec.operator
    this.#spec = spec
    this.#records = records
    this.#lists = lists
    this.#rows = rows
    this.#listLimit = listLimit
    this.#partitionTypes = spec.keys.map(({ type }) => type)
  }

  open(header: EpochHeader): void {
    this.#late = heldBack(header.lateWatermark, this.#spec.watermarkShift)
    this.#rowsIn = 0
    this.#rowsLate = 0
    this.#rescans = 0
    this.#lists.openEpoch(header.epoch)
    this.#rows.openEpoch(header.epoch)
  }

  process(_input: number, batch: Batch): Wait {
    const { rows, late } = splitLate(batch, this.#spec.timeColumn, this.#late)
    this.#rowsIn += rows.length + late.length
    this.#rowsLate += late.length
    this.#put(batch, rows)
    return undefined
  }

  closeEpoch(header: EpochHeader, output: Output): Promise<EpochReport> {
    const own = heldBackHeader(header, this.#spec.watermarkShift)
    return this.#rows.pinned(() => this.#lists.pinned(() => this.#close(own, output)))
  }

  freeze() {
    const frozen = [...(this.#lists.freeze() ?? []), ...(this.#rows.freeze() ?? [])]
    return frozen.length === 0 ? undefined : frozen
  }

  /** Groups take the place of what they were before; also of what lies out of memory, unseen. */
  #put(batch: Batch, rows: Int32Array): void {
    const columnsOf = (some: TopNSpec['keys']): Column[] =>
      some.map(({ column }) => batch.columns[column] as Column)
    const { keys, identity = [] } = this.#spec
    // A group lies in the shard of its partition, where its task finds it.
    const placing = hashKeys(columnsOf(keys), this.#partitionTypes, rows, rows.length)
    const columns = columnsOf([...keys, ...identity])
    const candidate = candidatesOf(this.#spec, batch, rows)
    const { timeColumn } = this.#spec
    const times = timeColumn === undefined ? undefined : timesOf(batch, timeColumn)
    const { keyTypes } = this.#rows.spec
    for (const part of this.#rows.split(placing, rows)) {
      const table = this.#rows.tableAt(0, part.position)
      const hashes = hashKeys(columns, keyTypes, part.rows, part.rows.length)
      const firstNew = table.count
      const slots = table.slotsOf(columns, hashes, part.rows)
      for (let k = 0; k < slots.length; k++) {
        const slot = slots[k] as number
        const row = part.rows[k] as number
        candidate.row = row
        const record = this.#records.write(candidate)
        if (table.kept.isSame(slot, record)) continue
        table.touch(slot)
        table.kept.put(slot, record)
        // A group without a time is never over (rule W9).
        if (slot >= firstNew && times !== undefined && isValid(times.validity, row)) {
          table.closeAt(slot, times.values[row] as number)
        }
      }
    }
  }

  async #close(header: EpochHeader, output: Output): Promise<EpochReport> {
    const { watermarkShift: shift } = this.#spec
    const updated = this.#rows.tablesOf(0).reduce((sum, table) => sum + table.changeCount, 0)
    const ranked = new RankedOutput(this.#spec, this.#records, output)
    for (const [position, shard] of this.#rows.shards.entries()) {
      const groups = this.#rows.tableOf(0, shard)
      if (groups === undefined || groups.dirty.length === 0) continue
      const table = this.#lists.tableAt(0, position)
      await this.#rank({ shard, groups, table, output: ranked })
    }
    await ranked.flush()
    const before = this.#rows.rowsTotal()
    if (this.#spec.timeColumn !== undefined) await this.#forget(header.evictWatermark)
    const after = this.#rows.rowsTotal()
    const next = Math.min(this.#rows.nextDue(), this.#lists.nextDue())
    return {
      ...(next === Number.POSITIVE_INFINITY ? {} : { nextWatermark: micros(next + shift) }),
      progress: {
        [this.name]: {
          stateName: 'topN',
          rowsIn: this.#rowsIn,
          // Groups are written without a look at what lies outside, and the aggregation counts them already.
          rowsTotal: this.#lists.rowsTotal(),
          rowsUpdated: updated,
          rowsRemoved: before - after,
          rowsDroppedByWatermark: this.#rowsLate,
          memoryUsedBytes: this.#rows.byteLength() + this.#lists.byteLength(),
          storedBytes: this.#rows.storedBytes() + this.#lists.storedBytes(),
          watermarks: operatorWatermarks(header, shift),
          custom: { numPartitionsRankedAnew: this.#rescans },
        },
      },
    }
  }

  /** The lists of the partitions with a changed group, and what is new in them. */
  async #rank(at: RankedShard): Promise<void> {
    const { groups, table } = at
    const changed = Int32Array.from(groups.dirty)
    const partitions = await this.#partitionsOf(at, changed)
    const byPartition = new Map<number, number[]>()
    for (const [k, slot] of changed.entries()) {
      const partition = partitions[k] as number
      const known = byPartition.get(partition)
      if (known === undefined) byPartition.set(partition, [slot])
      else known.push(slot)
      const closing = groups.dueOf(slot)
      if (table.kept.counts[partition] === 0 && Number.isFinite(closing)) {
        table.closeAt(partition, closing)
      }
    }
    const rescans = new Map<number, BestRecords>()
    for (const [partition, slots] of byPartition) {
      const best = this.#merged(at, partition, slots)
      if (best.isCut && best.places.length < this.#spec.limit) {
        rescans.set(partition, new BestRecords(this.#records, this.#listLimit))
      } else await this.#give(at, partition, best)
    }
    if (rescans.size === 0) return
    this.#rescans += rescans.size
    await this.#rescan(at, rescans)
    for (const [partition, best] of rescans) await this.#give(at, partition, best)
  }

  /** The slot of the list of each group's partition. */
  async #partitionsOf({ groups, table }: RankedShard, slots: Int32Array): Promise<Int32Array> {
    const columns = groups.keys.columns(slots).slice(0, this.#partitionTypes.length)
    const hashes = hashKeys(columns, this.#partitionTypes, undefined, slots.length)
    if (this.#lists.anyCold()) await this.#lists.fetch(0, columns, hashes, undefined)
    return table.slotsOf(columns, hashes, undefined).slice()
  }

  /** The list with its changed members where they belong now; those behind its end are not let in. */
  #merged({ groups, table }: RankedShard, partition: number, changed: readonly number[]) {
    const { kept: lists } = table
    const best = new BestRecords(this.#records, this.#listLimit)
    const count = lists.counts[partition] as number
    best.isCut = lists.isCut(partition)
    const end = best.isCut ? lists.placeAt(partition, count - 1) : undefined
    const partitionKey = table.keyAt(partition)
    for (let place = 0; place < count; place++) {
      const record = lists.placeAt(partition, place)
      const key = Buffer.concat([partitionKey, this.#records.identityOf(record)])
      const slot = groups.findKey(key)
      const isChanged = slot >= 0 && groups.stamps[slot] === this.#rows.epoch
      if (!isChanged) best.add(record)
    }
    for (const slot of changed) {
      const record = groups.kept.placeOf(slot)
      // A group behind the end may stand behind others that the list does not know.
      if (end === undefined || this.#records.compare(record, end) <= 0) best.add(record)
    }
    return best
  }

  /** Emits the places that another row took, and remembers the list. */
  async #give({ table, output }: RankedShard, partition: number, best: BestRecords): Promise<void> {
    const { kept: lists } = table
    const { places, isCut } = best
    const count = lists.counts[partition] as number
    let isSame = places.length === count && isCut === lists.isCut(partition)
    for (const [place, record] of places.entries()) {
      const old = place < count ? lists.placeAt(partition, place) : undefined
      if (old !== undefined && old.page === record.page && old.at === record.at) continue
      isSame = false
      if (place >= this.#spec.limit) break
      if (old === undefined || !this.#records.isSameRow(old, record)) {
        await output.add(record, place + 1)
      }
    }
    if (isSame) return
    table.touch(partition)
    lists.replace(partition, places, isCut)
  }

  /** Looks at every group of some partitions. */
  async #rescan({ shard, groups, table }: RankedShard, wanted: Rescans): Promise<void> {
    const hashes = new Set([...wanted.keys()].map((slot) => table.keys.hashes[slot]))
    const all = groups.liveSlots()
    for (let from = 0; from < all.length; from += slotsPerChunk) {
      const slots = all.subarray(from, from + slotsPerChunk)
      const columns = groups.keys.columns(slots).slice(0, this.#partitionTypes.length)
      const found = hashKeys(columns, this.#partitionTypes, undefined, slots.length)
      for (let k = 0; k < slots.length; k++) {
        if (!hashes.has(found[k] as number)) continue
        const partition = table.find(this.#keyOf(columns, k), found[k] as number)
        wanted.get(partition)?.add(groups.kept.placeOf(slots[k] as number))
      }
    }
    const keep = (record: RecordPlace): RecordPlace => copied(this.#records, record)
    for (const [partition, best] of wanted) {
      for await (const record of this.#rows.coldOf(shard, table.keyAt(partition))) {
        best.add(record, keep)
      }
    }
  }

  #keyOf(columns: readonly Column[], row: number): Uint8Array {
    this.#key.length = 0
    this.#partitionTypes.forEach((type, index) => {
      encodeKeyAt(this.#key, type, columns[index] as Column, row)
    })
    return this.#key.view()
  }

  /** What is over goes silently (rule E2). */
  async #forget(watermark: number): Promise<void> {
    for (const buckets of [this.#lists, this.#rows]) {
      await buckets.loadDue(watermark)
      for (const table of buckets.tablesOf(0)) {
        for (const slot of table.dueAt(watermark)) table.forget(slot)
      }
    }
  }
}

/** The record alone: its page may be large, and the memory of it may be used again. */
function copied(records: RankedRecords, { page, at }: RecordPlace): RecordPlace {
  const bytes = new Uint8Array(page.bytes.subarray(at, at + records.sizeOf(page, at)))
  return { page: { bytes, view: new DataView(bytes.buffer) }, at: 0 }
}
