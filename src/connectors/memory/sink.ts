import type { Batch } from '../../batch/batch.ts'
import { type EdgeOptions, type EdgeRow, toRows } from '../../batch/edge-row.ts'
import { packRows } from '../../batch/pack.ts'
import type { Schema } from '../../batch/schema.ts'
import { StreamError } from '../../core/error.ts'
import type { Json } from '../../core/json.ts'
import type { Epoch } from '../../core/units.ts'
import type { Sink } from '../../flow/connector.ts'
import type { SinkFactory, SinkMode } from '../registry.ts'

/** What one epoch left in a table. */
export interface TableEpoch {
  readonly epoch: Epoch
  readonly batches: readonly Batch[]
}

/**
 * The committed rows of a query, in this process. It outlives the attempts of the query, so that
 * every epoch is in it once; another query that writes to it begins anew.
 */
export interface MemoryTable {
  readonly schema: Schema
  /** All committed rows; in complete mode those of the newest epoch. */
  batches(): readonly Batch[]
  /** The same as objects. */
  rows(options?: EdgeOptions): EdgeRow[]
  /** Committed rows by epoch, ascending. In complete mode only the newest epoch is kept. */
  epochs(): readonly TableEpoch[]
  /** A sink that writes here. */
  sink(mode: SinkMode): Sink
}

/** What a table keeps between attempts. */
interface Content {
  queryId: string | undefined
  epochs: TableEpoch[]
  /** Rows that may still be committed, under the name that their committable has. */
  readonly prepared: Map<string, TableEpoch>
}

/** A table without rows. */
export function memoryTable(schema: Schema): MemoryTable {
  const content: Content = { queryId: undefined, epochs: [], prepared: new Map() }
  const batches = (): readonly Batch[] => content.epochs.flatMap((each) => each.batches)
  return {
    schema,
    batches,
    rows: (options) => batches().flatMap((batch) => toRows(batch, options)),
    epochs: () => content.epochs,
    sink: (mode) => sinkOf(content, mode),
  }
}

/** Writes to a `memoryTable`, given as the handle. */
export const memorySink: SinkFactory = {
  format: 'memory',
  options: [],
  modes: ['append', 'update', 'complete'],
  async create({ handle, mode }) {
    if (isTable(handle)) return handle.sink(mode)
    throw new StreamError('CONFIG_INVALID', {
      option: 'queryName',
      value: 'left out',
      expected: 'the name of the table in memory',
    })
  },
}

function sinkOf(content: Content, mode: SinkMode): Sink {
  const written = new Map<Epoch, Batch[]>()
  let token = 0
  const standsAt = (): number => content.epochs.at(-1)?.epoch ?? -1

  const commit = (epoch: Epoch, committable: Json): void => {
    const prepared = content.prepared.get(String(committable))
    if (prepared === undefined || epoch <= standsAt()) return
    content.prepared.delete(String(committable))
    content.epochs = mode === 'complete' ? [prepared] : [...content.epochs, prepared]
  }

  return {
    description: 'memory',
    kind: 'repeatable',

    async open(start) {
      token = start.token
      const last = start.lastCommitted
      if (content.queryId !== start.queryId) {
        content.queryId = start.queryId
        content.epochs = []
        content.prepared.clear()
      }
      if (last !== undefined) commit(last.epoch, last.committable)
      content.prepared.clear()
      const end = last?.epoch ?? -1
      content.epochs = content.epochs.filter(({ epoch }) => epoch <= end)
    },

    async write(batch, epoch) {
      const batches = written.get(epoch) ?? []
      // A few rows of a large batch must not keep the whole of it.
      batches.push(batch.selection === undefined ? batch : packRows(batch))
      written.set(epoch, batches)
    },

    async prepare(epoch) {
      const name = `${token}/${epoch}`
      content.prepared.set(name, { epoch, batches: written.get(epoch) ?? [] })
      written.delete(epoch)
      return name
    },

    commit: async (epoch, committable) => commit(epoch, committable),

    async abort(epoch) {
      for (const each of written.keys()) if (each >= epoch) written.delete(each)
      for (const [name, prepared] of content.prepared) {
        if (prepared.epoch >= epoch && name.startsWith(`${token}/`)) content.prepared.delete(name)
      }
    },

    async close() {
      written.clear()
    },
  }
}

function isTable(handle: object | undefined): handle is MemoryTable {
  return handle !== undefined && 'sink' in handle && typeof handle.sink === 'function'
}
