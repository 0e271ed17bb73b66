import { forEachEntry, keyOfText, textOfKey } from '../src/operators/keyed/entries.ts'
import type { EntryBlock } from '../state/frozen.ts'
import type { HotTable, OperatorState } from '../state/operator-state.ts'

/** State whose entries leave memory when a test says so, and come back from a sorted list. */
export interface SpillingState {
  readonly state: OperatorState
  /** Moves up to so many bytes of unchanged entries of each shard out of memory; how many bytes went. */
  spill(maxBytes: number): number
}

/** State that begins with these blocks, by shard; in memory, or with `startsCold` out of it. */
export function spillingState(
  operator: string,
  shardCount: number,
  blocks: readonly { readonly shard: number; readonly block: EntryBlock }[] = [],
  { startsCold = false }: { readonly startsCold?: boolean } = {},
): SpillingState {
  const shards = Array.from({ length: shardCount }, (_, shard) => shard)
  const tables = new Map<number, HotTable>()
  const cold = shards.map(() => new Map<string, Uint8Array>())
  const given = shards.map(() => startsCold)
  const putCold = (shard: number, block: EntryBlock): void => {
    forEachEntry(block, (key, value) => {
      if (value === undefined) cold[shard]?.delete(textOfKey(key))
      else cold[shard]?.set(textOfKey(key), Uint8Array.from(value))
    })
  }
  if (startsCold) for (const { shard, block } of blocks) putCold(shard, block)
  const sorted = (shard: number): [string, Uint8Array][] =>
    [...(cold[shard] ?? [])].sort(([a], [b]) => (a < b ? -1 : 1))

  const state: OperatorState = {
    operator,
    shards,
    shardCount,
    attach(shard, table) {
      tables.set(shard, table)
      if (startsCold) return Promise.resolve()
      for (const each of blocks) if (each.shard === shard) table.load(each.block)
      return Promise.resolve()
    },
    restored: () => undefined,
    hasCold: (shard) => given[shard] === true,
    getMany: (shard, keys) => Promise.resolve(keys.map((key) => cold[shard]?.get(textOfKey(key)))),
    async *scan(shard, from, to) {
      const [first, end] = [textOfKey(from), to === undefined ? undefined : textOfKey(to)]
      for (const [key, value] of sorted(shard)) {
        if (key >= first && (end === undefined || key < end)) yield [keyOfText(key), value] as const
      }
    },
    dropRange(shard, from, to) {
      for (const [key] of sorted(shard)) {
        if (key >= textOfKey(from) && key < textOfKey(to)) cold[shard]?.delete(key)
      }
    },
  }

  return {
    state,
    spill(maxBytes) {
      let bytes = 0
      for (const [shard, table] of tables) {
        given[shard] = true
        const block = table.cold(maxBytes)
        bytes += block.length
        putCold(shard, block)
        table.forget(block)
      }
      return bytes
    },
  }
}
