import { isValid } from '../../batch/batch.ts'
import { valueAt } from '../../batch/read.ts'
import type { DataType } from '../../batch/schema.ts'
import { numbersOf, validityOf } from './column-numbers.ts'
import type { Folding } from './folding.ts'

/** `product` of doubles. */
export function productFolding(): Folding<number | undefined> {
  return {
    zero: () => undefined,
    adder({ args: [column] }) {
      const numbers = column === undefined ? undefined : numbersOf(column)
      const validity = validityOf(column)
      return (product, row) =>
        numbers === undefined || !isValid(validity, row)
          ? product
          : (product ?? 1) * (numbers[row] as number)
    },
    merge: (into, from) => (from === undefined ? into : (into ?? 1) * from),
    finish: (product) => product ?? null,
    encode(product, writer) {
      writer.byte(product === undefined ? 0 : 1)
      writer.f64(product ?? 0)
    },
    decode(reader) {
      const isPresent = reader.byte() === 1
      const product = reader.f64()
      return isPresent ? product : undefined
    },
    byteLength: () => 16,
  }
}

/** `bit_and`, `bit_or` and `bit_xor` of whole numbers. */
export function bitsFolding(
  type: DataType,
  which: 'bit_and' | 'bit_or' | 'bit_xor',
): Folding<bigint | undefined> {
  const join = (left: bigint | undefined, right: bigint): bigint => {
    if (left === undefined) return right
    return which === 'bit_and' ? left & right : which === 'bit_or' ? left | right : left ^ right
  }
  return {
    zero: () => undefined,
    adder({ args: [column] }) {
      return (bits, row) => {
        const value = column === undefined ? null : valueAt(column, type, row)
        return value === null ? bits : join(bits, BigInt(value as number | bigint))
      }
    },
    merge: (into, from) => (from === undefined ? into : join(into, from)),
    finish: (bits) => (bits === undefined ? null : type.kind === 'long' ? bits : Number(bits)),
    encode(bits, writer) {
      writer.byte(bits === undefined ? 0 : 1)
      writer.i64(bits ?? 0n)
    },
    decode(reader) {
      const isPresent = reader.byte() === 1
      const bits = reader.i64()
      return isPresent ? bits : undefined
    },
    byteLength: () => 24,
  }
}
