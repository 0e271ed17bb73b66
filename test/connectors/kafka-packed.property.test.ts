import fc from 'fast-check'
import { expect, test } from 'vitest'
import { murmur2 } from '../../src/connectors/kafka/murmur2.ts'
import { WireFault } from '../../src/connectors/kafka/protocol/wire-fault.ts'
import { unpackLz4 } from '../../src/connectors/kafka/records/lz4.ts'
import { unpackSnappy } from '../../src/connectors/kafka/records/snappy.ts'
import { unpackedBytesMax } from '../../src/connectors/kafka/records/unpacked-bytes.ts'
import { readyZstd, unpackZstd } from '../../src/connectors/kafka/records/zstd.ts'
import { zstdPacked, zstdText } from './zstd-sample.ts'

/** A piece of a packed text: new bytes, or bytes that came before. */
type Piece = { readonly literal: Uint8Array } | { readonly distance: number; readonly size: number }

const pieces: fc.Arbitrary<readonly Piece[]> = fc.array(
  fc.oneof(
    fc.record({ literal: fc.uint8Array({ minLength: 1, maxLength: 400 }) }),
    fc.record({ distance: fc.nat(3_000), size: fc.integer({ min: 4, max: 64 }) }),
  ),
  { maxLength: 30 },
)

/** The text of pieces, and the pieces that can be packed: a copy needs something before it. */
function unpackedPieces(all: readonly Piece[]): {
  readonly text: readonly number[]
  readonly packable: readonly Piece[]
} {
  const text: number[] = []
  const packable: Piece[] = []
  for (const piece of all) {
    if ('literal' in piece) {
      text.push(...piece.literal)
      packable.push(piece)
      continue
    }
    if (text.length === 0) continue
    const distance = 1 + (piece.distance % text.length)
    packable.push({ distance, size: piece.size })
    for (let count = 0; count < piece.size; count++) text.push(text.at(-distance) as number)
  }
  return { text, packable }
}

function varint(value: number): readonly number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)]
}

/** One block of Snappy, as its description of the format has it. */
function snappyBlock(text: readonly number[], packable: readonly Piece[]): Uint8Array {
  const out = [...varint(text.length)]
  for (const piece of packable) {
    if ('literal' in piece) {
      const size = piece.literal.length - 1
      if (size < 60) out.push(size << 2)
      else if (size < 256) out.push(60 << 2, size)
      else out.push(61 << 2, size & 255, size >>> 8)
      out.push(...piece.literal)
      continue
    }
    const { distance, size } = piece
    if (size < 12 && distance < 2048) {
      out.push(1 | ((size - 4) << 2) | ((distance >>> 8) << 5), distance & 255)
    } else if (distance < 65_536) out.push(2 | ((size - 1) << 2), distance & 255, distance >>> 8)
    else out.push(3 | ((size - 1) << 2), distance & 255, (distance >>> 8) & 255, distance >>> 16, 0)
  }
  return Uint8Array.from(out)
}

/** A frame of LZ4 with one block of sequences, each of literals and a copy. */
function lz4Frame(packable: readonly Piece[]): Uint8Array {
  const more = (size: number): readonly number[] =>
    size < 15 ? [] : [...Array(Math.floor((size - 15) / 255)).fill(255), (size - 15) % 255]
  const block: number[] = []
  let literals: number[] = []
  for (const piece of packable) {
    if ('literal' in piece) {
      literals.push(...piece.literal)
      continue
    }
    const size = piece.size - 4
    block.push((Math.min(15, literals.length) << 4) | Math.min(15, size), ...more(literals.length))
    block.push(...literals, piece.distance & 255, piece.distance >>> 8, ...more(size))
    literals = []
  }
  block.push(Math.min(15, literals.length) << 4, ...more(literals.length), ...literals)
  const head = [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0]
  const size = [block.length & 255, (block.length >>> 8) & 255, block.length >>> 16, 0]
  return Uint8Array.from([...head, ...size, ...block, 0, 0, 0, 0])
}

test('Snappy gives back what was packed, as one block and in the frame of Java', () => {
  fc.assert(
    fc.property(pieces, (all) => {
      const { text, packable } = unpackedPieces(all)
      const block = snappyBlock(text, packable)
      expect([...unpackSnappy(block)]).toEqual(text)
      const mark = [0x82, ...new TextEncoder().encode('SNAPPY'), 0, 0, 0, 0, 1, 0, 0, 0, 1]
      const size = [0, block.length >>> 16, (block.length >>> 8) & 255, block.length & 255]
      const framed = Uint8Array.from([...mark, ...size, ...block, ...size, ...block])
      expect([...unpackSnappy(framed)]).toEqual([...text, ...text])
    }),
    { numRuns: 500 },
  )
})

test('LZ4 gives back what was packed', () => {
  fc.assert(
    fc.property(pieces, (all) => {
      const { text, packable } = unpackedPieces(all)
      expect([...unpackLz4(lz4Frame(packable))]).toEqual(text)
    }),
    { numRuns: 500 },
  )
})

test('bytes that were packed in no way are refused, and take no more memory than allowed', () => {
  let refused = 0
  fc.assert(
    fc.property(
      pieces,
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
      (all, damages) => {
        const { text, packable } = unpackedPieces(all)
        for (const [unpack, packed] of [
          [unpackSnappy, snappyBlock(text, packable)],
          [unpackLz4, lz4Frame(packable)],
        ] as const) {
          for (const [place, byte] of damages) packed[place % packed.length] = byte
          try {
            unpack(packed)
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(WireFault)
            refused += 1
          }
        }
      },
    ),
    { numRuns: 3_000 },
  )
  expect(refused).toBeGreaterThan(500)
  const bomb = Uint8Array.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0])
  expect(() => unpackSnappy(bomb)).toThrow(WireFault)
})

// The values are those that Kafka's own tests of `Utils.murmur2` expect.
test.each([
  ['21', -973_932_308],
  ['foobar', -790_332_482],
  ['a-little-bit-long-string', -985_981_536],
  ['a-little-bit-longer-string', -1_486_304_829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58_897_971],
  ['abc', 479_470_107],
])('the hash of %j is that of Kafka', (text, hash) => {
  const bytes = new TextEncoder().encode(`..${text}.`)
  expect(murmur2(bytes, 2, bytes.length - 1)).toBe(hash)
})

test('what was packed with zstd is unpacked, and what was not is a fault', async () => {
  await readyZstd()
  expect(new TextDecoder().decode(unpackZstd(zstdPacked))).toBe(zstdText)
  const cut = fc.nat(zstdPacked.length - 5).map((size) => zstdPacked.slice(0, size))
  const changed = fc
    .tuple(fc.nat(zstdPacked.length - 1), fc.nat(255))
    .map(([at, byte]) => zstdPacked.with(at, byte))
  fc.assert(
    fc.property(fc.oneof(cut, changed, fc.uint8Array()), (bytes) => {
      try {
        expect(unpackZstd(bytes).length).toBeLessThanOrEqual(unpackedBytesMax)
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(WireFault)
      }
    }),
  )
  for (let size = 0; size < zstdPacked.length; size++) {
    expect(() => unpackZstd(zstdPacked.slice(0, size)), String(size)).toThrow(WireFault)
  }
})

test('a frame of zstd gets no more memory than the highest level asks for', async () => {
  await readyZstd()
  // A window of 2 GiB, in 41 bytes.
  const greedy = zstdPacked.with(5, 0xa8)
  expect(() => unpackZstd(greedy)).toThrow('zstd: a window of 2147483648 bytes')
  // One frame behind another one, and bytes in front that are to be skipped.
  const skipped = [0x5f, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 7, 7]
  const framed = Uint8Array.from([...skipped, ...zstdPacked, ...greedy])
  expect(() => unpackZstd(framed)).toThrow('a window of')
  const good = Uint8Array.from([...skipped, ...zstdPacked])
  expect(new TextDecoder().decode(unpackZstd(good))).toBe(zstdText)
})
