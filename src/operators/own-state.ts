import { type Batch, rowNumbers } from '../batch/batch.ts'
import type { DataType, Schema } from '../batch/schema.ts'
import type { Operator } from '../flow/operator.ts'
import type { KeyRows, OperatorKeys, OwnOperator } from '../flow/own-operator.ts'
import type { StateContext } from './context.ts'
import { textOfKey } from './keyed/entries.ts'
import { KeyedBuckets } from './keyed/keyed-buckets.ts'
import { KeyedTable } from './keyed/keyed-table.ts'
import { groupsOf } from './process/epoch-groups.ts'
import { SlotBytes } from './process/slot-bytes.ts'

/** An operator of the user's own; plain data but for what makes it. */
export interface OwnSpec {
  /** The name of its state. */
  readonly name: string
  readonly operator: OwnOperator
  readonly keys: readonly { readonly column: number; readonly type: DataType }[]
  readonly input: Schema
  readonly output: Schema
}

/** Makes the operator with its state restored. */
export async function ownOperator(spec: OwnSpec, context: StateContext): Promise<Operator> {
  const buckets = await ownBuckets(spec, context)
  const state = operatorKeys(spec, context, buckets)
  const { input, output } = spec
  return counted(spec.name, spec.operator.make({ input, output, state }), buckets)
}

type OwnBuckets = KeyedBuckets<KeyedTable<SlotBytes>>

/** The operator of the user, which reports under the name of its state how large that is. */
function counted(name: string, operator: Operator, buckets: OwnBuckets): Operator {
  return {
    name: operator.name,
    open: (header) => operator.open(header),
    process: (input, batch, output) => operator.process(input, batch, output),
    async closeEpoch(header, output) {
      const report = await operator.closeEpoch(header, output)
      const { [operator.name]: own, ...others } = report.progress ?? {}
      const size = {
        rowsTotal: buckets.rowsTotal(),
        memoryUsedBytes: buckets.byteLength(),
        storedBytes: buckets.storedBytes(),
      }
      return { ...report, progress: { ...others, [name]: { rowsIn: 0, ...own, ...size } } }
    },
    freeze: () => operator.freeze(),
    abort: () => operator.abort?.(),
    close: () => operator.close?.(),
  }
}

async function ownBuckets({ name, keys }: OwnSpec, context: StateContext): Promise<OwnBuckets> {
  const keyTypes = keys.map(({ type }) => type)
  const buckets = ownBytes(name, keyTypes, context)
  await buckets.attach()
  return buckets
}

function operatorKeys({ keys }: OwnSpec, context: StateContext, buckets: OwnBuckets): OperatorKeys {
  /** Where each key stands that `using` gave out. */
  let positions = new Map<string, number>()

  const tableOf = (key: Uint8Array): KeyedTable<SlotBytes> => {
    const position = positions.get(textOfKey(key))
    if (position === undefined) throw new RangeError('state was used for a key outside of using')
    return buckets.tableAt(0, position)
  }
  const bringIn = async (): Promise<void> => {
    if (!buckets.anyCold()) return
    for (const [position, shard] of buckets.shards.entries()) {
      const ofShard = [...positions].filter(([, at]) => at === position)
      const stateKeys = ofShard.map(([text]) => Buffer.from(text, 'latin1'))
      await buckets.loadKeys(0, shard, stateKeys)
    }
  }

  return {
    open: (epoch) => buckets.openEpoch(epoch),

    using(batch: Batch, work) {
      return buckets.pinned(async () => {
        const groups: KeyRows[] = []
        positions = new Map()
        const rows = rowNumbers(batch)
        for (const { group: key, hash, rows: mine } of groupsOf([{ batch, rows }], keys)) {
          positions.set(textOfKey(key), buckets.shards.indexOf(context.shardOf(hash)))
          groups.push({ key, rows: mine })
        }
        await bringIn()
        await work(groups)
        positions = new Map()
      })
    },

    get(key) {
      const table = tableOf(key)
      const slot = table.findKey(key)
      return slot < 0 ? undefined : table.values[0]?.bytesAt(slot)
    },

    put(key, value) {
      const table = tableOf(key)
      const slot = table.insert(key, table.hashOf(key))
      table.touch(slot)
      // A copy: `slice` of a Buffer would be none.
      table.values[0]?.set(slot, new Uint8Array(value))
    },

    delete(key) {
      const table = tableOf(key)
      const slot = table.findKey(key)
      if (slot >= 0) table.remove(slot)
    },

    freeze: () => buckets.freeze(),
    byteLength: () => buckets.byteLength(),
  }
}

/** The bytes that an operator keeps by key; not attached yet. */
export function ownBytes(
  operator: string,
  keyTypes: readonly DataType[],
  context: StateContext,
): KeyedBuckets<KeyedTable<SlotBytes>> {
  return new KeyedBuckets<KeyedTable<SlotBytes>>(
    {
      operator,
      keyTypes,
      layout: 'plain',
      make: (options) => new KeyedTable(keyTypes, [new SlotBytes()], options),
    },
    context,
  )
}
