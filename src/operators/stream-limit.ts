import { type Batch, liveRows, rowNumbers, select } from '../batch/batch.ts'
import { hashValues } from '../batch/key-hash.ts'
import type { Operator, Output, Wait } from '../flow/operator.ts'
import type { StateContext } from './context.ts'
import { KeyedBuckets } from './keyed/keyed-buckets.ts'
import { KeyedTable } from './keyed/keyed-table.ts'
import { NumberValues } from './keyed/number-values.ts'

const noKey = new Uint8Array(0)
const noKeyHash = hashValues([], [])

/** The first rows of the whole life of a query (rule E8); how many there were is its only state. */
export async function streamLimitOperator(
  name: string,
  count: number,
  context: StateContext,
): Promise<Operator> {
  const given = givenRows(name, context)
  await given.attach()
  const home = context.state.shards.indexOf(context.shardOf(noKeyHash))
  let rowsIn = 0
  let rowsOut = 0

  const pass = (batch: Batch, output: Output): Wait => {
    const rows = liveRows(batch)
    rowsIn += rows
    const table = given.tableAt(0, home)
    const slot = table.insert(noKey, noKeyHash)
    const numbers = table.values[0]?.numbers ?? new Float64Array(1)
    const taken = Math.min(rows, count - (numbers[slot] as number))
    if (taken <= 0) return undefined
    table.touch(slot)
    numbers[slot] = (numbers[slot] as number) + taken
    rowsOut += taken
    if (taken === rows) return output.emit(batch)
    const all = rowNumbers(batch)
    return output.emit(select(batch, all.slice(0, taken)))
  }

  return {
    name,

    open({ epoch }) {
      rowsIn = 0
      rowsOut = 0
      given.openEpoch(epoch)
    },

    process(_input, batch, output): Wait {
      if (!given.anyCold()) return pass(batch, output)
      return given.pinned(async () => {
        await given.loadBucket(0)
        await pass(batch, output)
      })
    },

    closeEpoch: () => ({
      progress: {
        [name]: {
          stateName: 'globalLimit',
          rowsIn,
          rowsTotal: given.rowsTotal(),
          rowsUpdated: rowsOut,
          rowsRemoved: 0,
          memoryUsedBytes: given.byteLength(),
          storedBytes: given.storedBytes(),
        },
      },
    }),

    freeze: () => given.freeze(),
  }
}

/** How many rows were given out, in one entry without a key; not attached yet. */
export function givenRows(
  name: string,
  context: StateContext,
): KeyedBuckets<KeyedTable<NumberValues>> {
  return new KeyedBuckets(
    {
      operator: name,
      keyTypes: [],
      layout: 'plain',
      make: (options) => new KeyedTable([], [new NumberValues(0)], options),
    },
    context,
  )
}
