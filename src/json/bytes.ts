import { unescapeText } from './escapes.ts'
import { double, found, isoTime } from './numbers.ts'
import { copyText, plainKey, skipText, type Text, textOver } from './plain-text.ts'
import { skip } from './skip.ts'

/**
 * The inner loops of the JSON scanner, apart from the generated code so that V8 compiles them once.
 * All of them rely on the `\n` that ends every line and, being below 0x20, stops every loop. A
 * negative result means "not the usual shape": the line is left to the reference decoder.
 */
export interface JsonBytes {
  /** Where the last call that found a number or time left it. */
  readonly found: Float64Array
  textOver(bytes: Uint8Array): Text
  copyText(from: Text, at: number, to: Text, toAt: number): number
  skip(from: Text, at: number): number
  skipText(from: Text, at: number): number
  /** Like `skipText`, but refuses escapes: an escaped key could be the name of a column. */
  plainKey(bytes: Uint8Array, at: number): number
  double(bytes: Uint8Array, at: number): number
  isoTime(bytes: Uint8Array, at: number, end: number): number
  unescape(bytes: Uint8Array, at: number, to: Uint8Array, toAt: number): number
}

/** The functions that generated scanners call. */
export const jsonBytes: JsonBytes = {
  found,
  textOver,
  copyText,
  skip,
  skipText,
  plainKey,
  double,
  isoTime,
  unescape: unescapeText,
}
