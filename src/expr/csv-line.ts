/** The characters that give a line of CSV its structure. */
export interface CsvDialect {
  readonly separator: string
  readonly quote: string
  /** Before a quote or itself inside quotes it stands for that character. */
  readonly escapeChar: string
}

/** One value of a line; an empty value in quotes is a text, without quotes it is the null value. */
export interface CsvField {
  readonly text: string
  readonly isQuoted: boolean
}

/** Splits a line. `undefined` when a quote is never closed. A doubled quote inside quotes is a quote. */
export function splitCsv(line: string, dialect: CsvDialect): readonly CsvField[] | undefined {
  const { separator, quote } = dialect
  const fields: CsvField[] = []
  let at = 0
  for (;;) {
    if (quote !== '' && line.startsWith(quote, at)) {
      const found = quoted(line, at + quote.length, dialect)
      if (found === undefined) return undefined
      // What follows a closing quote up to the separator belongs to the value, as it stands.
      const stop = endOf(line, separator, found.end)
      const text = found.text + line.slice(found.end, stop)
      fields.push({ text, isQuoted: true })
      at = stop
    } else {
      const stop = endOf(line, separator, at)
      fields.push({ text: line.slice(at, stop), isQuoted: false })
      at = stop
    }
    if (at >= line.length) return fields
    at += separator.length
  }
}

function endOf(line: string, separator: string, from: number): number {
  const found = separator === '' ? -1 : line.indexOf(separator, from)
  return found < 0 ? line.length : found
}

function quoted(
  line: string,
  start: number,
  { quote, escapeChar }: CsvDialect,
): { readonly text: string; readonly end: number } | undefined {
  let text = ''
  let at = start
  while (at < line.length) {
    const char = line.charAt(at)
    const next = line.charAt(at + 1)
    const isPair = next === quote || (next === escapeChar && next !== '')
    if (char === escapeChar && char !== quote && isPair) {
      text += next
      at += 2
    } else if (char === quote && next === quote) {
      text += quote
      at += 2
    } else if (char === quote) return { text, end: at + 1 }
    else {
      text += char
      at++
    }
  }
  return undefined
}

/** A value as it is written: in quotes, if there are any, where the bare text would be read as another. */
export function csvText(text: string, nullValue: string, dialect: CsvDialect): string {
  const { separator, quote, escapeChar } = dialect
  // A part of a longer separator at the end of a value would run into the one that follows.
  const isPlain =
    text !== '' &&
    text !== nullValue &&
    !text.includes(separator.charAt(0)) &&
    !text.includes(quote) &&
    !/^\s|\s$|[\r\n]/.test(text)
  if (isPlain || quote === '') return text
  const isOwnEscape = escapeChar === quote || escapeChar === ''
  const escaped = isOwnEscape ? text : text.replaceAll(escapeChar, () => escapeChar + escapeChar)
  const before = isOwnEscape ? quote : escapeChar
  return quote + escaped.replaceAll(quote, () => before + quote) + quote
}
