import type { Value } from '../../batch/value.ts'
import type { ProtoField } from './schema.ts'
import type { ValueShape } from './sql-type.ts'

/** The value that a type has when nothing was said; NULL for messages. */
export function defaultOf({ type, sql }: ValueShape): Value {
  if (type.kind === 'enum') {
    const [first] = type.enumeration.values
    return sql.kind === 'int' ? (first?.number ?? 0) : (first?.name ?? '')
  }
  switch (sql.kind) {
    case 'int':
    case 'double':
    case 'float':
      return 0
    case 'long':
      return 0n
    case 'boolean':
      return false
    case 'string':
      return ''
    case 'binary':
      return new Uint8Array()
    default:
      return null
  }
}

/** The default that a field of the older syntax names; `undefined` when it names none. */
export function namedDefault({ defaultText }: ProtoField, shape: ValueShape): Value | undefined {
  if (defaultText === undefined) return undefined
  const { type, sql } = shape
  if (type.kind === 'enum' && sql.kind === 'int') {
    return type.enumeration.values.find(({ name }) => name === defaultText)?.number
  }
  switch (sql.kind) {
    case 'int':
      return Number(defaultText) | 0
    case 'float':
      return Math.fround(floatOf(defaultText))
    case 'double':
      return floatOf(defaultText)
    case 'long':
      return BigInt.asIntN(64, BigInt(defaultText))
    case 'boolean':
      return defaultText === 'true'
    case 'binary':
      return bytesOf(defaultText)
    default:
      return defaultText
  }
}

function floatOf(text: string): number {
  const special: Readonly<Record<string, number>> = {
    inf: Number.POSITIVE_INFINITY,
    '-inf': Number.NEGATIVE_INFINITY,
    nan: Number.NaN,
  }
  return special[text] ?? Number(text)
}

const escapes: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  t: 9,
  n: 10,
  v: 11,
  f: 12,
  r: 13,
}

/** Compilers write bytes as in C. */
function bytesOf(text: string): Uint8Array {
  const bytes: number[] = []
  const parts = text.matchAll(/\\([0-7]{1,3})|\\x([0-9a-fA-F]{1,2})|\\(.)|([^\\])/gsu)
  for (const [, octal, hex, escaped, plain] of parts) {
    if (octal !== undefined) bytes.push(Number.parseInt(octal, 8) & 255)
    else if (hex !== undefined) bytes.push(Number.parseInt(hex, 16))
    else if (escaped !== undefined) bytes.push(escapes[escaped] ?? escaped.charCodeAt(0))
    else bytes.push(...new TextEncoder().encode(plain))
  }
  return Uint8Array.from(bytes)
}
