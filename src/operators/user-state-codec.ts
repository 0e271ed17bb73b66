import { Packr } from 'msgpackr'

/**
 * Packs values of user code that have no schema. Each packed value holds its own field names, so it can
 * be read without anything else. Maps stay maps, whole numbers keep being `number` or `bigint`.
 */
const packr = new Packr({
  useRecords: true,
  mapsAsObjects: false,
  moreTypes: true,
  int64AsType: 'bigint',
})

/** The value as bytes of its own. @throws what the packer cannot hold, such as symbols */
export function packUserValue(value: unknown): Uint8Array {
  // The packer hands out a view of its own buffer, of which `slice` would be another one.
  return new Uint8Array(packr.pack(value))
}

/** A new value equal to the one that was packed. */
export function unpackUserValue(bytes: Uint8Array): unknown {
  return packr.unpack(bytes)
}

/** Anything that was unpacked as JSON; what JSON has no form for becomes text or lists. */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'bigint') return String(part)
    if (part instanceof Map) return [...part]
    if (part instanceof Set) return [...part]
    if (part instanceof Uint8Array) return Buffer.from(part).toString('base64')
    return part
  })
  return text ?? 'null'
}
