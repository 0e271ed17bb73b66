import { reasonOf, StreamError } from '../core/error.ts'

/** Compiled patterns by source text; a query has few, so the bound is only a safeguard. */
const compiled = new Map<string, RegExp>()
const compiledMax = 1000

function remember(key: string, make: () => RegExp): RegExp {
  const known = compiled.get(key)
  if (known !== undefined) return known
  if (compiled.size >= compiledMax) compiled.clear()
  const pattern = make()
  compiled.set(key, pattern)
  return pattern
}

const posixClasses: Readonly<Record<string, string>> = {
  Alnum: 'a-zA-Z0-9',
  Alpha: 'a-zA-Z',
  ASCII: '\\x00-\\x7F',
  Blank: ' \\t',
  Digit: '0-9',
  Lower: 'a-z',
  Punct: '!-\\/:-@\\[-`{-~',
  Space: '\\s',
  Upper: 'A-Z',
  XDigit: '0-9a-fA-F',
}

/** Writes Java's spellings of a regular expression in JavaScript's. */
function translate(source: string): { readonly source: string; readonly flags: string } {
  let flags = ''
  const body = source
    .replace(/^\(\?([imsux]+)\)/, (_, letters: string) => {
      flags = [...letters].filter((letter) => 'ims'.includes(letter)).join('')
      return ''
    })
    .replace(/\\Q([\s\S]*?)(?:\\E|$)/g, (_, text: string) => escapeRegExp(text))
    .replace(/\\A/g, '^')
    .replace(/\\[zZ]/g, '$')
    .replace(/\[([^\]]*)\\p\{(\w+)\}/g, (whole, before: string, name: string) => {
      const inner = posixClasses[name]
      return inner === undefined ? whole : `[${before}${inner}`
    })
    .replace(/\\p\{(\w+)\}/g, (whole, name: string) => {
      const inner = posixClasses[name]
      return inner === undefined ? whole : `[${inner}]`
    })
  return { source: body, flags }
}

/** A global regular expression for a pattern in Java's syntax, shared, and set to the start. */
export function regexpOf(source: string): RegExp {
  const pattern = remember(`r${source}`, () => {
    const { source: body, flags } = translate(source)
    try {
      return new RegExp(body, `gu${flags}`)
    } catch {
      // Escapes such as `\-` are errors only in Unicode mode.
      try {
        return new RegExp(body, `g${flags}`)
      } catch (thrown) {
        throw new StreamError(
          'PATTERN_INVALID',
          { pattern: source, kind: 'regular expression', why: reasonOf(thrown) },
          { cause: thrown },
        )
      }
    }
  })
  // `test` and `exec` leave it where they stopped, and `matchAll` would go on from there.
  pattern.lastIndex = 0
  return pattern
}

export function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}

/** True if the pattern matches anywhere in the text. */
export function matchesAnywhere(text: string, source: string): boolean {
  return regexpOf(source).test(text)
}

/** LIKE: `%` is any text, `_` one character, the escape character takes the next literally. */
export function matchesLike(
  text: string,
  pattern: string,
  options: { readonly escape?: string; readonly ignoreCase?: boolean } = {},
): boolean {
  const { escape: escaping = '\\', ignoreCase = false } = options
  const regexp = remember(`${ignoreCase ? 'i' : 'l'}${escaping}${pattern}`, () =>
    likePattern(pattern, escaping, ignoreCase),
  )
  return regexp.test(text)
}

function likePattern(pattern: string, escaping: string, ignoreCase: boolean): RegExp {
  let body = ''
  let escaped = false
  for (const character of pattern) {
    if (escaped) {
      body += escapeRegExp(character)
      escaped = false
    } else if (character === escaping) escaped = true
    else if (character === '%') body += '.*'
    else body += character === '_' ? '.' : escapeRegExp(character)
  }
  if (escaped) {
    const why = 'the escape character must not come last'
    throw new StreamError('PATTERN_INVALID', { pattern, kind: 'LIKE pattern', why })
  }
  return new RegExp(`^${body}$`, ignoreCase ? 'isu' : 'su')
}

/** Group `group` of the first match; `''` without a match. */
export function extractGroup(text: string, source: string, group: number): string {
  const match = regexpOf(source).exec(text)
  if (match === null) return ''
  if (group >= 0 && group < match.length) return match[group] ?? ''
  const why = `there is no group ${group}`
  throw new StreamError('PATTERN_INVALID', { pattern: source, kind: 'regular expression', why })
}

/** The group of every match. */
export function extractAll(text: string, source: string, group: number): string[] {
  const found: string[] = []
  for (const match of text.matchAll(regexpOf(source))) {
    if (group < 0 || group >= match.length) {
      const why = `there is no group ${group}`
      throw new StreamError('PATTERN_INVALID', { pattern: source, kind: 'regular expression', why })
    }
    found.push(match[group] ?? '')
  }
  return found
}

/** Replaces every match; `$1` is a group and `\` takes the next character literally, as in Java. */
export function replaceMatches(text: string, source: string, replacement: string): string {
  return text.replace(regexpOf(source), (...match: unknown[]) =>
    replacement.replace(/\\([\s\S])|\$(\d)/g, (_, literal?: string, group?: string) => {
      if (literal !== undefined) return literal
      const value = match[Number(group)]
      return typeof value === 'string' ? value : ''
    }),
  )
}

/** Java's split: a match without width at the start gives no part; a positive limit keeps the rest whole. */
export function splitText(text: string, source: string, limit: number): string[] {
  if (source === '') return splitCharacters(text, limit)
  if (limit <= 0 && !/[\\^$.*+?()[\]{}|]/.test(source)) return text.split(source)
  const parts: string[] = []
  let start = 0
  for (const match of text.matchAll(regexpOf(source))) {
    if (limit > 0 && parts.length === limit - 1) break
    const end = match.index + match[0].length
    if (end === 0) continue
    parts.push(text.slice(start, match.index))
    start = end
  }
  parts.push(text.slice(start))
  return parts
}

function splitCharacters(text: string, limit: number): string[] {
  const characters = [...text]
  if (limit <= 0 || limit >= characters.length) return text === '' ? [''] : characters
  return [...characters.slice(0, limit - 1), characters.slice(limit - 1).join('')]
}
