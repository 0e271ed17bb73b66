import { StreamError } from '../core/error.ts'

/** One token of SQL text. `text` is as written; `value` is a name or string without its quotes. */
export interface Token {
  readonly type: 'name' | 'quotedName' | 'string' | 'number' | 'symbol' | 'end'
  readonly text: string
  readonly value: string
  readonly position: number
}

const pattern =
  /\s+|--[^\n]*|\/\*[\s\S]*?\*\/|(`(?:[^`]|``)+`)|('(?:[^'\\]|''|\\[\s\S])*'|"(?:[^"\\]|""|\\[\s\S])*")|((?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?:[LlSsYyDdFf]|[Bb][Dd])?(?![\p{L}\p{N}_]))|([\p{L}_][\p{L}\p{N}_]*)|(<=>|<>|<=|>=|==|!=|\|\||::|[-+*/%()<>=.,[\]!~&|^:])/uy

const escapes: Readonly<Record<string, string>> = {
  '0': '\0',
  b: '\b',
  n: '\n',
  r: '\r',
  t: '\t',
  Z: '\u001a',
}

/**
 * Splits an SQL expression into tokens, the last of type `end`.
 * @throws StreamError `PARSE_ERROR`
 */
export function lex(text: string): readonly Token[] {
  const tokens: Token[] = []
  let position = 0
  while (position < text.length) {
    pattern.lastIndex = position
    const match = pattern.exec(text)
    if (match === null) {
      const why = `unexpected character ${JSON.stringify(text[position])}`
      throw new StreamError('PARSE_ERROR', { text, position, why })
    }
    const token = tokenOf(match, position)
    if (token !== undefined) tokens.push(token)
    position = pattern.lastIndex
  }
  tokens.push({ type: 'end', text: 'the end', value: '', position })
  return tokens
}

/** `undefined` for white space and comments. */
function tokenOf(match: RegExpExecArray, position: number): Token | undefined {
  const [text, quoted, string, number, name, symbol] = match
  if (quoted !== undefined) {
    const value = quoted.slice(1, -1).replaceAll('``', '`')
    return { type: 'quotedName', text, value, position }
  }
  if (string !== undefined) return { type: 'string', text, value: unquoted(string), position }
  if (number !== undefined) return { type: 'number', text, value: number, position }
  if (name !== undefined) return { type: 'name', text, value: name, position }
  if (symbol !== undefined) return { type: 'symbol', text, value: symbol, position }
  return undefined
}

/** A doubled quote is one; a backslash escapes as in Spark, but stays before `%` and `_`. */
function unquoted(literal: string): string {
  const quote = literal[0] ?? "'"
  return literal
    .slice(1, -1)
    .replace(/\\u([0-9a-fA-F]{4})|\\([\s\S])|''|""/g, (found, code?: string, next?: string) => {
      if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16))
      if (next === undefined) return found === quote + quote ? quote : found
      return next === '%' || next === '_' ? found : (escapes[next] ?? next)
    })
}
