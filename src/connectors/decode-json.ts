import { type JsonDecoderOptions, referenceJsonDecoder } from './decode-json-reference.ts'
import type { LineDecoder } from './line-decoder.ts'

/** Decodes JSON lines into columns, only those asked for. */
export function jsonDecoder(options: JsonDecoderOptions): LineDecoder {
  return referenceJsonDecoder(options)
}
