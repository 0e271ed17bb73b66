import { expect, test } from 'vitest'
import { ByteWriter } from '../../src/batch/byte-writer.ts'
import { encodeKey } from '../../src/batch/key-codec.ts'
import { longType } from '../../src/batch/schema.ts'
import { forEachEntry, textOfKey } from '../../src/operators/keyed/entries.ts'
import { KeyedTable } from '../../src/operators/keyed/keyed-table.ts'
import { type ShardEntries, shardTable } from '../../src/operators/keyed/shard-table.ts'

test('entries that wait to be forgotten are not given out again, and leave as soon as nobody counts on them', () => {
  const table = new KeyedTable([longType], [])
  for (const key of [1n, 2n, 3n]) table.load(encoded(key), new Uint8Array(0))
  const waiting: (() => void)[] = []
  const hot = shardTable(viewOf(table, { whenUnpinned: (work) => waiting.push(work) }), 0)
  const block = hot.cold(1 << 20)
  expect(block.length).toBeGreaterThan(0)
  hot.forget(block)
  expect(hot.cold(1 << 20)).toHaveLength(0)
  expect(table.size).toBe(3)
  for (const work of waiting) work()
  expect(table.size).toBe(0)
})

test('a walk finds every entry that is there all the time, although slots are squeezed out on its way', () => {
  const table = new KeyedTable([longType], [])
  const hot = shardTable(viewOf(table, { epoch: 0 }), 0)
  table.openEpoch(0)
  for (let key = 0n; key < 5000n; key++) table.load(encoded(key), new Uint8Array(0))
  const found = new Set<string>()
  let cursor: number | undefined = 0
  for (let step = 0; cursor !== undefined; step++) {
    const given = hot.dump(cursor, 20_000)
    cursor = given.cursor
    forEachEntry(given.block, (key) => found.add(textOfKey(key)))
    if (step !== 2) continue
    // Those at the front are over, as when an epoch closes; the next one squeezes the others together.
    for (let key = 0n; key < 3000n; key++) table.forget(table.findKey(encoded(key)))
    table.openEpoch(1)
    expect(table.count).toBe(2000)
  }
  for (let key = 3000n; key < 5000n; key++) expect(found).toContain(textOfKey(encoded(key)))
})

/** A key of a table of longs. */
function encoded(key: bigint): Uint8Array {
  const writer = new ByteWriter()
  encodeKey(writer, longType, key)
  return writer.take()
}

/** Entries of which there is one table. */
function viewOf(table: KeyedTable, given: Partial<ShardEntries>): ShardEntries {
  return {
    epoch: 10,
    whenUnpinned: (work) => work(),
    numbers: () => [0],
    tableOf: () => table,
    shardByteLength: () => table.byteLength(),
    readKey: (key) => ({ bucket: 0, key }),
    dueKey: () => undefined,
    loadEntry: () => {},
    leave: (_shard, _bucket, keep) => table.compact(keep),
    ...given,
  }
}
