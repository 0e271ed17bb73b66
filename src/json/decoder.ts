import { type LineDecoder, lineEnd, nullableSchema } from '../batch/line-decoder.ts'
import { StreamError } from '../core/error.ts'
import { isUtf8 } from '../core/node-utf8.ts'
import { isCorruptColumn, type JsonDecoderOptions, jsonLine } from './reference.ts'
import { type Scan, scanState } from './scan-state.ts'
import { makeScanner } from './scanner-code.ts'
import { learnKeys, shapeOf } from './shape.ts'
import { finishSlots, flatten, slotFor } from './slots.ts'
import { isoTimes } from './value.ts'

/** How often the order of keys is learned; data whose order is random stays with the last one. */
const learnLimit = 4
/** So many keys out of place in one call say nothing yet. */
const toleratedMisses = 64

/**
 * Decodes JSON lines straight into column arrays, only the columns asked for. Code is generated for the
 * schema and for the order of keys in the first lines, and again if the order changes; a line in any
 * other shape is decoded by the reference, so the result is the same for every input.
 */
export function jsonDecoder(options: JsonDecoderOptions): LineDecoder {
  const schema = nullableSchema(options.columns)
  const slots = schema.map((field) => slotFor(field.name, field.type))
  const keyed = slots.filter((slot) => !isCorruptColumn(slot, options.corruptColumn))
  const all = flatten(slots)
  const state = scanState(slots, all, jsonLine(options), options.times ?? isoTimes)
  const wanted = (options.wanted ?? []).flatMap(({ column, values }) => {
    const slot = slots.find(({ name }) => name === column)
    return slot === undefined ? [] : [{ slot: all.indexOf(slot), values }]
  })
  let scan: Scan | undefined
  let learned = 0
  /** Up to `checkedEnd` the chunk is known to be UTF-8, for a call that goes on where the last stopped. */
  let checkedEnd = -1
  let nextStart = -1

  const learn = (bytes: Uint8Array, start: number, end: number): void => {
    const shape = shapeOf(learnKeys(keyed, bytes, start, end), keyed, all)
    scan = makeScanner({ root: shape, slots: all, isoTimes: options.times === undefined, wanted })
    learned++
    state.misses = 0
  }
  /** One line of a chunk with bytes that are no text, or any line without generated code. */
  const decodeAlone = (bytes: Uint8Array, at: number, end: number): number => {
    const stop = Math.min(lineEnd(bytes, at, end) + 1, end)
    const isPlain = scan !== undefined && isUtf8(bytes.subarray(at, stop))
    return isPlain && scan !== undefined
      ? scan(state, bytes, at, stop, state.rows + 1)
      : state.reference(bytes, at, end)
  }

  return {
    schema,
    get rowCount() {
      return state.rows
    },
    get leftOutCount() {
      return state.leftOut
    },
    begin(name) {
      state.origin = name
    },
    decode(bytes, start, end, rowLimit) {
      if (start >= end) return end
      if (bytes[end - 1] !== 10) throw new StreamError('INTERNAL', { what: 'a line has no end' })
      state.reserve(rowLimit)
      if (learned === 0) learn(bytes, start, end)
      const isKnown = start === nextStart && end === checkedEnd
      nextStart = -1
      if (scan === undefined || !(isKnown || isUtf8(bytes.subarray(start, end)))) {
        let at = start
        while (at < end && state.rows < rowLimit) at = decodeAlone(bytes, at, end)
        return at
      }
      const before = state.rows + state.leftOut
      const stop = scan(state, bytes, start, end, rowLimit)
      const allowed = Math.max(toleratedMisses, state.rows + state.leftOut - before)
      if (state.misses > allowed && learned < learnLimit) learn(bytes, start, end)
      state.misses = 0
      checkedEnd = end
      nextStart = stop < end ? stop : -1
      return stop
    },
    finish() {
      const batch = finishSlots(schema, slots, state.rows)
      const { leftOut } = state
      state.rows = 0
      state.leftOut = 0
      return leftOut === 0 ? batch : { ...batch, leftOut }
    },
  }
}
