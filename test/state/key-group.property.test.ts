import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  keyGroupOf,
  laneOfShard,
  shardLayout,
  shardOf,
  shardsOfLane,
} from '../../state/key-group.ts'

const layouts = fc.record({
  shardCount: fc.integer({ min: 1, max: 64 }),
  groupsPerShard: fc.integer({ min: 1, max: 64 }),
})
const hashes = fc.integer({ min: -(2 ** 31), max: 2 ** 32 - 1 })

test('every hash has one group and one shard, whichever sign it is written with', () => {
  fc.assert(
    fc.property(layouts, hashes, (layout, hash) => {
      const group = keyGroupOf(hash, layout)
      expect(Number.isInteger(group)).toBe(true)
      expect(group).toBeGreaterThanOrEqual(0)
      expect(group).toBeLessThan(layout.shardCount * layout.groupsPerShard)
      expect(shardOf(hash, layout)).toBe(Math.floor(group / layout.groupsPerShard))
      expect(keyGroupOf(hash | 0, layout)).toBe(keyGroupOf(hash >>> 0, layout))
    }),
  )
})

test('the lanes own disjoint, complete, contiguous and even ranges of shards', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 64 }),
      fc.integer({ min: 1, max: 64 }),
      (count, lanes) => {
        fc.pre(lanes <= count)
        const layout = { shardCount: count, lanes }
        const owned = Array.from({ length: lanes }, (_, lane) => shardsOfLane(lane, layout))
        expect(owned.flat()).toEqual(Array.from({ length: count }, (_, shard) => shard))
        const sizes = owned.map((shards) => shards.length)
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
      },
    ),
  )
})

test('the mapping of a few hashes is frozen, as checkpoints live by it', () => {
  const shards = [0, 0x1fffffff, 0x20000000, 0x7fffffff, 0x80000000, 0xffffffff]
  expect(shards.map((hash) => shardOf(hash, shardLayout(8)))).toEqual([0, 0, 1, 3, 4, 7])
  expect(laneOfShard(7, { shardCount: 8, lanes: 3 })).toBe(2)
})
