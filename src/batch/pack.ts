import { unreachable } from '../core/error.ts'
import {
  type Batch,
  type BytesColumn,
  type Column,
  isValid,
  type RowOrder,
  type Validity,
} from './batch.ts'

/**
 * Copies rows of a batch into columns that are all views of one ArrayBuffer, so that the whole batch
 * can be transferred to another thread in one move. `rows` are physical rows; without them the live
 * rows are taken. The result has no selection.
 */
export function packRows(batch: Batch, rows: Int32Array | undefined = batch.selection): Batch {
  const rowCount = rows === undefined ? batch.rowCount : rows.length
  const arena = new Arena()
  const fills = batch.columns.map((column) => planColumn(arena, column, rows, rowCount))
  const order = batch.order && planOrder(arena, batch.order, rows, rowCount)
  arena.allocate()
  const columns = fills.map((fill) => fill())
  return {
    schema: batch.schema,
    rowCount,
    columns,
    ...(batch.partition === undefined ? {} : { partition: batch.partition }),
    ...(order === undefined ? {} : { order: order() }),
  }
}

/** The one buffer of a packed batch; `undefined` if its columns do not share one. */
export function bufferOf(batch: Batch): ArrayBuffer | undefined {
  const buffers = new Set<ArrayBufferLike>()
  for (const column of batch.columns) collectBuffers(column, buffers)
  const [buffer] = buffers
  return buffers.size === 1 && buffer instanceof ArrayBuffer ? buffer : undefined
}

/** Sizes first, then one allocation, then views in the same order. */
class Arena {
  #size = 0
  #buffer = new ArrayBuffer(0)

  /** Where `bytes` bytes will lie, aligned for every array type. */
  place(bytes: number): number {
    const offset = this.#size
    this.#size += (bytes + 7) & ~7
    return offset
  }

  allocate(): void {
    this.#buffer = new ArrayBuffer(this.#size)
  }

  get buffer(): ArrayBuffer {
    return this.#buffer
  }
}

type Fill = () => Column

function planOrder(
  arena: Arena,
  { origin, ordinals, siblings }: RowOrder,
  rows: Int32Array | undefined,
  count: number,
): () => RowOrder {
  const plan = (values: Float64Array): (() => Float64Array) => {
    const fill = planColumn(arena, { layout: 'f64', values }, rows, count)
    return () => {
      const column = fill()
      return column.layout === 'f64' ? column.values : values
    }
  }
  const first = plan(ordinals)
  const second = siblings && plan(siblings)
  return () => ({
    origin,
    ordinals: first(),
    ...(second === undefined ? {} : { siblings: second() }),
  })
}

function planColumn(
  arena: Arena,
  column: Column,
  rows: Int32Array | undefined,
  count: number,
): Fill {
  switch (column.layout) {
    case 'void':
      return () => column
    case 'bits': {
      const validity = planValidity(arena, column.validity, rows, count)
      const at = arena.place((count + 7) >> 3)
      return () => {
        const values = new Uint8Array(arena.buffer, at, (count + 7) >> 3)
        copyBits(column.values, values, rows, count)
        return { layout: 'bits', values, ...validity() }
      }
    }
    case 'i8':
    case 'i16':
    case 'i32':
    case 'f32':
    case 'f64':
    case 'i64':
    case 'i128':
      return planFixed(arena, column, rows, count)
    case 'bytes':
      return planBytes(arena, column, rows, count)
    case 'dictionary':
      return planDictionary(arena, column, rows, count)
    case 'list': {
      const spans = planSpans(arena, column.offsets, column.validity, rows, count)
      const child = planColumn(arena, column.child, spans.items, spans.items.length)
      return () => ({ layout: 'list', ...spans.fill(), child: child() })
    }
    case 'map': {
      const spans = planSpans(arena, column.offsets, column.validity, rows, count)
      const keys = planColumn(arena, column.keys, spans.items, spans.items.length)
      const values = planColumn(arena, column.values, spans.items, spans.items.length)
      return () => ({ layout: 'map', ...spans.fill(), keys: keys(), values: values() })
    }
    case 'struct': {
      const validity = planValidity(arena, column.validity, rows, count)
      const children = column.children.map((child) => planColumn(arena, child, rows, count))
      return () => ({
        layout: 'struct',
        children: children.map((fill) => fill()),
        ...validity(),
      })
    }
    default:
      return unreachable(column)
  }
}

type FixedColumn = Extract<
  Column,
  { layout: 'i8' | 'i16' | 'i32' | 'f32' | 'f64' | 'i64' | 'i128' }
>

function planFixed(
  arena: Arena,
  column: FixedColumn,
  rows: Int32Array | undefined,
  count: number,
): Fill {
  const validity = planValidity(arena, column.validity, rows, count)
  const { layout } = column
  if (layout === 'i64' || layout === 'i128') {
    const limbs = layout === 'i64' ? 1 : 2
    const at = arena.place(count * limbs * 8)
    return () => {
      const values = new BigInt64Array(arena.buffer, at, count * limbs)
      for (let k = 0; k < count; k++) {
        const row = rows === undefined ? k : (rows[k] as number)
        for (let limb = 0; limb < limbs; limb++) {
          values[k * limbs + limb] = column.values[row * limbs + limb] as bigint
        }
      }
      return { layout, values, ...validity() }
    }
  }
  const at = arena.place(count * column.values.BYTES_PER_ELEMENT)
  return () => {
    const values = fixedView(layout, arena.buffer, at, count)
    if (rows === undefined) values.set(column.values.subarray(0, count))
    else copyRows(column.values, values, rows, count)
    // `fixedView` made the array that belongs to the layout.
    return { layout, values, ...validity() } as Column
  }
}

type NumberArray = Int8Array | Int16Array | Int32Array | Float32Array | Float64Array

function fixedView(
  layout: 'i8' | 'i16' | 'i32' | 'f32' | 'f64',
  buffer: ArrayBuffer,
  at: number,
  count: number,
): NumberArray {
  switch (layout) {
    case 'i8':
      return new Int8Array(buffer, at, count)
    case 'i16':
      return new Int16Array(buffer, at, count)
    case 'i32':
      return new Int32Array(buffer, at, count)
    case 'f32':
      return new Float32Array(buffer, at, count)
    case 'f64':
      return new Float64Array(buffer, at, count)
    default:
      return unreachable(layout)
  }
}

function copyRows(from: NumberArray, to: NumberArray, rows: Int32Array, count: number): void {
  if (from instanceof Float64Array && to instanceof Float64Array) {
    for (let k = 0; k < count; k++) to[k] = from[rows[k] as number] as number
    return
  }
  for (let k = 0; k < count; k++) to[k] = from[rows[k] as number] as number
}

function copyBits(
  from: Uint8Array,
  to: Uint8Array,
  rows: Int32Array | undefined,
  count: number,
): void {
  for (let k = 0; k < count; k++) {
    const row = rows === undefined ? k : (rows[k] as number)
    if ((((from[row >> 3] as number) >> (row & 7)) & 1) === 1) {
      to[k >> 3] = (to[k >> 3] as number) | (1 << (k & 7))
    }
  }
}

function planValidity(
  arena: Arena,
  validity: Validity | undefined,
  rows: Int32Array | undefined,
  count: number,
): () => { readonly validity?: Validity } {
  if (validity === undefined) return () => ({})
  const at = arena.place((count + 7) >> 3)
  return () => {
    const bits = new Uint8Array(arena.buffer, at, (count + 7) >> 3)
    copyBits(validity, bits, rows, count)
    return { validity: bits }
  }
}

function planBytes(
  arena: Arena,
  column: BytesColumn,
  rows: Int32Array | undefined,
  count: number,
): () => BytesColumn {
  const { offsets, data } = column
  const validity = planValidity(arena, column.validity, rows, count)
  let size = 0
  for (let k = 0; k < count; k++) {
    const row = rows === undefined ? k : (rows[k] as number)
    size += (offsets[row + 1] as number) - (offsets[row] as number)
  }
  const offsetsAt = arena.place((count + 1) * 4)
  const dataAt = arena.place(size)
  return () => {
    const toOffsets = new Int32Array(arena.buffer, offsetsAt, count + 1)
    const toData = new Uint8Array(arena.buffer, dataAt, size)
    if (rows === undefined) {
      const first = offsets[0] as number
      toData.set(data.subarray(first, first + size))
      for (let k = 0; k <= count; k++) toOffsets[k] = (offsets[k] as number) - first
    } else {
      let end = 0
      for (let k = 0; k < count; k++) {
        const row = rows[k] as number
        const stop = offsets[row + 1] as number
        for (let from = offsets[row] as number; from < stop; from++) {
          toData[end++] = data[from] as number
        }
        toOffsets[k + 1] = end
      }
    }
    return { layout: 'bytes', offsets: toOffsets, data: toData, ...validity() }
  }
}

/** Keeps only the dictionary rows that are used, so that few rows do not drag a large dictionary along. */
function planDictionary(
  arena: Arena,
  column: Extract<Column, { layout: 'dictionary' }>,
  rows: Int32Array | undefined,
  count: number,
): Fill {
  const validity = planValidity(arena, column.validity, rows, count)
  const newCode = new Map<number, number>()
  const codes = new Int32Array(count)
  for (let k = 0; k < count; k++) {
    const code = column.codes[rows === undefined ? k : (rows[k] as number)] as number
    let mapped = newCode.get(code)
    if (mapped === undefined) {
      mapped = newCode.size
      newCode.set(code, mapped)
    }
    codes[k] = mapped
  }
  const at = arena.place(count * 4)
  const dictionary = planBytes(
    arena,
    column.dictionary,
    Int32Array.from(newCode.keys()),
    newCode.size,
  )
  return () => {
    const to = new Int32Array(arena.buffer, at, count)
    to.set(codes)
    return { layout: 'dictionary', codes: to, dictionary: dictionary(), ...validity() }
  }
}

/** Offsets of the taken rows, and which items of the child they cover. */
function planSpans(
  arena: Arena,
  offsets: Int32Array,
  valid: Validity | undefined,
  rows: Int32Array | undefined,
  count: number,
): {
  readonly items: Int32Array
  readonly fill: () => { readonly offsets: Int32Array; readonly validity?: Validity }
} {
  const validity = planValidity(arena, valid, rows, count)
  const items: number[] = []
  const ends = new Int32Array(count + 1)
  for (let k = 0; k < count; k++) {
    const row = rows === undefined ? k : (rows[k] as number)
    if (isValid(valid, row)) {
      const end = offsets[row + 1] as number
      for (let item = offsets[row] as number; item < end; item++) items.push(item)
    }
    ends[k + 1] = items.length
  }
  const at = arena.place((count + 1) * 4)
  return {
    items: Int32Array.from(items),
    fill: () => {
      const to = new Int32Array(arena.buffer, at, count + 1)
      to.set(ends)
      return { offsets: to, ...validity() }
    },
  }
}

function collectBuffers(column: Column, buffers: Set<ArrayBufferLike>): void {
  if (column.layout === 'void') return
  if (column.validity !== undefined) buffers.add(column.validity.buffer)
  switch (column.layout) {
    case 'bytes':
      buffers.add(column.offsets.buffer)
      buffers.add(column.data.buffer)
      return
    case 'dictionary':
      buffers.add(column.codes.buffer)
      return collectBuffers(column.dictionary, buffers)
    case 'list':
      buffers.add(column.offsets.buffer)
      return collectBuffers(column.child, buffers)
    case 'map':
      buffers.add(column.offsets.buffer)
      collectBuffers(column.keys, buffers)
      return collectBuffers(column.values, buffers)
    case 'struct':
      for (const child of column.children) collectBuffers(child, buffers)
      return
    default:
      buffers.add(column.values.buffer)
  }
}
