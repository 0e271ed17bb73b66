import fc from 'fast-check'
import { expect, test } from 'vitest'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import { crc32c } from '../../src/core/crc32c.ts'
import { epoch } from '../../src/core/units.ts'
import { readPart, writeDelta } from '../../state/delta.ts'
import { packEntries, splitBlock, unpackEntries } from '../../state/entry-block.ts'
import type { Change } from '../../state/store.ts'

const changes: fc.Arbitrary<Change[]> = fc.array(
  fc.tuple(
    fc.uint8Array({ maxLength: 12 }),
    fc.option(fc.uint8Array({ maxLength: 30 }), { nil: undefined }),
  ),
)

test('packed changes come back, whole or in pieces', () => {
  fc.assert(
    fc.property(changes, fc.integer({ min: 1, max: 100 }), (given, maxBytes) => {
      const block = packEntries(given)
      expect(unpackEntries(block)).toEqual(given)
      const pieces = [...splitBlock(block, maxBytes)]
      expect(pieces.flatMap((piece) => unpackEntries(piece))).toEqual(given)
    }),
  )
})

test('the checksum is CRC-32C: the vectors of RFC 3720, and bit by bit for random bytes', () => {
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
  expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43)
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, index) => index))).toBe(0x46dd794e)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(40), (bytes, cut) => {
      expect(crc32c(bytes)).toBe(slowCrc(bytes))
      expect(crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut)))).toBe(slowCrc(bytes))
    }),
  )
})

function slowCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return ~crc >>> 0
}

test('the blocks of a delta are read back, and every change of the file is noticed', async () => {
  const files = virtualFileSystem()
  await files.makeFolder('root/deltas')
  const blocks = [0, 1].map((shard) => ({
    operator: 'count',
    shard,
    block: Uint8Array.from({ length: 20 }, (_, index) => index + shard),
  }))
  const owner = { token: 3, task: '2/0' }
  const parts = await writeDelta(files, 'root', { owner, epoch: epoch(7), blocks })
  expect(parts.map(({ part }) => part.path)).toEqual(['deltas/3-7-2=2f0', 'deltas/3-7-2=2f0'])
  for (const [index, { part }] of parts.entries()) {
    const read = await readPart(files, 'root', part)
    expect(new Uint8Array(read)).toEqual(blocks[index]?.block)
    for (let at = part.offset; at < part.offset + part.length; at++) {
      const flip = (bytes: Uint8Array): Uint8Array =>
        bytes.map((byte, place) => (place === at ? byte ^ 4 : byte))
      files.tamper('root/deltas/3-7-2=2f0', flip)
      await expect(readPart(files, 'root', part)).rejects.toMatchObject({
        code: 'CHECKPOINT_CORRUPT',
      })
      files.tamper('root/deltas/3-7-2=2f0', flip)
    }
    const cut = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, part.offset + part.length - 1)
    const whole = (await files.read('root/deltas/3-7-2=2f0')) ?? new Uint8Array()
    for (const change of [cut, () => undefined]) {
      files.tamper('root/deltas/3-7-2=2f0', change)
      await expect(readPart(files, 'root', part)).rejects.toMatchObject({
        code: 'CHECKPOINT_CORRUPT',
      })
      await files.remove('root/deltas/3-7-2=2f0')
      await files.create('root/deltas/3-7-2=2f0', whole)
    }
  }
})

test('an epoch without changes has no file, and no name is written twice', async () => {
  const files = virtualFileSystem()
  await files.makeFolder('root/deltas')
  const owner = { token: 1, task: '0/0' }
  const empty = [{ operator: 'count', shard: 0, block: new Uint8Array() }]
  expect(await writeDelta(files, 'root', { owner, epoch: epoch(0), blocks: empty })).toEqual([])
  expect(files.allFiles()).toEqual([])
  const blocks = [{ operator: 'count', shard: 0, block: new Uint8Array([1]) }]
  await writeDelta(files, 'root', { owner, epoch: epoch(0), blocks })
  await expect(writeDelta(files, 'root', { owner, epoch: epoch(0), blocks })).rejects.toMatchObject(
    {
      code: 'IO_ERROR',
    },
  )
})
