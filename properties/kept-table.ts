import type { Batch } from '../src/batch/batch.ts'
import { packRows } from '../src/batch/pack.ts'
import type { SinkFactory } from '../src/connectors/registry.ts'
import type { Json } from '../src/core/json.ts'
import type { Epoch } from '../src/core/units.ts'
import type { Sink } from '../src/flow/connector.ts'

/** What one epoch brought to a kept table. */
export interface KeptEpoch {
  readonly epoch: Epoch
  readonly batches: readonly Batch[]
}

/**
 * A table on another machine: what is prepared or committed there outlives the process that writes,
 * and every epoch is kept by itself in each output mode, so that it can be held to an oracle. It
 * refuses a query whose checkpoint is behind what was committed, as rows were shown too early, and a process
 * whose place another one has taken.
 */
export interface KeptTable {
  /** Committed epochs, in the order of their commits. */
  epochs(): readonly KeptEpoch[]
  /** Prepared transactions that were neither committed nor aborted. */
  open(): readonly string[]
  /**
   * The format `kept`, for `session.register({ sink })`; one per life of the process. `onStep` is told
   * of every request before it takes effect, and may throw: the request is then lost. `slow` is waited
   * for before a batch is taken.
   */
  sink(onStep?: (name: string) => void, slow?: () => Promise<void>): SinkFactory
  /** The same table once more; what happens to one is nothing to the other. */
  twin(): KeptTable
}

interface Content {
  /** The newest process that has opened the table; older ones are refused. */
  token: number
  readonly committed: KeptEpoch[]
  readonly prepared: Map<string, KeptEpoch>
}

/** An empty table. */
export function keptTable(): KeptTable {
  return tableOver({ token: 0, committed: [], prepared: new Map() })
}

function tableOver(content: Content): KeptTable {
  return {
    twin: () =>
      tableOver({
        token: content.token,
        committed: [...content.committed],
        prepared: new Map(content.prepared),
      }),
    epochs: () => content.committed,
    open: () => [...content.prepared.keys()],
    sink: (onStep = () => undefined, slow = async () => undefined) => ({
      format: 'kept',
      options: [],
      modes: ['append', 'update', 'complete'],
      create: async () => sinkOf(content, onStep, slow),
    }),
  }
}

function sinkOf(content: Content, onStep: (name: string) => void, slow: () => Promise<void>): Sink {
  const written = new Map<Epoch, Batch[]>()
  let token = 0
  const mustBeNewest = (): void => {
    if (token < content.token) throw new Error(`process ${content.token} writes here now`)
  }
  const commit = (epoch: Epoch, committable: Json): void => {
    onStep(`table commit ${epoch}`)
    mustBeNewest()
    const prepared = content.prepared.get(String(committable))
    content.prepared.delete(String(committable))
    const newest = content.committed.at(-1)?.epoch ?? -1
    if (epoch <= newest) return
    if (prepared === undefined) throw new Error(`nothing was prepared as ${String(committable)}`)
    content.committed.push(prepared)
  }
  return {
    description: 'kept',
    kind: 'repeatable',
    async open(start) {
      token = start.token
      mustBeNewest()
      content.token = token
      const last = start.lastCommitted
      const newest = content.committed.at(-1)?.epoch ?? -1
      if (newest > (last?.epoch ?? -1)) {
        throw new Error(`epoch ${newest} was committed, and no checkpoint stands behind it`)
      }
      if (last !== undefined) commit(last.epoch, last.committable)
      onStep('table open')
      content.prepared.clear()
    },
    async write(batch, epoch) {
      await slow()
      const batches = written.get(epoch) ?? []
      batches.push(packRows(batch))
      written.set(epoch, batches)
    },
    async prepare(epoch) {
      onStep(`table prepare ${epoch}`)
      mustBeNewest()
      const name = `${token}/${epoch}`
      content.prepared.set(name, { epoch, batches: written.get(epoch) ?? [] })
      written.delete(epoch)
      return name
    },
    commit: async (epoch, committable) => commit(epoch, committable),
    async abort(epoch) {
      onStep(`table abort ${epoch}`)
      mustBeNewest()
      for (const each of written.keys()) if (each >= epoch) written.delete(each)
      for (const [name, prepared] of content.prepared) {
        if (prepared.epoch >= epoch) content.prepared.delete(name)
      }
    },
    async close() {
      written.clear()
    },
  }
}
