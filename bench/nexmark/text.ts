import type { Random } from '../../src/core/random.ts'
import { below } from './ids.ts'

/** ASCII bytes of one field of the current event; the next event writes over them. */
export interface Text {
  bytes: Uint8Array
  start: number
  end: number
}

/** A text that never changes. */
export function fixedText(content: string): Text {
  const bytes = new TextEncoder().encode(content)
  return { bytes, start: 0, end: bytes.length }
}

/** Room for a text of at most `capacity` bytes, written again for each event. */
export function textBuffer(capacity: number): Text {
  return { bytes: new Uint8Array(capacity), start: 0, end: 0 }
}

const lettersPerDraw = 6
const draws = 26 ** lettersPerDraw
const letterA = 97
const space = 32

/** Exactly `length` random letters. */
export function fillLetters(text: Text, length: number, random: Random): void {
  const { bytes } = text
  let bits = 0
  let left = 0
  for (let index = 0; index < length; index++) {
    if (left === 0) {
      bits = below(random, draws)
      left = lettersPerDraw
    }
    const rest = Math.floor(bits / 26)
    bytes[index] = letterA + bits - rest * 26
    bits = rest
    left--
  }
  text.start = 0
  text.end = length
}

/** 3 to `limit` − 1 letters, one in 13 of them `separator`; spaces at the ends are cut off. */
export function fillWords(text: Text, limit: number, random: Random, separator = space): void {
  const { bytes } = text
  const length = 3 + below(random, limit - 3)
  for (let index = 0; index < length; index++) {
    bytes[index] = below(random, 13) === 0 ? separator : letterA + below(random, 26)
  }
  let start = 0
  let end = length
  while (start < end && bytes[start] === space) start++
  while (end > start && bytes[end - 1] === space) end--
  text.start = start
  text.end = end
}

/** Pads an event of `size` bytes to `average` ± 20 %. */
export function fillPadding(text: Text, size: number, average: number, random: Random): void {
  const missing = average - size
  if (missing <= 0) {
    text.start = 0
    text.end = 0
    return
  }
  const spread = Math.round(missing * 0.2)
  fillLetters(text, missing - spread + below(random, 2 * spread), random)
}

/** Length in bytes. */
export function lengthOf(text: Text): number {
  return text.end - text.start
}

/** The text as a string, for set-up work and tests. */
export function stringOf(text: Text): string {
  return new TextDecoder().decode(text.bytes.subarray(text.start, text.end))
}
