import { expect, test } from 'vitest'
import { longType } from '../../src/batch/schema.ts'
import { GroupBuckets } from '../../src/operators/aggregate/group-buckets.ts'
import { volatileState } from '../../src/runtime/volatile-state.ts'

const shards = Array.from({ length: 16 }, (_, shard) => shard)

test('the tables of shards that fill evenly do not grow in the same turn', () => {
  const buckets = new GroupBuckets(
    {
      operator: 'aggregate-0',
      mode: 'update',
      keys: [{ column: 0, type: longType }],
      aggregates: [],
      bucketing: { kind: 'none' },
      watermarked: false,
      watermarkShift: 0,
    },
    {
      state: volatileState('aggregate-0', shards.length),
      shardOf: (hash) => hash % shards.length,
      restoredWatermark: Number.NEGATIVE_INFINITY,
    },
  )
  const rowsPerTurn = 4096
  let growthsInOneTurn = 0
  let growths = 0
  let sizes = shards.map(() => 0)
  for (let turn = 0; turn < 100; turn++) {
    const hashes = Int32Array.from({ length: rowsPerTurn }, (_, row) => turn * rowsPerTurn + row)
    const keys = { layout: 'f64' as const, values: Float64Array.from(hashes) }
    buckets.update(0, [keys], hashes, undefined, [])
    const grown = shards.map((shard) => buckets.shardByteLength(shard))
    // Memory for a growth is there before it: what it leaves is less than what was held.
    const count = grown.filter((size, shard) => size < (sizes[shard] ?? 0)).length
    sizes = grown
    // Small tables grow in no time, however many at once.
    if (turn < 20) continue
    growths += count
    growthsInOneTurn = Math.max(growthsInOneTurn, count)
  }
  expect(growths).toBeGreaterThan(16)
  expect(growthsInOneTurn).toBeLessThanOrEqual(2)
})
