import type { Batch } from '../src/batch/batch.ts'
import { packRows } from '../src/batch/pack.ts'
import type { SinkFactory } from '../src/connectors/registry.ts'
import { StreamError } from '../src/core/error.ts'
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
 * refuses a query whose checkpoint is behind what was committed, as rows were shown too early, and, if it
 * `fences`, a process whose place another one has taken.
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
  /** All that a process finds there, as text; equal for equal tables. */
  state(): string
}

/** What a kept table takes upon itself. */
export interface KeptTableOptions {
  /**
   * Whether it refuses a process whose place another one has taken, and an epoch that it has. A table that does
   * not takes whatever is committed, once per name: as a folder does into which files are moved. Then the log of
   * the query alone keeps a zombie out. Default: it does.
   */
  readonly fences?: boolean
}

interface Content {
  readonly fences: boolean
  /** The newest process that has opened the table; older ones are refused. */
  token: number
  readonly committed: KeptEpoch[]
  /** Names under which epochs were committed. */
  readonly names: Set<string>
  readonly prepared: Map<string, KeptEpoch>
}

/** An empty table. */
export function keptTable({ fences = true }: KeptTableOptions = {}): KeptTable {
  return tableOver({ fences, token: 0, committed: [], names: new Set(), prepared: new Map() })
}

function tableOver(content: Content): KeptTable {
  return {
    twin: () =>
      tableOver({
        ...content,
        committed: [...content.committed],
        names: new Set(content.names),
        prepared: new Map(content.prepared),
      }),
    state() {
      const { token, committed, names, prepared } = content
      const pending = [...prepared].map(([name, epoch]) => `${name}: ${textOf(epoch)}`)
      return [token, committed.map(textOf), [...names], pending].join('; ')
    },
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

const texts = new WeakMap<KeptEpoch, string>()

/** All that an epoch brought, made once: what was prepared is never changed. */
function textOf(kept: KeptEpoch): string {
  const known = texts.get(kept) ?? JSON.stringify(kept, exactly)
  texts.set(kept, known)
  return known
}

function exactly(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (!ArrayBuffer.isView(value)) return value
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1')
}

function sinkOf(content: Content, onStep: (name: string) => void, slow: () => Promise<void>): Sink {
  const written = new Map<Epoch, Batch[]>()
  let token = 0
  const mustBeNewest = (): void => {
    if (content.fences && token < content.token)
      throw new Error(`process ${content.token} writes here now`)
  }
  const commit = (epoch: Epoch, committable: Json): void => {
    onStep(`table commit ${epoch}`)
    mustBeNewest()
    const name = String(committable)
    const prepared = content.prepared.get(name)
    content.prepared.delete(name)
    const newest = content.committed.at(-1)?.epoch ?? -1
    if (content.fences ? epoch <= newest : content.names.has(name)) return
    if (prepared === undefined) throw new Error(`nothing was prepared as ${name}`)
    content.committed.push(prepared)
    content.names.add(name)
  }
  return {
    description: 'kept',
    kind: 'repeatable',
    async open(start) {
      token = start.token
      mustBeNewest()
      content.token = Math.max(token, content.token)
      const last = start.lastCommitted
      const epoch = content.committed.at(-1)?.epoch ?? -1
      const known = last?.epoch ?? -1
      if (epoch > known) throw new StreamError('SINK_AHEAD', { sink: 'kept', epoch, known })
      if (last !== undefined) commit(last.epoch, last.committable)
      onStep('table open')
      for (const name of content.prepared.keys()) {
        // What a newer process prepares is not for an older one to take away.
        if (Number.parseInt(name, 10) <= token) content.prepared.delete(name)
      }
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
        const isOwn = content.fences || name.startsWith(`${token}/`)
        if (isOwn && prepared.epoch >= epoch) content.prepared.delete(name)
      }
    },
    async close() {
      written.clear()
    },
  }
}
