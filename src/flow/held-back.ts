import type { Micros } from '../core/units.ts'
import type { EpochHeader } from './message.ts'
import type { OperatorWatermarks } from './operator.ts'

/** The eviction watermark of an epoch that ends the input (`EpochHeader.flush`). */
const endOfTime = Number.MAX_SAFE_INTEGER

/**
 * The watermark of an operator that joins below hold back (rule W7). Never below 0 because of that, and
 * the end of the input is the end for all.
 */
export function heldBack(watermark: number, shift: number): Micros {
  if (shift === 0 || watermark === endOfTime) return watermark as Micros
  return Math.max(Math.min(watermark, 0), watermark - shift) as Micros
}

/** A header as such an operator sees it. */
export function heldBackHeader(header: EpochHeader, shift: number): EpochHeader {
  if (shift === 0) return header
  return {
    ...header,
    lateWatermark: heldBack(header.lateWatermark, shift),
    evictWatermark: heldBack(header.evictWatermark, shift),
  }
}

/** What an operator says of its watermarks in an epoch; the header is as it sees it. */
export function operatorWatermarks(
  { lateWatermark: late, evictWatermark: evict }: EpochHeader,
  shift: number,
  outputShift = shift,
): OperatorWatermarks {
  return { late, evict, shift, outputShift }
}
