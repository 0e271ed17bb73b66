/** Characters of SQL are code points; JavaScript's are UTF-16 units. These agree but for surrogates. */
const surrogate = /[\ud800-\udfff]/

/** How many code points the text has. */
export function characterCount(text: string): number {
  if (!surrogate.test(text)) return text.length
  let count = 0
  for (const _ of text) count++
  return count
}

/** Code points `start` to `end`, counted from 0; what lies outside is left out. */
export function sliceCharacters(text: string, start: number, end: number): string {
  const from = Math.max(start, 0)
  const to = Math.max(end, from)
  return surrogate.test(text) ? [...text].slice(from, to).join('') : text.slice(from, to)
}

/** SQL's `substring`: positions from 1, negative ones from the end, 0 as 1. */
export function sqlSubstring(text: string, position: number, length: number): string {
  if (length <= 0) return ''
  const start = position > 0 ? position - 1 : position < 0 ? characterCount(text) + position : 0
  return sliceCharacters(text, start, start + length)
}

/** The 1-based position of `part`, searched from the 1-based `from`; 0 if it is not there. */
export function positionOf(part: string, text: string, from: number): number {
  if (from < 1) return 0
  const skipped = sliceCharacters(text, 0, from - 1)
  if (characterCount(skipped) < from - 1) return 0
  const at = text.indexOf(part, skipped.length)
  return at < 0 ? 0 : characterCount(text.slice(0, at)) + 1
}

/** Pads or cuts to exactly `length` code points. */
export function padText(
  text: string,
  options: { readonly length: number; readonly pad: string; readonly left: boolean },
): string {
  const { pad, left } = options
  const length = Math.max(options.length, 0)
  const missing = length - characterCount(text)
  if (missing <= 0 || pad === '') return missing <= 0 ? sliceCharacters(text, 0, length) : text
  const filling = sliceCharacters(pad.repeat(Math.ceil(missing / characterCount(pad))), 0, missing)
  return left ? filling + text : text + filling
}

/** Trims every character that occurs in `characters` from the chosen ends. */
export function trimText(
  text: string,
  options: { readonly characters: string; readonly start: boolean; readonly end: boolean },
): string {
  const unwanted = new Set(options.characters)
  const all = surrogate.test(text) ? [...text] : text.split('')
  let from = 0
  let to = all.length
  while (options.start && from < to && unwanted.has(all[from] ?? '')) from++
  while (options.end && to > from && unwanted.has(all[to - 1] ?? '')) to--
  return all.slice(from, to).join('')
}

/** First letter of every word upper, the rest lower; only blanks part words. */
export function capitalize(text: string): string {
  return text
    .toLowerCase()
    .split(' ')
    .map((word) => {
      const [first = ''] = word
      return first.toUpperCase() + word.slice(first.length)
    })
    .join(' ')
}

/** Each character of `from` becomes its counterpart in `to`, or goes if there is none. */
export function translateText(text: string, from: string, to: string): string {
  const target = [...to]
  const table = new Map<string, string>()
  ;[...from].forEach((character, index) => {
    if (!table.has(character)) table.set(character, target[index] ?? '')
  })
  let result = ''
  for (const character of text) result += table.get(character) ?? character
  return result
}

/** The text before the n-th separator, or after the n-th from the end for negative n. */
export function substringIndex(text: string, separator: string, count: number): string {
  if (separator === '' || count === 0) return ''
  const parts = text.split(separator)
  return count > 0 ? parts.slice(0, count).join(separator) : parts.slice(count).join(separator)
}

/** The n-th part, from the end for negative n; `''` beyond the ends. */
export function splitPart(text: string, separator: string, part: number): string {
  const parts = separator === '' ? [text] : text.split(separator)
  return parts[part > 0 ? part - 1 : parts.length + part] ?? ''
}

/** Insertions, deletions and replacements that turn one text into the other. */
export function editDistance(left: string, right: string): number {
  const target = [...right]
  let previous = Array.from({ length: target.length + 1 }, (_, column) => column)
  let row = 0
  for (const character of left) {
    const current = [++row]
    target.forEach((other, column) => {
      const replace = (previous[column] ?? 0) + (character === other ? 0 : 1)
      current.push(Math.min(replace, (current[column] ?? 0) + 1, (previous[column + 1] ?? 0) + 1))
    })
    previous = current
  }
  return previous[target.length] ?? 0
}
