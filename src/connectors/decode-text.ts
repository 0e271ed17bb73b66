import { columnBuilder } from '../batch/build.ts'
import { type LineDecoder, lineEnd } from '../batch/line-decoder.ts'
import { type Schema, stringType } from '../batch/schema.ts'

const encoder = new TextEncoder()

/** Every line is the one value of a row, without its `\n` or `\r\n`. With no column it only counts. */
export function textDecoder(column: string | undefined): LineDecoder {
  const schema: Schema =
    column === undefined ? [] : [{ name: column, type: stringType, nullable: true }]
  const values = columnBuilder(stringType)
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let rowCount = 0
  return {
    schema,
    get rowCount() {
      return rowCount
    },
    begin: () => undefined,
    decode(bytes, start, end, rowLimit) {
      let at = start
      while (at < end && rowCount < rowLimit) {
        const stop = lineEnd(bytes, at, end)
        const cut = stop > at && bytes[stop - 1] === 13 ? stop - 1 : stop
        if (isAscii(bytes, at, cut)) values.appendUtf8(bytes, at, cut)
        else {
          // What is no UTF-8 becomes U+FFFD, so that strings in columns are always text.
          const clean = encoder.encode(decoder.decode(bytes.subarray(at, cut)))
          values.appendUtf8(clean, 0, clean.length)
        }
        rowCount++
        at = stop + 1
      }
      return Math.min(at, end)
    },
    finish() {
      const filled = values.finish()
      const batch = { schema, rowCount, columns: column === undefined ? [] : [filled] }
      rowCount = 0
      return batch
    },
  }
}

function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if ((bytes[at] as number) > 127) return false
  return true
}
