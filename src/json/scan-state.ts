import { lineEnd } from '../batch/line-decoder.ts'
import { StreamError } from '../core/error.ts'
import { jsonBytes } from './bytes.ts'
import { type Text, textOver } from './plain-text.ts'
import type { JsonLine } from './reference.ts'
import {
  closeBuilt,
  closeRow,
  dropBuilt,
  reopenRow,
  reserveRows,
  reserveText,
  type Slot,
  writeSlot,
} from './slots.ts'
import { JsonFault, type JsonNode, parseJsonPrefix } from './text.ts'
import { type Faults, misfit, type TimeReaders, valueFrom } from './value.ts'

/** What a generated scanner sees of its decoder. */
export interface ScanState {
  /** Every column, those inside structs included, as the code numbers them. */
  readonly slots: readonly Slot[]
  rows: number
  /** Keys that were not where the code expected them. */
  misses: number
  /** Rows that were undone because nobody wants them. */
  leftOut: number
  /** What `value` found for a date or time; NaN for NULL. */
  number: number
  origin: string
  reserve(rows: number): void
  /** Decodes the line at `start` by the reference, whatever was written of it; returns where the next one starts. */
  reference(bytes: Uint8Array, start: number, end: number): number
  /** Reads one value by the reference; −1 when it does not fit its column. */
  value(slot: number, bytes: Uint8Array, at: number, end: number): number
  growText(slot: number, size: number): Text
  /** Appends a text with escapes to its column; −1 when it is malformed. */
  unescape(slot: number, bytes: Uint8Array, at: number): number
  appendBuilt(): void
  dropBuilt(): void
}

export type Scan = (
  state: ScanState,
  bytes: Uint8Array,
  at: number,
  end: number,
  rowLimit: number,
) => number

/** The state of one decoder; `all` are `slots` and what is inside them. */
export function scanState(
  slots: readonly Slot[],
  all: readonly Slot[],
  decodeLine: JsonLine,
  times: TimeReaders,
): ScanState {
  let capacity = 0
  const state: ScanState = {
    slots: all,
    rows: 0,
    misses: 0,
    leftOut: 0,
    number: 0,
    origin: '',
    reserve(rows) {
      if (rows <= capacity) return
      capacity = Math.max(rows, 64)
      for (const slot of all) reserveRows(slot, capacity)
    },
    reference(bytes, start, end) {
      if (state.rows < capacity) reopenRow(all, state.rows)
      const stop = lineEnd(bytes, start, end)
      for (const values of decodeLine(bytes, start, stop, state.origin)) {
        if (state.rows >= capacity) state.reserve(capacity * 2)
        slots.forEach((slot, index) => {
          writeSlot(slot, state.rows, values[index] ?? null)
        })
        closeRow(all, state.rows++)
      }
      return Math.min(stop + 1, end)
    },
    value(index, bytes, at, end) {
      const slot = slotAt(all, index)
      // The grammar of JSON takes the line feed for white space and would read on in the next line.
      const parsed = prefix(bytes, at, lineEnd(bytes, at, end))
      if (parsed === undefined) return -1
      const faults: Faults = { first: undefined }
      const value = valueFrom(slot.type, parsed.node, times, faults)
      if (value === misfit || faults.first !== undefined) return -1
      if (slot.kind === 'built') slot.pending = value
      else state.number = typeof value === 'number' ? value : Number.NaN
      return parsed.end
    },
    growText(index, size) {
      const slot = slotAt(all, index)
      reserveText(slot, size)
      return slot.data
    },
    unescape(index, bytes, at) {
      const end = jsonBytes.skipText(textOver(bytes), at)
      if (end < 0) return -1
      const slot = slotAt(all, index)
      reserveText(slot, end - at)
      jsonBytes.unescape(bytes, at, slot.data.bytes, slot.used)
      slot.used = jsonBytes.found[0] ?? slot.used
      return end
    },
    appendBuilt: () => closeBuilt(all),
    dropBuilt: () => dropBuilt(all),
  }
  return state
}

function slotAt(slots: readonly Slot[], index: number): Slot {
  const slot = slots[index]
  if (slot === undefined) throw new StreamError('INTERNAL', { what: `no column slot ${index}` })
  return slot
}

function prefix(
  bytes: Uint8Array,
  at: number,
  end: number,
): { readonly node: JsonNode; readonly end: number } | undefined {
  try {
    return parseJsonPrefix(bytes, at, end)
  } catch (thrown) {
    if (thrown instanceof JsonFault) return undefined
    throw thrown
  }
}
