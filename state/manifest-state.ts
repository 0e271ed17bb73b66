import type { Manifest, ShardVersion, TaskStateHandle } from './manifest.ts'

/**
 * The state part of the next manifest: what the tasks made durable, on top of the manifest before.
 * A new snapshot replaces the old one and the deltas it has no need of; deltas are appended.
 */
export function foldState(
  previous: Manifest['state'],
  handles: readonly TaskStateHandle[],
): Manifest['state'] {
  const state = new Map<string, Map<string, ShardVersion>>()
  for (const [operator, shards] of Object.entries(previous)) {
    state.set(operator, new Map(Object.entries(shards)))
  }
  const change = (
    of: { readonly operator: string; readonly shard: number },
    next: (version: ShardVersion) => ShardVersion,
  ): void => {
    const shards = state.get(of.operator) ?? new Map<string, ShardVersion>()
    state.set(of.operator, shards)
    const shard = String(of.shard)
    shards.set(shard, next(shards.get(shard) ?? { deltas: [] }))
  }
  for (const handle of handles) {
    for (const { part, ...of } of handle.deltas) {
      change(of, (version) => ({ ...version, deltas: [...version.deltas, part] }))
    }
    for (const { snapshot, ...of } of handle.snapshots) {
      change(of, ({ deltas, ...version }) => ({
        ...version,
        snapshot,
        deltas: deltas.filter((delta) => delta.epoch >= snapshot.fromEpoch),
      }))
    }
    for (const { rows, ...of } of handle.rows ?? []) change(of, (version) => ({ ...version, rows }))
  }
  return Object.fromEntries(
    [...state].map(([operator, shards]) => [operator, Object.fromEntries(shards)]),
  )
}

/** Every file and folder below the checkpoint that the state of a manifest needs. */
export function filesOfState(state: Manifest['state']): ReadonlySet<string> {
  const paths = new Set<string>()
  for (const shards of Object.values(state)) {
    for (const { snapshot, deltas } of Object.values(shards)) {
      for (const { path } of deltas) paths.add(path)
      for (const { path } of snapshot?.hot ?? []) paths.add(path)
      if (snapshot?.cold !== undefined) paths.add(snapshot.cold.folder)
    }
  }
  return paths
}
