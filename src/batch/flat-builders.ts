import type { BytesColumn, Column } from './batch.ts'
import { type ColumnBuilder, ValidityBuilder, wrongKind } from './column-builder.ts'
import { i128Column } from './i128.ts'
import type { Value } from './value.ts'

const encoder = new TextEncoder()
const firstCapacity = 64

/** Grows by doubling; copying is then a constant number of times per value. */
function grown<A extends { readonly length: number; set(from: A): void }>(
  from: A,
  needed: number,
  make: (capacity: number) => A,
): A {
  let capacity = Math.max(from.length * 2, firstCapacity)
  while (capacity < needed) capacity *= 2
  const to = make(capacity)
  to.set(from)
  return to
}

type NumberArray = Int8Array | Int16Array | Int32Array | Float32Array | Float64Array

/** Types that are one typed array in every batch. */
export class NumberBuilder implements ColumnBuilder {
  length = 0
  readonly #layout: 'i8' | 'i16' | 'i32' | 'f32' | 'f64'
  readonly #make: (capacity: number) => NumberArray
  readonly #nulls = new ValidityBuilder()
  #values: NumberArray

  constructor(
    layout: 'i8' | 'i16' | 'i32' | 'f32' | 'f64',
    make: (capacity: number) => NumberArray,
  ) {
    this.#layout = layout
    this.#make = make
    this.#values = make(firstCapacity)
  }

  append(value: Value): void {
    if (value === null) this.appendNull()
    else this.appendNumber(Number(value))
  }

  appendNull(): void {
    this.#nulls.setNull(this.length)
    this.appendNumber(0)
  }

  appendNumber(value: number): void {
    if (this.length === this.#values.length) {
      const bigger = this.#make(this.length * 2)
      bigger.set(this.#values)
      this.#values = bigger
    }
    this.#values[this.length++] = value
  }

  appendUtf8(): void {
    wrongKind('appendUtf8')
  }

  appendBoolean(): void {
    wrongKind('appendBoolean')
  }

  finish(): Column {
    const values = this.#values.slice(0, this.length)
    const column = { layout: this.#layout, values, ...this.#nulls.finish(this.length) }
    this.length = 0
    // The layout was paired with its array type by the caller in `columnBuilder`.
    return column as Column
  }
}

/** Longs and decimals: doubles while they are exact, big integers from the first that is not. */
export class ExactBuilder implements ColumnBuilder {
  length = 0
  readonly #wide: 'i64' | 'i128'
  readonly #nulls = new ValidityBuilder()
  #values = new Float64Array(firstCapacity)
  #big: bigint[] | undefined

  constructor(wide: 'i64' | 'i128') {
    this.#wide = wide
  }

  append(value: Value): void {
    if (value === null) this.appendNull()
    else if (typeof value === 'number') this.appendNumber(value)
    else {
      const exact = BigInt(value as bigint)
      const near = Number(exact)
      if (this.#big === undefined && Number.isSafeInteger(near)) this.appendNumber(near)
      else {
        this.#widen().push(exact)
        this.length++
      }
    }
  }

  appendNull(): void {
    this.#nulls.setNull(this.length)
    this.appendNumber(0)
  }

  appendNumber(value: number): void {
    if (this.#big !== undefined) {
      this.#big.push(BigInt(value))
      this.length++
      return
    }
    if (this.length === this.#values.length) {
      this.#values = grown(this.#values, this.length + 1, (capacity) => new Float64Array(capacity))
    }
    this.#values[this.length++] = value
  }

  appendUtf8(): void {
    wrongKind('appendUtf8')
  }

  appendBoolean(): void {
    wrongKind('appendBoolean')
  }

  finish(): Column {
    const nulls = this.#nulls.finish(this.length)
    const big = this.#big
    const length = this.length
    this.length = 0
    this.#big = undefined
    if (big === undefined) {
      return { layout: 'f64', values: this.#values.slice(0, length), ...nulls }
    }
    return this.#wide === 'i64'
      ? { layout: 'i64', values: BigInt64Array.from(big), ...nulls }
      : { layout: 'i128', values: i128Column(big), ...nulls }
  }

  #widen(): bigint[] {
    this.#big ??= Array.from(this.#values.subarray(0, this.length), BigInt)
    return this.#big
  }
}

/** Booleans, eight to a byte. */
export class BitsBuilder implements ColumnBuilder {
  length = 0
  readonly #nulls = new ValidityBuilder()
  #bits = new Uint8Array(firstCapacity)

  append(value: Value): void {
    if (value === null) this.appendNull()
    else this.appendBoolean(value === true)
  }

  appendNull(): void {
    this.#nulls.setNull(this.length)
    this.appendBoolean(false)
  }

  appendBoolean(value: boolean): void {
    const byte = this.length >> 3
    if (byte === this.#bits.length) {
      this.#bits = grown(this.#bits, byte + 1, (capacity) => new Uint8Array(capacity))
    }
    if (value) this.#bits[byte] = (this.#bits[byte] as number) | (1 << (this.length & 7))
    this.length++
  }

  appendNumber(): void {
    wrongKind('appendNumber')
  }

  appendUtf8(): void {
    wrongKind('appendUtf8')
  }

  finish(): Column {
    const values = this.#bits.slice(0, (this.length + 7) >> 3)
    const nulls = this.#nulls.finish(this.length)
    this.#bits = new Uint8Array(firstCapacity)
    this.length = 0
    return { layout: 'bits', values, ...nulls }
  }
}

/** Strings and binaries: offsets into one run of bytes. */
export class BytesBuilder implements ColumnBuilder {
  length = 0
  readonly #nulls = new ValidityBuilder()
  #offsets = new Int32Array(firstCapacity + 1)
  #data = new Uint8Array(firstCapacity * 8)
  #end = 0

  append(value: Value): void {
    if (value === null) this.appendNull()
    else if (typeof value === 'string') this.#appendText(value)
    else {
      const bytes = value as Uint8Array
      this.appendUtf8(bytes, 0, bytes.length)
    }
  }

  appendNull(): void {
    this.#nulls.setNull(this.length)
    this.#close()
  }

  appendUtf8(bytes: Uint8Array, start: number, end: number): void {
    const size = end - start
    this.#reserve(size)
    if (size < 24) {
      // Faster than a call of `set` with a view for short texts.
      let to = this.#end
      for (let from = start; from < end; from++) this.#data[to++] = bytes[from] as number
    } else {
      this.#data.set(bytes.subarray(start, end), this.#end)
    }
    this.#end += size
    this.#close()
  }

  appendNumber(): void {
    wrongKind('appendNumber')
  }

  appendBoolean(): void {
    wrongKind('appendBoolean')
  }

  finish(): BytesColumn {
    const column: BytesColumn = {
      layout: 'bytes',
      offsets: this.#offsets.slice(0, this.length + 1),
      data: this.#data.slice(0, this.#end),
      ...this.#nulls.finish(this.length),
    }
    this.length = 0
    this.#end = 0
    return column
  }

  #appendText(text: string): void {
    this.#reserve(text.length * 3)
    this.#end += encoder.encodeInto(text, this.#data.subarray(this.#end)).written
    this.#close()
  }

  #reserve(size: number): void {
    const needed = this.#end + size
    if (needed > this.#data.length) {
      this.#data = grown(this.#data, needed, (capacity) => new Uint8Array(capacity))
    }
  }

  #close(): void {
    this.length++
    if (this.length === this.#offsets.length) {
      this.#offsets = grown(this.#offsets, this.length + 1, (capacity) => new Int32Array(capacity))
    }
    this.#offsets[this.length] = this.#end
  }
}
