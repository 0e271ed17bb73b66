import type { MapValue } from '../batch/value.ts'
import { registrySecret } from '../codecs/registry/registry.ts'
import { crc32c } from '../core/crc32c.ts'

/** Functions whose schemas and definitions are longer than what anybody reads in a plan. */
const withLongConstants: ReadonlySet<string> = new Set([
  'from_avro',
  'from_protobuf',
  'to_avro',
  'to_protobuf',
])

const longMin = 72
const shownCharacters = 48
const hidden = '***'

/**
 * The texts of the arguments of a call as plans, names of columns and errors show them: secrets are hidden,
 * and schemas end after their first characters, with a checksum of the whole.
 */
export function shownArguments(name: string, args: readonly string[]): readonly string[] {
  const isLong = withLongConstants.has(name.toLowerCase())
  return args.map((arg, index) => {
    if (isSecret(args[index - 1]?.replace(/^'(.*)'$/, '$1'))) return hidden
    return isLong && index > 0 ? shortened(arg) : arg
  })
}

/** Entries of a constant map with the values of secrets hidden. */
export function shownEntries(entries: MapValue['entries']): MapValue['entries'] {
  return entries.map(([key, value]) => [key, isSecret(key) ? hidden : value])
}

/** Options have no letter case. */
function isSecret(name: unknown): boolean {
  return typeof name === 'string' && name.toLowerCase() === registrySecret
}

function shortened(text: string): string {
  if (text.length < longMin) return text
  const checksum = crc32c(new TextEncoder().encode(text)).toString(16).padStart(8, '0')
  // Descriptors are bytes, and texts of schemas have many lines.
  const plain = text.replace(/[^\x20-\x7e]+/g, ' ').replace(/ +/g, ' ')
  return `${plain.slice(0, shownCharacters)}… #${checksum}`
}
