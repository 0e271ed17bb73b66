import { intervalMicros, parseInterval } from '../../src/core/duration.ts'
import type { StatefulHandle } from '../../src/flow/stateful-processor.ts'

/** A value and when it is over, microseconds. */
interface Kept {
  readonly key?: unknown
  readonly value: unknown
  readonly expiry: number
}

/** Everything one key keeps: lists of values by the name of the variable, and timers. */
export interface ModelKey {
  readonly variables: Map<string, Kept[]>
  timers: number[]
  /** Timers that a timer of the epoch under way registered: they wait for the next one. */
  fresh: number[]
}

/** The times of the call that is under way. */
export interface ModelCall {
  readonly key: ModelKey
  readonly now: number
  readonly writtenAt: number
}

/**
 * State variables as plain lists of values: no bytes, no entries, nothing ever removed but what is
 * cleared. What is over is passed over when it is read.
 */
export function modelHandle(call: () => ModelCall): StatefulHandle {
  const ttlOf = (options: { ttl?: string } | undefined): number =>
    options?.ttl === undefined
      ? Number.POSITIVE_INFINITY
      : intervalMicros(parseInterval(options.ttl))
  const kept = (name: string): Kept[] =>
    (call().key.variables.get(name) ?? []).filter(({ expiry }) => expiry > call().now)
  const set = (name: string, values: Kept[]): void => {
    call().key.variables.set(name, values)
  }
  const fresh = (value: unknown, ttl: number, key?: unknown): Kept => ({
    key,
    value: structuredClone(value),
    expiry: call().writtenAt + ttl,
  })
  const copies = (name: string): unknown[] => kept(name).map(({ value }) => structuredClone(value))
  const handle = {
    valueState(name: string, _type: unknown, options?: { ttl?: string }) {
      const ttl = ttlOf(options)
      return {
        exists: () => kept(name).length > 0,
        get: () => copies(name)[0],
        update: (value: unknown) => set(name, [fresh(value, ttl)]),
        clear: () => set(name, []),
      }
    },
    listState(name: string, _type: unknown, options?: { ttl?: string; cap?: number }) {
      const ttl = ttlOf(options)
      const append = (values: Iterable<unknown>): void => {
        const added = [...values].map((value) => fresh(value, ttl))
        // In event time a value can be over when it is written: it pushes out none that is not.
        const all = [...kept(name), ...added].filter(({ expiry }) => expiry > call().now)
        set(name, all.slice(-(options?.cap ?? Number.MAX_SAFE_INTEGER)))
      }
      return {
        exists: () => kept(name).length > 0,
        get: () => copies(name),
        put(values: Iterable<unknown>) {
          const all = [...values]
          set(name, [])
          append(all)
        },
        append: (value: unknown) => append([value]),
        appendAll: append,
        clear: () => set(name, []),
      }
    },
    mapState(name: string, _key: unknown, _type: unknown, options?: { ttl?: string }) {
      const ttl = ttlOf(options)
      const find = (key: unknown) => kept(name).find((entry) => entry.key === key)
      return {
        exists: () => kept(name).length > 0,
        get: (key: unknown) => structuredClone(find(key)?.value),
        has: (key: unknown) => find(key) !== undefined,
        put(key: unknown, value: unknown) {
          const entry = fresh(value, ttl, key)
          const entries = kept(name)
          const at = entries.findIndex((other) => other.key === key)
          const stays = at >= 0 && ttl === Number.POSITIVE_INFINITY
          if (stays) set(name, entries.with(at, entry))
          else set(name, [...entries.filter((other) => other.key !== key), entry])
        },
        delete: (key: unknown) =>
          set(
            name,
            kept(name).filter((entry) => entry.key !== key),
          ),
        entries: () => kept(name).map(({ key, value }) => [key, structuredClone(value)] as const),
        keys: () => kept(name).map(({ key }) => key),
        values: () => copies(name),
        clear: () => set(name, []),
      }
    },
    deleteIfExists() {},
    queryInfo: () => ({ queryId: '', runId: '', batchId: -1 }),
  }
  // The same methods over plain values.
  return handle as unknown as StatefulHandle
}
