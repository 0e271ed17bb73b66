import fc from 'fast-check'

/** What happens to an input. */
type Spoil = readonly [kind: number, at: number, byte: number, length: number]

/** Bytes that mean something to a parser. */
const telling = [
  0, 9, 10, 13, 32, 34, 39, 44, 45, 46, 48, 57, 58, 91, 92, 93, 96, 123, 125, 127, 128, 195, 255,
]

const spoils = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat({ max: 255 }), fc.nat({ max: 40 })), {
  minLength: 1,
  maxLength: 4,
})

/** Inputs that were good once. */
export function spoiltInputs(samples: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(fc.constantFrom(...samples), fc.constantFrom(...samples), spoils)
    .map(([sample, other, how]) =>
      how.reduce((bytes: Uint8Array, spoil) => spoilt(bytes, other, spoil), sample),
    )
}

function spoilt(bytes: Uint8Array, other: Uint8Array, [kind, at, byte, length]: Spoil): Uint8Array {
  if (bytes.length === 0) return Uint8Array.of(byte)
  const from = at % bytes.length
  const copy = [...bytes]
  switch (kind % 8) {
    case 0:
      copy[from] = byte
      break
    case 1:
      copy[from] = (copy[from] ?? 0) ^ (1 << (byte & 7))
      break
    case 2:
      copy[from] = telling[byte % telling.length] ?? 0
      break
    case 3:
      copy.splice(from, length)
      break
    case 4:
      copy.splice(from, 0, ...copy.slice(from, from + length))
      break
    case 5:
      copy.length = from
      break
    case 6:
      copy.splice(from, 0, ...other.slice(at % other.length, (at % other.length) + length))
      break
    default:
      copy.splice(from, 0, telling[byte % telling.length] ?? 0)
  }
  return Uint8Array.from(copy)
}
