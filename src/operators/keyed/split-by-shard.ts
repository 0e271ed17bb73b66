import type { StateContext } from '../context.ts'

/** Rows of one shard, by its position among the shards of the task. */
export interface ShardRows {
  readonly position: number
  readonly hashes: Int32Array
  readonly rows: Int32Array
}

/** Splits rows by the shards of a task. `hashes[k]` belongs to row `rows[k]` (k without `rows`). */
export function splitByShard(
  shardPositions: ReadonlyMap<number, number>,
  { shardOf }: StateContext,
  hashes: Int32Array,
  rows: Int32Array | undefined,
): readonly ShardRows[] {
  const count = hashes.length
  const positions = new Uint8Array(count)
  const sizes = new Int32Array(shardPositions.size)
  for (let k = 0; k < count; k++) {
    const position = shardPositions.get(shardOf(hashes[k] as number)) ?? 0
    positions[k] = position
    sizes[position] = (sizes[position] as number) + 1
  }
  const parts = Array.from(sizes, (size, position) => ({
    position,
    hashes: new Int32Array(size),
    rows: new Int32Array(size),
  }))
  const filled = new Int32Array(sizes.length)
  for (let k = 0; k < count; k++) {
    const position = positions[k] as number
    const part = parts[position] as (typeof parts)[number]
    const at = filled[position] as number
    part.hashes[at] = hashes[k] as number
    part.rows[at] = rows === undefined ? k : (rows[k] as number)
    filled[position] = at + 1
  }
  return parts.filter((part) => part.hashes.length > 0)
}
