import { expect, test } from 'vitest'
import { ByteWriter } from '../../src/batch/byte-writer.ts'
import { encodeKey } from '../../src/batch/key-codec.ts'
import { longType } from '../../src/batch/schema.ts'
import { KeyedTable } from '../../src/operators/keyed/keyed-table.ts'
import { shardTable } from '../../src/operators/keyed/shard-table.ts'

test('entries that wait to be forgotten are not given out again, and leave as soon as nobody counts on them', () => {
  const table = new KeyedTable([longType], [])
  for (const key of [1n, 2n, 3n]) {
    const writer = new ByteWriter()
    encodeKey(writer, longType, key)
    table.load(writer.take(), new Uint8Array(0))
  }
  const waiting: (() => void)[] = []
  const hot = shardTable(
    {
      epoch: 10,
      whenUnpinned: (work) => waiting.push(work),
      numbers: () => [0],
      tableOf: () => table,
      shardByteLength: () => table.byteLength(),
      readKey: (key) => ({ bucket: 0, key }),
      dueKey: () => undefined,
      loadEntry: () => {},
      leave: (_shard, _bucket, keep) => table.compact(keep),
    },
    0,
  )
  const block = hot.cold(1 << 20)
  expect(block.length).toBeGreaterThan(0)
  hot.forget(block)
  expect(hot.cold(1 << 20)).toHaveLength(0)
  expect(table.size).toBe(3)
  for (const work of waiting) work()
  expect(table.size).toBe(0)
})
