import type { BytesColumn, Column } from '../batch/batch.ts'
import { isValid } from '../batch/batch.ts'
import { ByteWriter } from '../batch/byte-writer.ts'
import type { Schema } from '../batch/schema.ts'
import { jsonDecoder } from './decoder.ts'
import { compactText, JsonFault, parseJson, textOf } from './text.ts'

/** Decodes columns of JSON texts, one after the other, into columns of structs. */
export interface JsonColumnDecoder {
  /**
   * The struct of each row: of null and blank texts NULL, of what is no JSON object one whose fields are all null.
   * Rows that are not in `rows` are NULL. `undefined` if it cannot tell, which is rare.
   */
  decode(texts: BytesColumn, rowCount: number, rows: Int32Array | undefined): Column | undefined
}

const newline = 0x0a
const brace = 0x7b
const whiteSpace: ReadonlySet<number> = new Set([0x20, 0x09, newline, 0x0d])
const emptyObject = new TextEncoder().encode('{}\n')

/** A decoder for structs of these fields, by the rules of JSON lines in the mode PERMISSIVE. */
export function jsonColumnDecoder(fields: Schema): JsonColumnDecoder {
  const decoder = jsonDecoder({ columns: fields, mode: 'PERMISSIVE', corruptColumn: '' })
  const lines = new ByteWriter()
  return {
    decode(texts, rowCount, rows) {
      lines.length = 0
      const validity = appendLines(lines, texts, rowCount, rows)
      const bytes = lines.view()
      decoder.decode(bytes, 0, bytes.length, rowCount)
      const { rowCount: found, columns: children } = decoder.finish()
      if (found !== rowCount) return undefined
      return validity === undefined
        ? { layout: 'struct', children }
        : { layout: 'struct', children, validity }
    },
  }
}

/** One line for each row; says which rows have a text. */
function appendLines(
  lines: ByteWriter,
  { offsets, data, validity }: BytesColumn,
  rowCount: number,
  rows: Int32Array | undefined,
): Uint8Array | undefined {
  const first = offsets[0] ?? 0
  const end = offsets[rowCount] ?? 0
  const found = data.indexOf(newline, first)
  const hasNewlines = found >= 0 && found < end
  let present: Uint8Array | undefined
  const absent = (row: number): void => {
    present ??= new Uint8Array((rowCount + 7) >> 3).fill(255)
    present[row >> 3] = (present[row >> 3] as number) & ~(1 << (row & 7))
    lines.raw(emptyObject)
  }
  let next = 0
  for (let row = 0; row < rowCount; row++) {
    if (rows !== undefined) {
      if (rows[next] !== row) {
        absent(row)
        continue
      }
      next += 1
    }
    const [start, stop] = [offsets[row] as number, offsets[row + 1] as number]
    const at = firstCharacter(data, start, stop)
    if (!isValid(validity, row) || isBlank(data, at, stop)) absent(row)
    // An array would be one row for each of its elements.
    else if (data[at] !== brace) lines.raw(emptyObject)
    else if (hasNewlines && data.subarray(start, stop).includes(newline)) {
      lines.raw(onOneLine(data, start, stop))
    } else {
      lines.raw(data, start, stop)
      lines.byte(newline)
    }
  }
  return present
}

/** Where the text begins behind the white space of JSON. */
function firstCharacter(data: Uint8Array, start: number, end: number): number {
  let at = start
  while (at < end && whiteSpace.has(data[at] as number)) at += 1
  return at
}

/** Whether nothing but white space is left, that of other scripts included. */
function isBlank(data: Uint8Array, start: number, end: number): boolean {
  if (start === end) return true
  return data[start] !== brace && textOf(data.subarray(start, end)).trim() === ''
}

/** The same value without line breaks, which may stand between its parts and nowhere else. */
function onOneLine(data: Uint8Array, start: number, end: number): Uint8Array {
  try {
    return new TextEncoder().encode(`${compactText(parseJson(data, start, end))}\n`)
  } catch (thrown) {
    if (thrown instanceof JsonFault) return emptyObject
    throw thrown
  }
}
