import { type Batch, liveRows } from '../../batch/batch.ts'
import type { Schema } from '../../batch/schema.ts'
import type { Epoch } from '../../core/units.ts'
import { booleanOption, integerOption, saveModeOption, settledOption } from '../option-spec.ts'
import type { SinkFactory } from '../registry.ts'
import { type TableOptions, tableText } from './table-text.ts'

const numRows = integerOption({
  name: 'numRows',
  description: 'How many rows of an epoch are shown.',
  initial: '20',
  min: 0,
})
const truncate = booleanOption({
  name: 'truncate',
  description: 'Whether long values are cut to 20 characters.',
  initial: 'true',
})

/** Prints a table per epoch, as Spark's console sink does. */
export const consoleSink: SinkFactory = {
  format: 'console',
  options: [numRows, truncate, saveModeOption],
  modes: ['append', 'update', 'complete'],
  async create({ options, schema, immediate, print }) {
    const table: TableOptions = {
      rowLimit: settledOption(options, numRows),
      truncate: settledOption(options, truncate) ? 20 : 0,
    }
    let shown = first(table.rowLimit)
    return {
      description: 'console',
      kind: immediate === true ? 'immediate' : 'bestEffort',
      open: async () => undefined,
      async write(batch, epoch) {
        if (immediate === true) print(epochText(epoch, schema, [batch], table))
        else shown.add(batch)
      },
      async prepare(epoch) {
        if (immediate === true) return null
        print(epochText(epoch, schema, shown.batches, table))
        shown = first(table.rowLimit)
        return null
      },
      commit: async () => undefined,
      async abort() {
        shown = first(table.rowLimit)
      },
      close: async () => undefined,
    }
  },
}

/** The banner of Spark's console sink and the table below it. */
function epochText(
  epoch: Epoch,
  schema: Schema,
  batches: readonly Batch[],
  table: TableOptions,
): string {
  const line = '-------------------------------------------'
  return `${line}\nBatch: ${epoch}\n${line}\n${tableText(schema, batches, table)}\n`
}

/** Keeps batches until they hold more rows than are shown: an epoch may be larger than memory. */
function first(rowLimit: number): { readonly batches: readonly Batch[]; add(batch: Batch): void } {
  const batches: Batch[] = []
  let rows = 0
  return {
    batches,
    add(batch) {
      if (rows > rowLimit) return
      rows += liveRows(batch)
      batches.push(batch)
    },
  }
}
