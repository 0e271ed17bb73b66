/** JSON as it stands in a text: numbers keep their digits, so nothing is rounded before the type is known. */
export type JsonNode =
  | { readonly kind: 'null' | 'true' | 'false' }
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'array'; readonly items: readonly JsonNode[] }
  | { readonly kind: 'object'; readonly entries: readonly (readonly [string, JsonNode])[] }

const depthLimit = 512
const word = /true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const hexDigits = /^[0-9a-fA-F]{4}$/
const plainKinds = { true: 'true', false: 'false', null: 'null' } as const

/** Ends the reading of a text that is no JSON; never seen outside. */
class NoJson extends Error {}

/** The one value that a text holds, by strict JSON; `undefined` if it is none. */
export function parseJson(text: string): JsonNode | undefined {
  const reader = new Reader(text)
  try {
    const node = reader.value(0)
    return reader.isAtEnd() ? node : undefined
  } catch (error) {
    if (error instanceof NoJson) return undefined
    throw error
  }
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  isAtEnd(): boolean {
    this.#space()
    return this.#at === this.#text.length
  }

  value(depth: number): JsonNode {
    if (depth > depthLimit) throw new NoJson()
    this.#space()
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth)
      case '[':
        return this.#array(depth)
      case '"':
        return { kind: 'string', text: this.#string() }
      default:
        return this.#word()
    }
  }

  #word(): JsonNode {
    word.lastIndex = this.#at
    const found = word.exec(this.#text)?.[0]
    if (found === undefined) throw new NoJson()
    this.#at += found.length
    return found === 'true' || found === 'false' || found === 'null'
      ? { kind: plainKinds[found] }
      : { kind: 'number', text: found }
  }

  #object(depth: number): JsonNode {
    const entries: (readonly [string, JsonNode])[] = []
    this.#at++
    if (this.#skip('}')) return { kind: 'object', entries }
    for (;;) {
      this.#space()
      if (this.#text[this.#at] !== '"') throw new NoJson()
      const key = this.#string()
      if (!this.#skip(':')) throw new NoJson()
      entries.push([key, this.value(depth + 1)])
      if (this.#skip('}')) return { kind: 'object', entries }
      if (!this.#skip(',')) throw new NoJson()
    }
  }

  #array(depth: number): JsonNode {
    const items: JsonNode[] = []
    this.#at++
    if (this.#skip(']')) return { kind: 'array', items }
    for (;;) {
      items.push(this.value(depth + 1))
      if (this.#skip(']')) return { kind: 'array', items }
      if (!this.#skip(',')) throw new NoJson()
    }
  }

  #string(): string {
    const text = this.#text
    const start = ++this.#at
    let isEscaped = false
    for (;;) {
      const code = text.charCodeAt(this.#at)
      // NaN, behind the end of the text, is no character either.
      if (!(code >= 0x20)) throw new NoJson()
      if (code === 0x22) break
      if (code === 0x5c) {
        isEscaped = true
        this.#at++
      }
      this.#at++
    }
    const inner = text.slice(start, this.#at++)
    return isEscaped ? unescaped(inner) : inner
  }

  #space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return
      this.#at++
    }
  }

  #skip(character: string): boolean {
    this.#space()
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }
}

const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}

function unescaped(inner: string): string {
  const text = inner.replace(/\\(?:u(.{0,4})|([\s\S]))/g, (_, hex?: string, plain?: string) => {
    if (hex === undefined) {
      const meant = escapes[plain ?? '']
      if (meant === undefined) throw new NoJson()
      return meant
    }
    if (!hexDigits.test(hex)) throw new NoJson()
    return String.fromCharCode(Number.parseInt(hex, 16))
  })
  // Half a surrogate pair has no place in UTF-8.
  return text.replace(/\p{Cs}/gu, '\ufffd')
}

/** The JSON text of a node without the white space between its tokens. */
export function compactJson(node: JsonNode): string {
  switch (node.kind) {
    case 'number':
      return node.text
    case 'string':
      return JSON.stringify(node.text)
    case 'array':
      return `[${node.items.map(compactJson).join(',')}]`
    case 'object':
      return `{${node.entries.map(([key, item]) => `${JSON.stringify(key)}:${compactJson(item)}`).join(',')}}`
    default:
      return node.kind
  }
}
