import type { Column, Validity } from './batch.ts'
import type { Value } from './value.ts'

/**
 * Collects the values of one column and seals them in Arrow layout. The only place that grows
 * column buffers. After `finish` the builder is empty again.
 */
export interface ColumnBuilder {
  readonly length: number
  /** Appends a value in the form of `Value` for the builder's type. */
  append(value: Value): void
  appendNull(): void
  /** For byte, short, int, float, double, date, timestamp, and long or decimal that are safe integers. */
  appendNumber(value: number): void
  /** For string and binary: copies `bytes[start, end)`. */
  appendUtf8(bytes: Uint8Array, start: number, end: number): void
  appendBoolean(value: boolean): void
  finish(): Column
}

/** Remembers nulls only from the first one on. */
export class ValidityBuilder {
  #bits: Uint8Array | undefined

  /** Says that `row` is null; rows never mentioned are present. */
  setNull(row: number): void {
    let bits = this.#bits
    if (bits === undefined || row >> 3 >= bits.length) {
      const before = bits
      bits = new Uint8Array(Math.max((before?.length ?? 0) * 2, (row >> 3) + 1, 16)).fill(255)
      if (before !== undefined) bits.set(before)
      this.#bits = bits
    }
    bits[row >> 3] = (bits[row >> 3] as number) & ~(1 << (row & 7))
  }

  finish(length: number): { readonly validity?: Validity } {
    const bits = this.#bits
    this.#bits = undefined
    if (bits === undefined) return {}
    const size = (length + 7) >> 3
    if (bits.length >= size) return { validity: bits.slice(0, size) }
    const all = new Uint8Array(size).fill(255)
    all.set(bits)
    return { validity: all }
  }
}

/** For the appends that a column's type has no use for. */
export function wrongKind(method: string): never {
  throw new TypeError(`${method} does not fit the type of this column builder`)
}
