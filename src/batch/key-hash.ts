import { StreamError, unreachable } from '../core/error.ts'
import { type Column, isValid } from './batch.ts'
import { i128At } from './i128.ts'
import type { DataType } from './schema.ts'
import type { Value } from './value.ts'

// State and exchanges live by this function: a change needs a migration.

const seed = 0x3c6ef372
const nullWord = 0x9e3779b9

/**
 * A 32-bit hash of the key columns of many rows: `out[k]` is the hash of physical row `rows[k]`
 * (of row k without `rows`). It goes by SQL type and value, never by column layout: a long hashes the
 * same in `f64` and `i64`, a text the same in `bytes` and `dictionary`, −0 as 0, every NaN alike.
 */
export function hashKeys(
  columns: readonly Column[],
  types: readonly DataType[],
  rows: Int32Array | undefined,
  rowCount: number,
): Int32Array {
  const out = new Int32Array(rowCount).fill(seed)
  columns.forEach((column, index) => {
    const type = types[index]
    if (type !== undefined) mixColumn(column, type, rows, out)
  })
  for (let k = 0; k < rowCount; k++) out[k] = finish(out[k] as number)
  return out
}

/** The hash of one key given as values; equal to `hashKeys` of the same values. */
export function hashValues(types: readonly DataType[], values: readonly Value[]): number {
  let hash = seed
  types.forEach((type, index) => {
    hash = mixValue(hash, type, values[index] ?? null)
  })
  return finish(hash)
}

/** A 32-bit hash of bytes. */
export function hashBytes(bytes: Uint8Array): number {
  return finish(mixBytes(seed, bytes, 0, bytes.length))
}

function mix(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51)
  k = (k << 15) | (k >>> 17)
  const mixed = hash ^ Math.imul(k, 0x1b873593)
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0
}

function finish(hash: number): number {
  let h = hash
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/** A whole number as its two 32-bit halves, low one first; exact for safe integers. */
function mixInteger(hash: number, value: number): number {
  return mix(mix(hash, value | 0), Math.floor(value / 4_294_967_296) | 0)
}

const doubleBits = new Float64Array(1)
const doubleWords = new Int32Array(doubleBits.buffer)

function mixDouble(hash: number, value: number): number {
  doubleBits[0] = value === 0 ? 0 : Number.isNaN(value) ? Number.NaN : value
  return mix(mix(hash, doubleWords[0] as number), doubleWords[1] as number)
}

function mixBytes(hash: number, data: Uint8Array, start: number, end: number): number {
  let h = hash
  let at = start
  for (; at + 4 <= end; at += 4) {
    h = mix(
      h,
      (data[at] as number) |
        ((data[at + 1] as number) << 8) |
        ((data[at + 2] as number) << 16) |
        ((data[at + 3] as number) << 24),
    )
  }
  let tail = 0
  for (let shift = 0; at < end; at++, shift += 8) tail |= (data[at] as number) << shift
  return mix(mix(h, tail), end - start)
}

function mixBigInteger(hash: number, value: bigint): number {
  const low = Number(BigInt.asIntN(32, value))
  return mix(mix(hash, low), Number(BigInt.asIntN(32, value >> 32n)))
}

function mixDecimal(hash: number, value: bigint): number {
  return mixBigInteger(mixBigInteger(hash, value), value >> 64n)
}

function mixColumn(
  column: Column,
  type: DataType,
  rows: Int32Array | undefined,
  out: Int32Array,
): void {
  const mixRow = rowMixer(column, type)
  const validity = column.layout === 'void' ? new Uint8Array(0) : column.validity
  if (validity === undefined && column.layout === 'f64' && type.kind !== 'decimal') {
    if (type.kind !== 'double') return mixIntegers(column.values, rows, out)
  }
  for (let k = 0; k < out.length; k++) {
    const row = rows === undefined ? k : (rows[k] as number)
    const hash = out[k] as number
    out[k] = isValid(validity, row) ? mixRow(hash, row) : mix(hash, nullWord)
  }
}

/** The usual key: longs or times without nulls. */
function mixIntegers(values: Float64Array, rows: Int32Array | undefined, out: Int32Array): void {
  for (let k = 0; k < out.length; k++) {
    const value = values[rows === undefined ? k : (rows[k] as number)] as number
    out[k] = mixInteger(out[k] as number, value)
  }
}

function rowMixer(column: Column, type: DataType): (hash: number, row: number) => number {
  switch (column.layout) {
    case 'bits':
      return (hash, row) => mix(hash, ((column.values[row >> 3] ?? 0) >> (row & 7)) & 1)
    case 'i8':
    case 'i16':
    case 'i32':
      return (hash, row) => mixInteger(hash, column.values[row] as number)
    case 'f32':
      return (hash, row) => mixDouble(hash, column.values[row] as number)
    case 'f64':
      if (type.kind === 'double')
        return (hash, row) => mixDouble(hash, column.values[row] as number)
      if (type.kind === 'decimal') {
        return (hash, row) => mixDecimal(hash, BigInt(column.values[row] as number))
      }
      return (hash, row) => mixInteger(hash, column.values[row] as number)
    case 'i64':
      return (hash, row) => mixBigInteger(hash, column.values[row] as bigint)
    case 'i128':
      return (hash, row) => mixDecimal(hash, i128At(column.values, row))
    case 'bytes': {
      const { data, offsets } = column
      return (hash, row) => mixBytes(hash, data, offsets[row] as number, offsets[row + 1] as number)
    }
    case 'dictionary': {
      const { codes, dictionary } = column
      const { data, offsets } = dictionary
      return (hash, row) => {
        const code = codes[row] as number
        return mixBytes(hash, data, offsets[code] as number, offsets[code + 1] as number)
      }
    }
    case 'struct':
      return structMixer(column, type)
    case 'list':
      return listMixer(column, type)
    case 'map':
      throw new StreamError('DATATYPE_MISMATCH', {
        expression: 'A grouping key',
        expected: 'a type with equality',
        actual: 'MAP',
        suggestion: 'string',
      })
    case 'void':
      return (hash) => mix(hash, nullWord)
    default:
      return unreachable(column)
  }
}

function structMixer(
  column: Extract<Column, { layout: 'struct' }>,
  type: DataType,
): (hash: number, row: number) => number {
  const fields = type.kind === 'struct' ? type.fields : []
  const children = column.children.map((child, index) => {
    const field = fields[index]
    return nullableMixer(child, field?.type ?? { kind: 'void' })
  })
  return (hash, row) => {
    let h = hash
    for (const child of children) h = child(h, row)
    return h
  }
}

function listMixer(
  column: Extract<Column, { layout: 'list' }>,
  type: DataType,
): (hash: number, row: number) => number {
  const child = nullableMixer(column.child, type.kind === 'array' ? type.element : type)
  return (hash, row) => {
    const start = column.offsets[row] as number
    const end = column.offsets[row + 1] as number
    let h = mix(hash, end - start)
    for (let at = start; at < end; at++) h = child(h, at)
    return h
  }
}

function nullableMixer(column: Column, type: DataType): (hash: number, row: number) => number {
  const mixRow = rowMixer(column, type)
  const validity = column.layout === 'void' ? new Uint8Array(0) : column.validity
  return (hash, row) => (isValid(validity, row) ? mixRow(hash, row) : mix(hash, nullWord))
}

const encoder = new TextEncoder()

function mixValue(hash: number, type: DataType, value: Value): number {
  if (value === null) return mix(hash, nullWord)
  switch (type.kind) {
    case 'boolean':
      return mix(hash, value === true ? 1 : 0)
    case 'byte':
    case 'short':
    case 'int':
    case 'date':
    case 'timestamp':
      return mixInteger(hash, value as number)
    case 'float':
    case 'double':
      return mixDouble(hash, value as number)
    case 'long':
      return mixBigInteger(hash, BigInt(value as bigint))
    case 'decimal':
      return mixDecimal(hash, BigInt(value as bigint))
    case 'string': {
      const bytes = encoder.encode(value as string)
      return mixBytes(hash, bytes, 0, bytes.length)
    }
    case 'binary':
      return mixBytes(hash, value as Uint8Array, 0, (value as Uint8Array).length)
    case 'struct': {
      const values = value as readonly Value[]
      return type.fields.reduce(
        (h, field, index) => mixValue(h, field.type, values[index] ?? null),
        hash,
      )
    }
    case 'array': {
      const items = value as readonly Value[]
      return items.reduce(
        (h: number, item) => mixValue(h, type.element, item),
        mix(hash, items.length),
      )
    }
    case 'map':
    case 'void':
      return mix(hash, nullWord)
    default:
      return unreachable(type)
  }
}
