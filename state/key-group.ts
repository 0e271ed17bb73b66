/**
 * How keys are spread: hash → key group → shard → lane. Groups and shards are fixed when a query
 * first starts (state lives by them); the number of lanes may change at any restart.
 */
export interface ShardLayout {
  /** Also the largest useful number of lanes. */
  readonly shardCount: number
  readonly groupsPerShard: number
}

/** How keys are spread in checkpoints with this many shards. */
export function shardLayout(shardCount: number): ShardLayout {
  return { shardCount, groupsPerShard: 16 }
}

/**
 * The key group of a 32-bit hash, signed or not. It takes the high bits, so that within a shard the
 * low ones still differ and can pick the slot of a hash table.
 */
export function keyGroupOf(hash: number, layout: ShardLayout): number {
  return Math.floor(((hash >>> 0) * layout.shardCount * layout.groupsPerShard) / 4_294_967_296)
}

export function shardOfKeyGroup(group: number, layout: ShardLayout): number {
  return Math.floor(group / layout.groupsPerShard)
}

/** The shard in which the state of a key with this hash lives, for ever. */
export function shardOf(hash: number, layout: ShardLayout): number {
  return shardOfKeyGroup(keyGroupOf(hash, layout), layout)
}

/** How many of the shards' owners there are. */
export interface LaneLayout {
  readonly shardCount: number
  readonly lanes: number
}

/** The lane that owns a shard: contiguous ranges whose sizes differ by one at most. */
export function laneOfShard(shard: number, layout: LaneLayout): number {
  return Math.floor((shard * layout.lanes) / layout.shardCount)
}

/** The shards of a lane, ascending; empty if there are more lanes than shards. */
export function shardsOfLane(lane: number, layout: LaneLayout): readonly number[] {
  const all = Array.from({ length: layout.shardCount }, (_, shard) => shard)
  return all.filter((shard) => laneOfShard(shard, layout) === lane)
}
