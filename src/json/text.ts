import { ByteWriter } from '../batch/byte-writer.ts'

/**
 * JSON as it stands in the bytes: numbers keep their digits and strings their bytes, so nothing is
 * rounded before the type of the column is known.
 */
export type JsonNode =
  | { readonly kind: 'null' | 'true' | 'false' }
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'string'; readonly bytes: Uint8Array }
  | { readonly kind: 'array'; readonly items: readonly JsonNode[] }
  | { readonly kind: 'object'; readonly entries: readonly JsonEntry[] }

export interface JsonEntry {
  /** The UTF-8 bytes of the key, one character per byte, so that comparing texts compares bytes. */
  readonly key: string
  readonly node: JsonNode
}

/** What is wrong with a text that is no JSON, and where. */
export class JsonFault extends Error {
  override readonly name = 'JsonFault'
}

const depthLimit = 512
const numberPattern = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/
const encoder = new TextEncoder()

/** Reads the one value that `bytes[start, end)` holds; white space around it is allowed. */
export function parseJson(bytes: Uint8Array, start: number, end: number): JsonNode {
  const reader = new JsonReader(bytes, start, end)
  const node = reader.value(0)
  reader.space()
  if (reader.at < end) throw reader.fault('the end of the line')
  return node
}

/** Reads the value that begins at `start`, and where it ends. */
export function parseJsonPrefix(
  bytes: Uint8Array,
  start: number,
  end: number,
): { readonly node: JsonNode; readonly end: number } {
  const reader = new JsonReader(bytes, start, end)
  const node = reader.value(0)
  return { node, end: reader.at }
}

/** The obvious reader, by recursive descent: strict JSON, nothing more. */
class JsonReader {
  at: number
  readonly #bytes: Uint8Array
  readonly #end: number

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes
    this.at = start
    this.#end = end
  }

  value(depth: number): JsonNode {
    if (depth > depthLimit) throw new JsonFault(`nested deeper than ${depthLimit}`)
    this.space()
    const byte = this.#byte()
    if (byte === 0x7b) return this.#object(depth)
    if (byte === 0x5b) return this.#array(depth)
    if (byte === 0x22) return { kind: 'string', bytes: this.#string() }
    const word = this.#word()
    if (word === 'null' || word === 'true' || word === 'false') return { kind: word }
    if (numberPattern.test(word)) return { kind: 'number', text: word }
    this.at -= word.length
    throw this.fault('a value')
  }

  space(): void {
    while (this.at < this.#end && isSpace(this.#bytes[this.at])) this.at++
  }

  fault(expected: string): JsonFault {
    return new JsonFault(`${expected} is expected at byte ${this.at}`)
  }

  #byte(): number | undefined {
    return this.at < this.#end ? this.#bytes[this.at] : undefined
  }

  #object(depth: number): JsonNode {
    const entries: JsonEntry[] = []
    this.at++
    this.space()
    if (this.#take(0x7d)) return { kind: 'object', entries }
    for (;;) {
      this.space()
      if (this.#byte() !== 0x22) throw this.fault('a key')
      const key = latin1(this.#string())
      this.space()
      if (!this.#take(0x3a)) throw this.fault("':'")
      entries.push({ key, node: this.value(depth + 1) })
      this.space()
      if (this.#take(0x7d)) return { kind: 'object', entries }
      if (!this.#take(0x2c)) throw this.fault("',' or '}'")
    }
  }

  #array(depth: number): JsonNode {
    const items: JsonNode[] = []
    this.at++
    this.space()
    if (this.#take(0x5d)) return { kind: 'array', items }
    for (;;) {
      items.push(this.value(depth + 1))
      this.space()
      if (this.#take(0x5d)) return { kind: 'array', items }
      if (!this.#take(0x2c)) throw this.fault("',' or ']'")
    }
  }

  #take(byte: number): boolean {
    if (this.#byte() !== byte) return false
    this.at++
    return true
  }

  /** Up to the next byte that cannot be part of a number or literal. */
  #word(): string {
    const start = this.at
    while (this.at < this.#end && isWord(this.#bytes[this.at])) this.at++
    return latin1(this.#bytes.subarray(start, this.at))
  }

  /** A copy of its bytes, from one escape to the next at a time: a text may be as long as memory allows. */
  #string(): Uint8Array {
    let before: ByteWriter | undefined
    this.at++
    for (let start = this.at; ; ) {
      const byte = this.#byte()
      if (byte === undefined || byte < 0x20) throw this.fault('the end of a string')
      if (byte === 0x22) {
        const rest = this.#bytes.subarray(start, this.at++)
        if (before === undefined) return new Uint8Array(rest)
        before.raw(rest)
        return before.take()
      }
      if (byte === 0x5c) {
        before ??= new ByteWriter()
        before.raw(this.#bytes, start, this.at++)
        before.raw(Uint8Array.from(this.#escape()))
        start = this.at
      } else this.at++
    }
  }

  #escape(): Uint8Array | number[] {
    const byte = this.#byte()
    this.at++
    const plain = byte === undefined ? undefined : simpleEscapes[String.fromCharCode(byte)]
    if (plain !== undefined) return [plain]
    if (byte !== 0x75) throw this.fault('an escape')
    const first = this.#hex()
    const isHigh = first >= 0xd800 && first < 0xdc00
    if (isHigh && this.#byte() === 0x5c && this.#bytes[this.at + 1] === 0x75) {
      const before = this.at
      this.at += 2
      const second = this.#hex()
      if (second >= 0xdc00 && second < 0xe000) {
        return encoder.encode(String.fromCharCode(first, second))
      }
      this.at = before
    }
    // The encoder writes U+FFFD for a surrogate without its other half.
    return encoder.encode(String.fromCharCode(first))
  }

  #hex(): number {
    const digits = latin1(this.#bytes.subarray(this.at, Math.min(this.at + 4, this.#end)))
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw this.fault('four hexadecimal digits')
    this.at += 4
    return Number.parseInt(digits, 16)
  }
}

const simpleEscapes: Readonly<Record<string, number>> = {
  '"': 0x22,
  '\\': 0x5c,
  '/': 0x2f,
  b: 0x08,
  f: 0x0c,
  n: 0x0a,
  r: 0x0d,
  t: 0x09,
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === 0x0a
}

function isWord(byte: number | undefined): boolean {
  return byte !== undefined && /[-+.0-9A-Za-z]/.test(String.fromCharCode(byte))
}

/** One character per byte. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

/** The JSON text of a node without the white space between its tokens. */
export function compactText(node: JsonNode): string {
  switch (node.kind) {
    case 'number':
      return node.text
    case 'string':
      return JSON.stringify(textOf(node.bytes))
    case 'array':
      return `[${node.items.map(compactText).join(',')}]`
    case 'object':
      return `{${node.entries
        .map(({ key, node: item }) => {
          const name = JSON.stringify(Buffer.from(key, 'latin1').toString('utf8'))
          return `${name}:${compactText(item)}`
        })
        .join(',')}}`
    default:
      return node.kind
  }
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** UTF-8 to text; a byte order mark inside a value is part of it. */
export function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes)
}
