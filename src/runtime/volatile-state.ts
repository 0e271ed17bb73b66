import type { OperatorState } from '../../state/operator-state.ts'

/** State that lives and dies with the run: for batch queries, which end before anything could fail over. */
export function volatileState(operator: string, shardCount: number): OperatorState {
  return {
    operator,
    shards: Array.from({ length: shardCount }, (_, shard) => shard),
    shardCount,
    attach: () => Promise.resolve(),
    restored: () => undefined,
    hasCold: () => false,
    getMany: (_shard, keys) => Promise.resolve(keys.map(() => undefined)),
    scan: () => noEntries(),
    dropRange() {},
  }
}

async function* noEntries(): AsyncGenerator<never> {}
