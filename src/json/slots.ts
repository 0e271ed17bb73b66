import type { Batch, Column } from '../batch/batch.ts'
import { type ColumnBuilder, columnBuilder } from '../batch/build.ts'
import type { DataType, Schema } from '../batch/schema.ts'
import type { Value } from '../batch/value.ts'
import { type Text, textOver } from './plain-text.ts'

/** How a column is filled; `built` goes through a `ColumnBuilder`, value by value. */
export type SlotKind =
  | 'bits'
  | 'i8'
  | 'i16'
  | 'i32'
  | 'f32'
  | 'f64'
  | 'long'
  | 'text'
  | 'struct'
  | 'built'
  | 'void'

export type SlotValues =
  | Int8Array
  | Int16Array
  | Int32Array
  | Float32Array
  | Float64Array
  | Uint8Array

/**
 * The arrays of one column while it is filled by row number. All slots have the same fields, so the
 * scanner's loads stay monomorphic; what a kind does not need is empty.
 */
export interface Slot {
  readonly kind: SlotKind
  readonly type: DataType
  readonly name: string
  values: SlotValues
  /** A set bit means present: a key that never comes leaves its column null without any work. */
  valid: Uint8Array
  /** Text: `offsets[row]` to `offsets[row + 1]` of `data`, which is filled up to `used`. */
  offsets: Int32Array
  data: Text
  used: number
  /** Longs beyond ±2^53, by row. */
  big: Map<number, bigint> | undefined
  readonly builder: ColumnBuilder | undefined
  /** The value of a `built` slot for the row in progress. */
  pending: Value
  readonly children: readonly Slot[]
}

/** A column being filled, with the columns inside it. */
export function slotFor(name: string, type: DataType): Slot {
  const kind = slotKind(type)
  return {
    kind,
    type,
    name,
    values: new Uint8Array(0),
    valid: new Uint8Array(0),
    offsets: new Int32Array(0),
    data: textOver(new Uint8Array(0)),
    used: 0,
    big: undefined,
    builder: kind === 'built' ? columnBuilder(type) : undefined,
    pending: null,
    children:
      type.kind === 'struct' ? type.fields.map((field) => slotFor(field.name, field.type)) : [],
  }
}

function slotKind(type: DataType): SlotKind {
  switch (type.kind) {
    case 'boolean':
      return 'bits'
    case 'byte':
      return 'i8'
    case 'short':
      return 'i16'
    case 'int':
    case 'date':
      return 'i32'
    case 'float':
      return 'f32'
    case 'double':
    case 'timestamp':
      return 'f64'
    case 'long':
      return 'long'
    case 'string':
      return 'text'
    case 'struct':
      return 'struct'
    case 'void':
      return 'void'
    default:
      return 'built'
  }
}

/** The slots of a tree in the order that the scanner numbers them: parents first. */
export function flatten(slots: readonly Slot[]): readonly Slot[] {
  return slots.flatMap((slot) => [slot, ...flatten(slot.children)])
}

function makeValues(kind: SlotKind, capacity: number): SlotValues {
  switch (kind) {
    case 'bits':
      return new Uint8Array((capacity + 7) >> 3)
    case 'i8':
      return new Int8Array(capacity)
    case 'i16':
      return new Int16Array(capacity)
    case 'i32':
      return new Int32Array(capacity)
    case 'f32':
      return new Float32Array(capacity)
    case 'f64':
    case 'long':
      return new Float64Array(capacity)
    default:
      return new Uint8Array(0)
  }
}

/** Makes room for `capacity` rows, keeping what is there. */
export function reserveRows(slot: Slot, capacity: number): void {
  const values = makeValues(slot.kind, capacity)
  values.set(slot.values)
  slot.values = values
  const valid = new Uint8Array((capacity + 7) >> 3)
  valid.set(slot.valid)
  slot.valid = valid
  if (slot.kind === 'text') {
    const offsets = new Int32Array(capacity + 1)
    offsets.set(slot.offsets)
    slot.offsets = offsets
  }
}

/** Makes room for `size` more bytes of text. */
export function reserveText(slot: Slot, size: number): void {
  const needed = slot.used + size
  const { bytes } = slot.data
  if (needed <= bytes.length) return
  const grown = new Uint8Array(Math.max(needed, bytes.length * 2, 1024))
  grown.set(bytes.subarray(0, slot.used))
  slot.data = textOver(grown)
}

const encoder = new TextEncoder()

/** Writes a value by row; null rows only need their text offset. */
export function writeSlot(slot: Slot, row: number, value: Value): void {
  if (slot.kind === 'built') slot.pending = value
  else if (slot.kind === 'struct') writeStruct(slot, row, value)
  else if (value !== null && slot.kind !== 'void') {
    slot.valid[row >> 3] = (slot.valid[row >> 3] ?? 0) | (1 << (row & 7))
    if (slot.kind === 'text') writeText(slot, value as string)
    else if (slot.kind === 'bits') {
      if (value === true) slot.values[row >> 3] = (slot.values[row >> 3] ?? 0) | (1 << (row & 7))
    } else if (slot.kind === 'long') writeLong(slot, row, value as bigint)
    else slot.values[row] = value as number
  }
}

function writeStruct(slot: Slot, row: number, value: Value): void {
  const fields = value === null ? [] : (value as readonly Value[])
  if (value !== null) slot.valid[row >> 3] = (slot.valid[row >> 3] ?? 0) | (1 << (row & 7))
  slot.children.forEach((child, index) => {
    writeSlot(child, row, fields[index] ?? null)
  })
}

function writeText(slot: Slot, text: string): void {
  reserveText(slot, text.length * 3)
  slot.used += encoder.encodeInto(text, slot.data.bytes.subarray(slot.used)).written
}

function writeLong(slot: Slot, row: number, exact: bigint): void {
  const near = Number(exact)
  if (Number.isSafeInteger(near)) slot.values[row] = near
  else {
    slot.big ??= new Map()
    slot.big.set(row, exact)
  }
}

/** Closes the row: text offsets, and the pending values of built slots. */
export function closeRow(slots: readonly Slot[], row: number): void {
  for (const slot of slots) {
    if (slot.kind === 'text') slot.offsets[row + 1] = slot.used
  }
  closeBuilt(slots)
}

/** The part of `closeRow` that the scanner does not do itself. */
export function closeBuilt(slots: readonly Slot[]): void {
  for (const slot of slots) {
    if (slot.builder === undefined) continue
    slot.builder.append(slot.pending)
    slot.pending = null
  }
}

/** Forgets the pending values of built slots. */
export function dropBuilt(slots: readonly Slot[]): void {
  for (const slot of slots) slot.pending = null
}

/** Undoes what was written for a row that was not closed. */
export function reopenRow(slots: readonly Slot[], row: number): void {
  const keep = ~(1 << (row & 7))
  for (const slot of slots) {
    slot.pending = null
    slot.valid[row >> 3] = (slot.valid[row >> 3] ?? 0) & keep
    if (slot.kind === 'text') slot.used = slot.offsets[row] ?? 0
    else if (slot.kind === 'bits') slot.values[row >> 3] = (slot.values[row >> 3] ?? 0) & keep
  }
}

/**
 * The filled columns. A nearly full slot gives its arrays away; one with few rows gives copies and
 * keeps its arrays, cleared, so that small batches do not cost the memory of full ones.
 */
export function finishSlots(schema: Schema, slots: readonly Slot[], rowCount: number): Batch {
  return { schema, rowCount, columns: slots.map((slot) => finishSlot(slot, rowCount)) }
}

function finishSlot(slot: Slot, rows: number): Column {
  if (slot.builder !== undefined) return slot.builder.finish()
  if (slot.kind === 'void') return { layout: 'void' }
  const nulls = allPresent(slot.valid, rows)
    ? {}
    : { validity: slot.valid.slice(0, (rows + 7) >> 3) }
  slot.valid.fill(0, 0, (rows + 7) >> 3)
  return { ...finishValues(slot, rows), ...nulls }
}

function finishValues(slot: Slot, rows: number): Column {
  switch (slot.kind) {
    case 'struct':
      return { layout: 'struct', children: slot.children.map((child) => finishSlot(child, rows)) }
    case 'text':
      return finishText(slot, rows)
    case 'long':
      return finishLong(slot, rows)
    default: {
      const used = slot.kind === 'bits' ? (rows + 7) >> 3 : rows
      const values = handOver(slot, used)
      // `makeValues` pairs each kind with the array of its layout.
      return { layout: slot.kind, values } as Column
    }
  }
}

function handOver(slot: Slot, used: number): SlotValues {
  const { values } = slot
  if (used * 2 < values.length) {
    const copy = values.slice(0, used)
    if (slot.kind === 'bits') values.fill(0, 0, used)
    return copy
  }
  slot.values = makeValues(slot.kind, slot.kind === 'bits' ? values.length * 8 : values.length)
  return values.subarray(0, used)
}

function finishText(slot: Slot, rows: number): Column {
  const { used } = slot
  const data = slot.data.bytes
  const offsets = slot.offsets.slice(0, rows + 1)
  slot.used = 0
  const isFull = used * 4 > data.length * 3
  if (isFull) slot.data = textOver(new Uint8Array(data.length))
  return { layout: 'bytes', offsets, data: isFull ? data.subarray(0, used) : data.slice(0, used) }
}

function finishLong(slot: Slot, rows: number): Column {
  const { big } = slot
  slot.big = undefined
  const values = handOver(slot, rows) as Float64Array
  if (big === undefined) return { layout: 'f64', values }
  const exact = new BigInt64Array(rows)
  for (let row = 0; row < rows; row++) exact[row] = BigInt(values[row] as number)
  for (const [row, value] of big) exact[row] = value
  return { layout: 'i64', values: exact }
}

function allPresent(valid: Uint8Array, rows: number): boolean {
  const whole = rows >> 3
  for (let index = 0; index < whole; index++) if (valid[index] !== 255) return false
  const rest = rows & 7
  return rest === 0 || valid[whole] === (1 << rest) - 1
}
