import { unreachable } from '../core/error.ts'
import type { Batch, BytesColumn, Column, Validity } from './batch.ts'
import { i128Column } from './i128.ts'
import type { DataType, Schema } from './schema.ts'
import type { MapValue, Value } from './value.ts'

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

/** A builder for values of `type`. */
export function columnBuilder(type: DataType): ColumnBuilder {
  switch (type.kind) {
    case 'boolean':
      return new BitsBuilder()
    case 'byte':
      return new NumberBuilder('i8', (capacity) => new Int8Array(capacity))
    case 'short':
      return new NumberBuilder('i16', (capacity) => new Int16Array(capacity))
    case 'int':
    case 'date':
      return new NumberBuilder('i32', (capacity) => new Int32Array(capacity))
    case 'float':
      return new NumberBuilder('f32', (capacity) => new Float32Array(capacity))
    case 'double':
    case 'timestamp':
      return new NumberBuilder('f64', (capacity) => new Float64Array(capacity))
    case 'long':
      return new ExactBuilder('i64')
    case 'decimal':
      return new ExactBuilder('i128')
    case 'string':
    case 'binary':
      return new BytesBuilder()
    case 'array':
      return new ListBuilder(columnBuilder(type.element))
    case 'map':
      return new MapBuilder(columnBuilder(type.key), columnBuilder(type.value))
    case 'struct':
      return new StructBuilder(type.fields.map((field) => columnBuilder(field.type)))
    case 'void':
      return new VoidBuilder()
    default:
      return unreachable(type)
  }
}

/** The values as one column. */
export function columnOf(type: DataType, values: readonly Value[]): Column {
  const builder = columnBuilder(type)
  for (const value of values) builder.append(value)
  return builder.finish()
}

/** Rows, as lists of values in column order, as a batch. */
export function batchOf(schema: Schema, rows: readonly (readonly Value[])[]): Batch {
  return {
    schema,
    rowCount: rows.length,
    columns: schema.map((field, index) =>
      columnOf(
        field.type,
        rows.map((row) => row[index] ?? null),
      ),
    ),
  }
}

/** Collects whole rows. */
export interface BatchBuilder {
  readonly rowCount: number
  readonly columns: readonly ColumnBuilder[]
  appendRow(values: readonly Value[]): void
  finish(): Batch
}

export function batchBuilder(schema: Schema): BatchBuilder {
  const columns = schema.map((field) => columnBuilder(field.type))
  return {
    columns,
    get rowCount() {
      return columns[0]?.length ?? 0
    },
    appendRow(values) {
      for (let index = 0; index < columns.length; index++) {
        columns[index]?.append(values[index] ?? null)
      }
    },
    finish() {
      const rowCount = columns[0]?.length ?? 0
      return { schema, rowCount, columns: columns.map((column) => column.finish()) }
    },
  }
}

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

/** Remembers nulls only from the first one on. */
class ValidityBuilder {
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

function wrongKind(method: string): never {
  throw new TypeError(`${method} does not fit the type of this column builder`)
}

type NumberArray = Int8Array | Int16Array | Int32Array | Float32Array | Float64Array

class NumberBuilder implements ColumnBuilder {
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
class ExactBuilder implements ColumnBuilder {
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

class BitsBuilder implements ColumnBuilder {
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

class BytesBuilder implements ColumnBuilder {
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

/** What every nested builder shares: no scalar appends, nulls, and a count of rows. */
abstract class NestedBuilder implements ColumnBuilder {
  length = 0
  protected readonly nulls = new ValidityBuilder()

  abstract append(value: Value): void
  abstract finish(): Column
  abstract appendNull(): void

  appendNumber(): void {
    wrongKind('appendNumber')
  }

  appendUtf8(): void {
    wrongKind('appendUtf8')
  }

  appendBoolean(): void {
    wrongKind('appendBoolean')
  }
}

class ListBuilder extends NestedBuilder {
  readonly #child: ColumnBuilder
  readonly #offsets: number[] = [0]

  constructor(child: ColumnBuilder) {
    super()
    this.#child = child
  }

  override append(value: Value): void {
    if (value === null) {
      this.appendNull()
      return
    }
    for (const element of value as readonly Value[]) this.#child.append(element)
    this.#offsets.push(this.#child.length)
    this.length++
  }

  override appendNull(): void {
    this.nulls.setNull(this.length++)
    this.#offsets.push(this.#child.length)
  }

  override finish(): Column {
    const column: Column = {
      layout: 'list',
      offsets: Int32Array.from(this.#offsets),
      child: this.#child.finish(),
      ...this.nulls.finish(this.length),
    }
    this.#offsets.length = 1
    this.length = 0
    return column
  }
}

class MapBuilder extends NestedBuilder {
  readonly #keys: ColumnBuilder
  readonly #values: ColumnBuilder
  readonly #offsets: number[] = [0]

  constructor(keys: ColumnBuilder, values: ColumnBuilder) {
    super()
    this.#keys = keys
    this.#values = values
  }

  override append(value: Value): void {
    if (value === null) {
      this.appendNull()
      return
    }
    for (const [key, item] of (value as MapValue).entries) {
      this.#keys.append(key)
      this.#values.append(item)
    }
    this.#offsets.push(this.#keys.length)
    this.length++
  }

  override appendNull(): void {
    this.nulls.setNull(this.length++)
    this.#offsets.push(this.#keys.length)
  }

  override finish(): Column {
    const column: Column = {
      layout: 'map',
      offsets: Int32Array.from(this.#offsets),
      keys: this.#keys.finish(),
      values: this.#values.finish(),
      ...this.nulls.finish(this.length),
    }
    this.#offsets.length = 1
    this.length = 0
    return column
  }
}

class StructBuilder extends NestedBuilder {
  readonly #children: readonly ColumnBuilder[]

  constructor(children: readonly ColumnBuilder[]) {
    super()
    this.#children = children
  }

  override append(value: Value): void {
    if (value === null) {
      this.appendNull()
      return
    }
    const fields = value as readonly Value[]
    for (let index = 0; index < this.#children.length; index++) {
      this.#children[index]?.append(fields[index] ?? null)
    }
    this.length++
  }

  override appendNull(): void {
    this.nulls.setNull(this.length++)
    for (const child of this.#children) child.appendNull()
  }

  override finish(): Column {
    const column: Column = {
      layout: 'struct',
      children: this.#children.map((child) => child.finish()),
      ...this.nulls.finish(this.length),
    }
    this.length = 0
    return column
  }
}

class VoidBuilder extends NestedBuilder {
  override append(): void {
    this.length++
  }

  override appendNull(): void {
    this.length++
  }

  override finish(): Column {
    this.length = 0
    return { layout: 'void' }
  }
}
