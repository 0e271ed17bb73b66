import { civilFromDays, daysFromCivil } from '../batch/time-text.ts'
import { StreamError } from '../core/error.ts'
import { localToUtc } from './time-zone.ts'

const microsPerDay = 86_400_000_000
const monthNames =
  'January February March April May June July August September October November December'.split(' ')
const dayNames = 'Thursday Friday Saturday Sunday Monday Tuesday Wednesday'.split(' ')

type Token =
  | { readonly type: 'field'; readonly letter: string; readonly count: number }
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'optional'; readonly tokens: readonly Token[] }

/** A date-time pattern in Java's letters (`yyyy-MM-dd HH:mm:ss.SSS`), ready to use. Times are UTC. */
export interface TimePattern {
  format(micros: number): string
  /** Microseconds, or `undefined` if the text does not follow the pattern. */
  parse(text: string): number | undefined
  /** Two times of one UTC day format equally, so a text can be reused for the day. */
  readonly isDateOnly: boolean
}

const patterns = new Map<string, TimePattern>()
const patternsMax = 1000

/** @throws StreamError `PATTERN_INVALID` for letters without a meaning, or too many of one */
export function timePattern(pattern: string): TimePattern {
  const known = patterns.get(pattern)
  if (known !== undefined) return known
  if (patterns.size >= patternsMax) patterns.clear()
  const made = makePattern(pattern)
  patterns.set(pattern, made)
  return made
}

function makePattern(pattern: string): TimePattern {
  const tokens = tokenize(pattern)
  const { source, letters } = parserOf(tokens)
  const regexp = new RegExp(`^${source}$`, 'i')
  const flat = flatten(tokens)
  const writers = writersOf(flat)
  return {
    isDateOnly: flat.every(isOfDay),
    format(micros) {
      let text = ''
      for (const write of writers) text += write(micros)
      return text
    },
    parse(text) {
      const match = regexp.exec(text)
      return match === null ? undefined : assemble(letters, match.slice(1))
    },
  }
}

type Writer = (micros: number) => string

/** True for text, and for fields that are the same all day. */
function isOfDay(token: Token): boolean {
  return token.type !== 'field' || 'yuMLdDEQqG'.includes(token.letter)
}

/** Rows mostly come in the order of time: what only depends on the day is written once a day. */
function writersOf(tokens: readonly Token[]): readonly Writer[] {
  const writers: Writer[] = []
  let run: Token[] = []
  const endRun = (): void => {
    if (run.length > 0) writers.push(oncePerDay(run))
    run = []
  }
  for (const token of tokens) {
    if (isOfDay(token)) run.push(token)
    else if (token.type === 'field') {
      endRun()
      writers.push(clockWriter(token.letter, token.count))
    }
  }
  endRun()
  return writers
}

function oncePerDay(tokens: readonly Token[]): Writer {
  let lastDay = Number.NaN
  let lastText = ''
  return (micros) => {
    const day = Math.floor(micros / microsPerDay)
    if (day !== lastDay) {
      lastText = formatTokens(tokens, micros)
      lastDay = day
    }
    return lastText
  }
}

const twoDigits = Array.from({ length: 60 }, (_, value) => String(value).padStart(2, '0'))

function clockWriter(letter: string, count: number): Writer {
  const unit = clockUnits[letter]
  if (count !== 2 || unit === undefined) return (micros) => formatField(letter, count, micros)
  const [size, cycle] = unit
  return (micros) => {
    const units = Math.floor(micros / size)
    return twoDigits[units - Math.floor(units / cycle) * cycle] ?? ''
  }
}

/** Microseconds of a unit, and how many of it make the next one. */
const clockUnits: Readonly<Record<string, readonly [size: number, cycle: number]>> = {
  H: [3_600_000_000, 24],
  m: [60_000_000, 60],
  s: [1_000_000, 60],
}

function flatten(tokens: readonly Token[]): readonly Token[] {
  return tokens.flatMap((token) => (token.type === 'optional' ? flatten(token.tokens) : [token]))
}

/** The letters that mean something once, up to twice, three times … in a row, as in Spark's datetime patterns. */
const lettersByMost = ['a', 'dHhkKmsV', 'D', 'GMLEQqzO', 'XxZ', 'yu', '', '', 'S']

function tokenize(pattern: string): readonly Token[] {
  const stack: Token[][] = [[]]
  const push = (token: Token): void => {
    stack.at(-1)?.push(token)
  }
  for (const [part] of pattern.matchAll(/'(?:[^']|'')*'|([A-Za-z])\1*|[\s\S]/g)) {
    const [letter = ''] = part
    if (part.startsWith("'") && part.length > 1) {
      push({ type: 'text', text: part === "''" ? "'" : part.slice(1, -1).replaceAll("''", "'") })
    } else if (part === '[') stack.push([])
    else if (part === ']' && stack.length > 1) {
      const tokens = stack.pop() ?? []
      push({ type: 'optional', tokens })
    } else if (/[A-Za-z]/.test(letter)) {
      const most = lettersByMost.findIndex((letters) => letters.includes(letter)) + 1
      if (most === 0) throw bad(pattern, `the letter ${letter} has no meaning`)
      if (part.length > most) throw bad(pattern, `${part} has more than ${most} letters`)
      push({ type: 'field', letter, count: part.length })
    } else if (/['[\]{}#]/.test(part)) throw bad(pattern, `${part} stands alone`)
    else push({ type: 'text', text: part })
  }
  if (stack.length > 1) throw bad(pattern, 'a [ is not closed')
  return stack[0] ?? []
}

function bad(pattern: string, why: string): StreamError<'PATTERN_INVALID'> {
  return new StreamError('PATTERN_INVALID', { kind: 'date-time pattern', pattern, why })
}

function formatTokens(tokens: readonly Token[], micros: number): string {
  let text = ''
  for (const token of tokens) {
    if (token.type === 'text') text += token.text
    else if (token.type === 'optional') text += formatTokens(token.tokens, micros)
    else text += formatField(token.letter, token.count, micros)
  }
  return text
}

function formatField(letter: string, count: number, micros: number): string {
  const days = Math.floor(micros / microsPerDay)
  const ofDay = micros - days * microsPerDay
  const pad = (value: number): string => String(value).padStart(count, '0')
  switch (letter) {
    case 'y':
    case 'u': {
      const { year } = civilFromDays(days)
      const shown = letter === 'y' && year <= 0 ? 1 - year : year
      if (count === 2) return String(Math.abs(shown) % 100).padStart(2, '0')
      return `${shown < 0 ? '-' : ''}${pad(Math.abs(shown))}`
    }
    case 'M':
    case 'L':
      return named(civilFromDays(days).month - 1, count, monthNames, 1)
    case 'd':
      return pad(civilFromDays(days).day)
    case 'D':
      return pad(days - (daysFromCivil(civilFromDays(days).year, 1, 1) ?? 0) + 1)
    case 'E': {
      const name = dayNames[((days % 7) + 7) % 7] ?? ''
      return count > 3 ? name : name.slice(0, 3)
    }
    case 'Q':
    case 'q': {
      const quarter = Math.floor((civilFromDays(days).month - 1) / 3) + 1
      if (count < 3) return pad(quarter)
      return count === 3
        ? `Q${quarter}`
        : `${quarter}${['st', 'nd', 'rd', 'th'][quarter - 1]} quarter`
    }
    case 'G':
      return civilFromDays(days).year > 0 ? 'AD' : 'BC'
    case 'S':
      return String(ofDay % 1_000_000)
        .padStart(6, '0')
        .padEnd(count, '0')
        .slice(0, count)
    case 'a':
      return ofDay < microsPerDay / 2 ? 'AM' : 'PM'
    case 'm':
      return pad(Math.floor(ofDay / 60_000_000) % 60)
    case 's':
      return pad(Math.floor(ofDay / 1_000_000) % 60)
    case 'H':
    case 'h':
    case 'k':
    case 'K':
      return pad(shownHour(letter, Math.floor(ofDay / 3_600_000_000)))
    default:
      return zoneText(letter, count)
  }
}

function named(index: number, count: number, names: readonly string[], first: number): string {
  if (count < 3) return String(index + first).padStart(count, '0')
  const name = names[index] ?? ''
  return count === 3 ? name.slice(0, 3) : name
}

function shownHour(letter: string, hour: number): number {
  switch (letter) {
    case 'h':
      return hour % 12 === 0 ? 12 : hour % 12
    case 'K':
      return hour % 12
    case 'k':
      return hour === 0 ? 24 : hour
    default:
      return hour
  }
}

/** The session's zone is UTC. */
function zoneText(letter: string, count: number): string {
  switch (letter) {
    case 'X':
      return 'Z'
    case 'x':
      return count === 1 ? '+00' : count === 2 ? '+0000' : '+00:00'
    case 'Z':
      return count < 4 ? '+0000' : count === 4 ? 'GMT' : 'Z'
    case 'O':
      return 'GMT'
    default:
      return letter === 'z' && count > 3 ? 'Coordinated Universal Time' : 'UTC'
  }
}

/** A regular expression with one group per field, and the fields in order. */
function parserOf(tokens: readonly Token[]): {
  readonly source: string
  readonly letters: readonly string[]
} {
  let source = ''
  const letters: string[] = []
  tokens.forEach((token, index) => {
    if (token.type === 'text') {
      source += token.text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
    } else if (token.type === 'optional') {
      const inner = parserOf(token.tokens)
      source += `(?:${inner.source})?`
      letters.push(...inner.letters)
    } else {
      const next = tokens[index + 1]
      const adjacent = next?.type === 'field' && isDigits(next)
      source += `(${fieldPattern(token.letter, token.count, adjacent)})`
      letters.push(token.letter === 'y' && token.count === 2 ? 'yy' : token.letter)
    }
  })
  return { source, letters }
}

function isDigits({ letter, count }: { readonly letter: string; readonly count: number }): boolean {
  return 'yudDHhkKmsS'.includes(letter) || ('MLQq'.includes(letter) && count < 3)
}

/** A field next to another number takes exactly as many digits as it has letters. */
function fieldPattern(letter: string, count: number, adjacent: boolean): string {
  switch (letter) {
    case 'y':
    case 'u':
      if (count === 2 || adjacent) return `\\d{${count}}`
      return `[+-]?\\d{${count},10}`
    case 'M':
    case 'L':
      if (count === 3) return monthNames.map((name) => name.slice(0, 3)).join('|')
      if (count > 3) return monthNames.join('|')
      return count === 1 ? '\\d{1,2}' : '\\d{2}'
    case 'E':
      return count > 3 ? dayNames.join('|') : dayNames.map((name) => name.slice(0, 3)).join('|')
    case 'S':
      return `\\d{1,${count}}`
    case 'a':
      return 'AM|PM'
    case 'D':
      return count === 1 ? '\\d{1,3}' : `\\d{${count}}`
    case 'G':
      return 'AD|BC'
    case 'z':
    case 'V':
    case 'O':
      return '[A-Za-z][A-Za-z_/+:0-9-]*|[+-]\\d{1,2}(?::?\\d{2})?'
    case 'X':
    case 'x':
    case 'Z':
      return 'Z|[+-]\\d{1,2}(?::?\\d{2})?'
    default:
      return count === 1 ? '\\d{1,2}' : `\\d{${count}}`
  }
}

function assemble(
  letters: readonly string[],
  texts: readonly (string | undefined)[],
): number | undefined {
  const fields = new Map<string, string>()
  letters.forEach((letter, index) => {
    const text = texts[index]
    if (text !== undefined) fields.set(letter, text)
  })
  const days = daysOf(fields)
  const ofDay = microsOfDay(fields)
  if (days === undefined || ofDay === undefined) return undefined
  const local = days * microsPerDay + ofDay
  const zone =
    fields.get('z') ??
    fields.get('V') ??
    fields.get('X') ??
    fields.get('x') ??
    fields.get('Z') ??
    fields.get('O')
  const micros = zone === undefined ? local : localToUtc(zone, local)
  return Number.isSafeInteger(micros) ? micros : undefined
}

function daysOf(fields: ReadonlyMap<string, string>): number | undefined {
  const short = fields.get('yy')
  const year =
    short === undefined ? Number(fields.get('y') ?? fields.get('u') ?? 1970) : 2000 + Number(short)
  const dayOfYear = fields.get('D')
  if (dayOfYear !== undefined) {
    const start = daysFromCivil(year, 1, 1)
    const end = daysFromCivil(year + 1, 1, 1)
    if (start === undefined || end === undefined) return undefined
    const days = start + Number(dayOfYear) - 1
    return days >= start && days < end ? days : undefined
  }
  const monthText = fields.get('M') ?? fields.get('L') ?? '1'
  const name = monthText.slice(0, 3).toLowerCase()
  const byName = monthNames.findIndex((month) => month.toLowerCase().startsWith(name))
  const month = /^\d/.test(monthText) ? Number(monthText) : byName + 1
  return daysFromCivil(year, month, Number(fields.get('d') ?? 1))
}

function microsOfDay(fields: ReadonlyMap<string, string>): number | undefined {
  const half = fields.get('a')?.toLowerCase() === 'pm' ? 12 : 0
  const twelve = fields.get('h') ?? fields.get('K')
  const hour =
    twelve === undefined
      ? Number(fields.get('H') ?? fields.get('k') ?? 0) % (fields.get('k') === undefined ? 100 : 24)
      : (Number(twelve) % 12) + half
  const minute = Number(fields.get('m') ?? 0)
  const second = Number(fields.get('s') ?? 0)
  if (hour > 23 || minute > 59 || second > 59 || Number(twelve ?? 0) > 12) return undefined
  const fraction = Number((fields.get('S') ?? '').padEnd(6, '0').slice(0, 6))
  return ((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction
}
