import type { CheckpointReader, FoundManifest } from '../../state/checkpoint-reader.ts'
import { shardLayout, shardOf } from '../../state/key-group.ts'
import type { ShardVersion } from '../../state/manifest.ts'
import {
  type ShardEntries,
  type ShardEntriesPlace,
  shardEntries,
} from '../../state/shard-entries.ts'
import type { Entry } from '../../state/store.ts'
import { type Batch, type Column, select } from '../batch/batch.ts'
import { ByteWriter } from '../batch/byte-writer.ts'
import { compareNullable } from '../batch/compare.ts'
import { encodeKey } from '../batch/key-codec.ts'
import { hashValues } from '../batch/key-hash.ts'
import { valueAt } from '../batch/read.ts'
import { type DataType, intType, type Schema } from '../batch/schema.ts'
import type { Value } from '../batch/value.ts'
import type { Clock } from '../core/clock.ts'
import { StreamError } from '../core/error.ts'
import { type FileSystem, joinPath } from '../core/file-system.ts'
import type { Random } from '../core/random.ts'
import type { StateChoice, StateView } from '../operators/state/state-view.ts'
import { type PlanFingerprint, readFingerprint } from '../physical/compatibility.ts'
import { type StateLayout, shardKeyTypes, viewOf } from '../physical/state-layout.ts'
import { volatileState } from './volatile-state.ts'

/** What reading state needs beside the checkpoint. */
export interface StatePorts extends Pick<ShardEntriesPlace, 'store'> {
  readonly files: FileSystem
  readonly clock: Clock
  readonly random: Random
  readonly temporaryFolder: string
}

/** One operator's state as of one committed epoch. */
export interface OperatorStateAt {
  readonly operator: string
  readonly found: FoundManifest
  readonly fingerprint: PlanFingerprint
  readonly layout: StateLayout
}

/** Columns beside those of the operator. */
const partitionField = { name: 'partition_id', type: intType, nullable: false } as const
/** Entries that are shown at a time, about. */
const entriesAtOnce = 4096

/**
 * The state of an operator by its name, or by its position among those with state.
 * @throws StreamError `OPERATOR_NOT_FOUND`
 */
export function operatorStateAt(
  found: FoundManifest,
  wanted: string | number,
  where: string,
): OperatorStateAt {
  const fingerprint = fingerprintIn(found)
  const names = Object.keys(fingerprint.layouts)
  const operator = typeof wanted === 'number' ? names[wanted] : wanted
  const layout = operator === undefined ? undefined : fingerprint.layouts[operator]
  if (operator !== undefined && layout !== undefined) {
    return { operator, found, fingerprint, layout }
  }
  throw new StreamError('OPERATOR_NOT_FOUND', {
    operator: wanted,
    where,
    known: names.map((name, id) => `${name} (${id})`).join(', ') || 'none',
  })
}

/** What the plan looked like that wrote a checkpoint. */
export function fingerprintIn({ manifest }: FoundManifest): PlanFingerprint {
  const fingerprint = readFingerprint(manifest.plan)
  if (fingerprint !== undefined) return fingerprint
  throw new StreamError('INTERNAL', { what: 'a checkpoint without the fingerprint of its plan' })
}

/** The columns of an operator's state. */
export function stateSchema(state: OperatorStateAt, choice: StateChoice): Schema {
  return rowSchema(viewAt(state, choice))
}

/** A field of the keys of an operator's state. */
export interface KeyField {
  readonly name: string
  readonly type: DataType
  /** Without it nobody could say where the rows of a key lie; windows can be left open. */
  readonly isNeeded: boolean
}

export function keyFieldsOf(state: OperatorStateAt, choice: StateChoice): readonly KeyField[] {
  const { key, keyBytes } = viewAt(state, choice)
  return key.map(({ name, type }, index) => {
    return { name, type, isNeeded: keyBytes.some(({ field }) => field === index) }
  })
}

function rowSchema({ key, columns }: StateView): Schema {
  const keyField = { name: 'key', type: { kind: 'struct', fields: key }, nullable: false } as const
  return [keyField, ...columns, partitionField]
}

function viewAt({ found, fingerprint, operator, layout }: OperatorStateAt, choice: StateChoice) {
  const restoredWatermark = found.manifest.evictWatermark
  const context = { state: volatileState(operator, 1), shardOf: () => 0, restoredWatermark }
  return viewOf({ layout, shape: fingerprint.operators[operator], context, choice })
}

/** A key as values in the order of the key's fields; those that are not given are `undefined`. */
export type WantedKey = readonly (Value | undefined)[]

/**
 * The rows of an operator's state, or those of one key, shard by shard. Everything is read from the files
 * of the checkpoint.
 * @throws StreamError `EPOCH_NOT_RETAINED` when the epoch was let go of while it was read
 */
export async function* readState(
  ports: StatePorts,
  reader: CheckpointReader,
  state: OperatorStateAt,
  { choice, key }: { readonly choice: StateChoice; readonly key?: WantedKey },
): AsyncGenerator<Batch> {
  const view = viewAt(state, choice)
  const wanted = key === undefined ? undefined : wantedBytes(view, key)
  const only = key === undefined ? undefined : shardOfKey(state, view, key)
  const shards = Object.entries(state.found.manifest.state[state.operator] ?? {})
  for (const [shard, version] of shards) {
    if (only !== undefined && only !== Number(shard)) continue
    const entries = await guarded(reader, state.found, () => openShard(ports, reader, version))
    try {
      for await (const chunk of chunksOf(view, entries)) {
        const some =
          wanted === undefined ? chunk : chunk.filter(([name]) => beginsWith(view, name, wanted))
        for (const batch of batchesOf(view, some, Number(shard))) {
          yield key === undefined ? batch : ofKey(batch, view.key, key)
        }
        await ports.clock.yield()
      }
    } finally {
      await entries.close()
    }
  }
}

function openShard(
  { files, clock, store, random, temporaryFolder }: StatePorts,
  { root }: CheckpointReader,
  version: ShardVersion,
): Promise<ShardEntries> {
  const temporary = joinPath(temporaryFolder, `millrace-state-${random.uuid()}`)
  return shardEntries({ files, root, clock, store, temporary }, version)
}

/** Files that are missing because retention let go of the epoch are no damage. */
async function guarded<T>(
  reader: CheckpointReader,
  found: FoundManifest,
  read: () => Promise<T>,
): Promise<T> {
  try {
    return await read()
  } catch (cause) {
    if (reader.isRetained(found)) throw cause
    const { first, last } = reader.retained()
    const what = `it was let go of while it was read; the checkpoint holds epochs ${first} to ${last}`
    const { epoch } = found.manifest
    throw new StreamError('EPOCH_NOT_RETAINED', { epoch, path: reader.root, what }, { cause })
  }
}

/** Entries in chunks; what belongs together is in one. */
async function* chunksOf(view: StateView, entries: ShardEntries): AsyncGenerator<readonly Entry[]> {
  let chunk: Entry[] = []
  for await (const entry of entries.scan(new Uint8Array(0), undefined)) {
    const [name] = entry
    if (view.keyOf(name) === undefined) continue
    const last = chunk.at(-1)?.[0]
    const isFull = chunk.length >= entriesAtOnce
    if (last !== undefined && isFull && view.belongTogether?.(last, name) !== true) {
      yield chunk
      chunk = []
    }
    chunk.push(entry)
  }
  if (chunk.length > 0) yield chunk
}

function* batchesOf(view: StateView, entries: readonly Entry[], shard: number): Iterable<Batch> {
  const schema = rowSchema(view)
  for (const { rowCount, key, columns } of view.rows(entries)) {
    if (rowCount === 0) continue
    const keyColumn: Column = { layout: 'struct', children: key }
    const partition: Column = { layout: 'i32', values: new Int32Array(rowCount).fill(shard) }
    yield { schema, rowCount, columns: [keyColumn, ...columns, partition] }
  }
}

/** The rows whose key has the values that are wanted: a window is no part of the bytes of a key. */
function ofKey(batch: Batch, fields: Schema, key: WantedKey): Batch {
  const [column] = batch.columns
  const rows = Array.from({ length: batch.rowCount }, (_, row) => row).filter((row) =>
    fields.every(({ type }, index) => {
      const wanted = key[index]
      if (wanted === undefined || column?.layout !== 'struct') return true
      const child = column.children[index]
      const found = child === undefined ? null : valueAt(child, type, row)
      return compareNullable(type, found, wanted) === 0
    }),
  )
  return select(batch, Int32Array.from(rows))
}

function wantedBytes(view: StateView, key: WantedKey): Uint8Array {
  const writer = new ByteWriter()
  for (const { field, type } of view.keyBytes) encodeKey(writer, type, key[field] ?? null)
  return writer.take()
}

function beginsWith(view: StateView, name: Uint8Array, wanted: Uint8Array): boolean {
  const key = view.keyOf(name)
  return key !== undefined && Buffer.compare(key.subarray(0, wanted.length), wanted) === 0
}

function shardOfKey(
  { fingerprint, layout }: OperatorStateAt,
  view: StateView,
  key: WantedKey,
): number {
  const values = view.keyBytes.map(({ field }) => key[field] ?? null)
  return shardOf(hashValues(shardKeyTypes(layout), values), shardLayout(fingerprint.shards))
}
