/** A stretch of TypeScript text of one sort; `code` is everything that is none of the others. */
interface Stretch {
  readonly sort: 'code' | 'comment' | 'string' | 'template' | 'regex'
  readonly text: string
}

/** Strings that name a module, so that they survive `codeOf`. */
const beforeModuleName = /\b(?:from|import|require)\s*\(?\s*$/

/**
 * The text without comments and without the content of strings and patterns, lines kept, so that a
 * search in it finds only code. Names of imported modules stay.
 */
export function codeOf(text: string): string {
  let code = ''
  for (const { sort, text: part } of stretches(text)) {
    if (sort === 'code') code += part
    else if (sort === 'string' && beforeModuleName.test(code)) code += part
    else code += part.replace(/[^\n]/g, ' ')
  }
  return code
}

/** Every comment of the text with its markers, in order. */
export function commentsOf(text: string): readonly string[] {
  return stretches(text)
    .filter(({ sort }) => sort === 'comment')
    .map(({ text: comment }) => comment)
}

/**
 * Splits a text that compiles. A template's `${…}` is code again. A slash begins a pattern where a
 * value may begin, which is after an operator, an opening bracket or a keyword.
 */
function stretches(text: string): readonly Stretch[] {
  const found: Stretch[] = []
  // For each open template, the depth of braces inside its current `${`.
  const templates: number[] = []
  let at = 0
  let codeFrom = 0

  const take = (sort: Stretch['sort'], end: number): void => {
    if (at > codeFrom) found.push({ sort: 'code', text: text.slice(codeFrom, at) })
    found.push({ sort, text: text.slice(at, end) })
    at = end
    codeFrom = end
  }

  while (at < text.length) {
    const char = text[at]
    const pair = text.slice(at, at + 2)
    const depth = templates.at(-1)
    if (pair === '//') take('comment', endOr(text.indexOf('\n', at), text))
    else if (pair === '/*') take('comment', text.indexOf('*/', at) + 2)
    else if (char === "'" || char === '"') take('string', endOfQuoted(text, at, char))
    else if (char === '`' || (char === '}' && depth === 0)) {
      const end = endOfTemplatePart(text, at)
      if (char === '}') templates.pop()
      if (text[end - 1] === '{') templates.push(0)
      take('template', end)
    } else if (char === '/' && valueMayBegin(text.slice(codeFrom, at), found)) {
      take('regex', endOfRegex(text, at))
    } else {
      if (depth !== undefined && char === '{') templates[templates.length - 1] = depth + 1
      if (depth !== undefined && char === '}') templates[templates.length - 1] = depth - 1
      at++
    }
  }
  if (at > codeFrom) found.push({ sort: 'code', text: text.slice(codeFrom) })
  return found
}

function endOr(index: number, text: string): number {
  return index === -1 ? text.length : index
}

function endOfQuoted(text: string, from: number, quote: string): number {
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === quote) return at + 1
  }
  return text.length
}

/** Just after the closing backtick, or after the `${` that interrupts the template. */
function endOfTemplatePart(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '`') return at + 1
    else if (text[at] === '$' && text[at + 1] === '{') return at + 2
  }
  return text.length
}

function endOfRegex(text: string, from: number): number {
  let inClass = false
  for (let at = from + 1; at < text.length; at++) {
    const char = text[at]
    if (char === '\\') at++
    else if (char === '[') inClass = true
    else if (char === ']') inClass = false
    else if (char === '/' && !inClass) return at + 1
  }
  return text.length
}

function valueMayBegin(codeBefore: string, found: readonly Stretch[]): boolean {
  const before = codeBefore.trimEnd()
  if (before === '') {
    const last = found.at(-1)
    return last === undefined || last.sort === 'comment' || last.text.endsWith('${')
  }
  return /(?:[=(,:;!&|?{}[+\-*%<>~^]|\b(?:return|typeof|case|in|of|await|yield|void))$/.test(before)
}
