// Over 400 lines: one table of functions, read by looking a name up in it.

import {
  binaryType,
  booleanType,
  type DataType,
  intType,
  longType,
  stringType,
  typeText,
} from '../batch/schema.ts'
import type { Value } from '../batch/value.ts'
import { StreamError } from '../core/error.ts'
import { commonTypeOf } from './coerce.ts'
import {
  extractAll,
  extractGroup,
  matchesAnywhere,
  matchesLike,
  regexpOf,
  replaceMatches,
  splitText,
} from './pattern.ts'
import {
  type Argument,
  type Mismatch,
  noCommonType,
  type ScalarFunction,
  type Signature,
  strict,
} from './signature.ts'
import {
  capitalize,
  characterCount,
  editDistance,
  padText,
  positionOf,
  sliceCharacters,
  splitPart,
  sqlSubstring,
  substringIndex,
  translateText,
  trimText,
} from './text.ts'
import { bytesOf, listOf, numberOf, textOf } from './value-of.ts'

const strings: DataType = { kind: 'array', element: stringType, containsNull: false }
const maxLength = 2_147_483_647
const encoder = new TextEncoder()

/** Text: case, parts, padding, search, patterns and encodings. Characters are code points. */
export const stringFunctions: readonly ScalarFunction[] = [
  strict('upper ucase', [stringType], stringType, ([a]) => textOf(a).toUpperCase(), {
    emit: ([a]) => `${a}.toUpperCase()`,
  }),
  strict('lower lcase', [stringType], stringType, ([a]) => textOf(a).toLowerCase(), {
    emit: ([a]) => `${a}.toLowerCase()`,
  }),
  strict('initcap', [stringType], stringType, ([a]) => capitalize(textOf(a))),
  strict('length char_length character_length len', ['text'], intType, ([a = null]) =>
    a instanceof Uint8Array ? a.length : characterCount(textOf(a)),
  ),
  strict('octet_length', ['text'], intType, ([a = null]) =>
    a instanceof Uint8Array ? a.length : encoder.encode(textOf(a)).length,
  ),
  strict('bit_length', ['text'], intType, ([a = null]) =>
    a instanceof Uint8Array ? a.length * 8 : encoder.encode(textOf(a)).length * 8,
  ),
  trim('trim', true, true),
  trim('ltrim', true, false),
  trim('rtrim', false, true),
  strict(
    'btrim',
    [stringType, stringType],
    stringType,
    ([a, characters = ' ']) =>
      trimText(textOf(a), { characters: textOf(characters), start: true, end: true }),
    { optional: 1 },
  ),
  strict(
    'substring substr',
    [stringType, intType, intType],
    stringType,
    ([a, position, length]) =>
      sqlSubstring(
        textOf(a),
        numberOf(position),
        length === undefined ? maxLength : numberOf(length),
      ),
    {
      optional: 1,
      emit: ([a, position, length = String(maxLength)], _, emitter) =>
        `${emitter.constant(sqlSubstring)}(${a}, ${position}, ${length})`,
    },
  ),
  strict('left', [stringType, intType], stringType, ([a, length]) =>
    sliceCharacters(textOf(a), 0, numberOf(length)),
  ),
  strict('right', [stringType, intType], stringType, ([a, length]) => {
    const count = numberOf(length)
    return count <= 0
      ? ''
      : sliceCharacters(textOf(a), characterCount(textOf(a)) - count, maxLength)
  }),
  strict(
    'contains',
    [stringType, stringType],
    booleanType,
    ([a, b]) => textOf(a).includes(textOf(b)),
    {
      emit: ([a, b]) => `${a}.includes(${b})`,
    },
  ),
  strict(
    'startswith',
    [stringType, stringType],
    booleanType,
    ([a, b]) => textOf(a).startsWith(textOf(b)),
    {
      emit: ([a, b]) => `${a}.startsWith(${b})`,
    },
  ),
  strict(
    'endswith',
    [stringType, stringType],
    booleanType,
    ([a, b]) => textOf(a).endsWith(textOf(b)),
    {
      emit: ([a, b]) => `${a}.endsWith(${b})`,
    },
  ),
  strict('instr', [stringType, stringType], intType, ([text, part]) =>
    positionOf(textOf(part), textOf(text), 1),
  ),
  strict(
    'locate position',
    [stringType, stringType, intType],
    intType,
    ([part, text, from]) =>
      positionOf(textOf(part), textOf(text), from === undefined ? 1 : numberOf(from)),
    { optional: 1 },
  ),
  pad('lpad', true),
  pad('rpad', false),
  strict('repeat', [stringType, intType], stringType, ([a, count]) =>
    repeatText(textOf(a), Math.max(numberOf(count), 0)),
  ),
  strict('space', [intType], stringType, ([count]) =>
    repeatText(' ', Math.max(numberOf(count), 0)),
  ),
  strict(
    'replace',
    [stringType, stringType, stringType],
    stringType,
    ([a, from, to = '']) =>
      from === '' ? textOf(a) : textOf(a).replaceAll(textOf(from), () => textOf(to)),
    { optional: 1 },
  ),
  strict('translate', [stringType, stringType, stringType], stringType, ([a, from, to]) =>
    translateText(textOf(a), textOf(from), textOf(to)),
  ),
  strict(
    'substring_index',
    [stringType, stringType, intType],
    stringType,
    ([a, separator, count]) => substringIndex(textOf(a), textOf(separator), numberOf(count)),
  ),
  strict('split_part', [stringType, stringType, intType], stringType, ([a, separator, part]) => {
    if (numberOf(part) === 0)
      throw new StreamError('INDEX_INVALID', { index: 0, why: 'parts count from 1' })
    return splitPart(textOf(a), textOf(separator), numberOf(part))
  }),
  strict(
    'split',
    [stringType, stringType, intType],
    strings,
    ([a, pattern, limit]) =>
      splitText(textOf(a), textOf(pattern), limit === undefined ? -1 : numberOf(limit)),
    { optional: 1 },
  ),
  strict('ascii', [stringType], intType, ([a]) => textOf(a).codePointAt(0) ?? 0),
  strict('chr char', [longType], stringType, ([a = null]) => {
    const code = BigInt(String(a))
    return code < 0n ? '' : String.fromCharCode(Number(code % 256n))
  }),
  strict('levenshtein', [stringType, stringType], intType, ([a, b]) =>
    editDistance(textOf(a), textOf(b)),
  ),
  strict(
    'like',
    [stringType, stringType, stringType],
    booleanType,
    ([a, b, escapeWith]) =>
      matchesLike(
        textOf(a),
        textOf(b),
        escapeWith === undefined ? {} : { escape: textOf(escapeWith) },
      ),
    { optional: 1, emit: emitLike },
  ),
  strict(
    'ilike',
    [stringType, stringType, stringType],
    booleanType,
    ([a, b, escapeWith]) =>
      matchesLike(textOf(a), textOf(b), {
        ignoreCase: true,
        ...(escapeWith === undefined ? {} : { escape: textOf(escapeWith) }),
      }),
    { optional: 1 },
  ),
  strict(
    'rlike regexp regexp_like',
    [stringType, stringType],
    booleanType,
    ([a, b]) => matchesAnywhere(textOf(a), textOf(b)),
    { emit: ([a, b], _, emitter) => `${emitter.constant(matchesAnywhere)}(${a}, ${b})` },
  ),
  strict(
    'regexp_extract',
    [stringType, stringType, intType],
    stringType,
    ([a, pattern, group]) =>
      extractGroup(textOf(a), textOf(pattern), group === undefined ? 1 : numberOf(group)),
    { optional: 1 },
  ),
  strict(
    'regexp_extract_all',
    [stringType, stringType, intType],
    strings,
    ([a, pattern, group]) =>
      extractAll(textOf(a), textOf(pattern), group === undefined ? 1 : numberOf(group)),
    { optional: 1 },
  ),
  strict(
    'regexp_replace',
    [stringType, stringType, stringType, intType],
    stringType,
    ([a, pattern, to, from]) => {
      const text = textOf(a)
      const kept = sliceCharacters(text, 0, from === undefined ? 0 : numberOf(from) - 1)
      return kept + replaceMatches(text.slice(kept.length), textOf(pattern), textOf(to))
    },
    { optional: 1 },
  ),
  strict(
    'regexp_count',
    [stringType, stringType],
    intType,
    ([a, pattern]) => [...textOf(a).matchAll(regexpOf(textOf(pattern)))].length,
  ),
  strict(
    'regexp_substr',
    [stringType, stringType],
    stringType,
    ([a, pattern]) => {
      const [match] = textOf(a).matchAll(regexpOf(textOf(pattern)))
      return match?.[0] ?? null
    },
    { nullable: true },
  ),
  strict('base64', [binaryType], stringType, ([a]) => Buffer.from(bytesOf(a)).toString('base64')),
  strict('unbase64', [stringType], binaryType, ([a]) =>
    Uint8Array.from(Buffer.from(textOf(a), 'base64')),
  ),
  strict('encode', [stringType, stringType], binaryType, ([a, charset]) =>
    encodeText(textOf(a), textOf(charset)),
  ),
  strict('decode', [binaryType, stringType], stringType, ([a, charset]) =>
    decodeText(bytesOf(a), textOf(charset)),
  ),
  strict('url_encode', [stringType], stringType, ([a]) =>
    new URLSearchParams([['', textOf(a)]]).toString().slice(1),
  ),
  strict(
    'url_decode',
    [stringType],
    stringType,
    ([a]) => new URLSearchParams(`=${textOf(a).replaceAll('&', '%26')}`).get('') ?? '',
  ),
  { ...strict('concat ||', ['any'], stringType, concat, { variadic: true }), typing: concatTyping },
  {
    names: ['concat_ws'],
    strict: false,
    arity: { least: 1, most: Number.POSITIVE_INFINITY },
    typing: concatWithTyping,
    evaluate: concatWith,
  },
]

function trim(name: string, start: boolean, end: boolean): ScalarFunction {
  return strict(
    name,
    [stringType, stringType],
    stringType,
    ([first, second]) =>
      // With two arguments Spark takes the characters to trim first.
      second === undefined
        ? trimText(textOf(first), { characters: ' ', start, end })
        : trimText(textOf(second), { characters: textOf(first), start, end }),
    { optional: 1 },
  )
}

function pad(name: string, left: boolean): ScalarFunction {
  return strict(
    name,
    [stringType, intType, stringType],
    stringType,
    ([a, length, filling = ' ']) =>
      padText(textOf(a), { length: boundedLength(numberOf(length)), pad: textOf(filling), left }),
    { optional: 1 },
  )
}

/** Longest text that `lpad`, `repeat` and the like make: JavaScript's own limit is near 2^29. */
const builtLengthMax = 2 ** 28

function boundedLength(length: number): number {
  if (length <= builtLengthMax) return length
  throw new StreamError('ARITHMETIC_OVERFLOW', {
    operation: 'the length of a text',
    type: `${builtLengthMax} characters`,
    values: length,
  })
}

function repeatText(text: string, count: number): string {
  boundedLength(text.length * count)
  return text.repeat(count)
}

function emitLike(
  [text = '', , escapeWith]: readonly string[],
  _: unknown,
  emitter: {
    constant(value: unknown): string
    literal(index: number): Value | undefined
  },
): string | undefined {
  const pattern = emitter.literal(1)
  if (typeof pattern !== 'string' || escapeWith !== undefined) return undefined
  const [, start = '', body = '', end = ''] = /^(%?)([^%_\\]*)(%?)$/.exec(pattern) ?? []
  const isPlain = start + body + end === pattern
  if (!isPlain || /[%_\\]/.test(body)) return undefined
  const part = emitter.constant(body)
  if (start !== '' && end !== '') return `${text}.includes(${part})`
  if (start !== '') return `${text}.endsWith(${part})`
  return end === '' ? `(${text} === ${part})` : `${text}.startsWith(${part})`
}

function concatTyping(args: readonly Argument[]): Signature | Mismatch {
  const types = args.map((argument) => argument.type)
  const nullable = args.some((argument) => argument.nullable)
  if (types.some((type) => type.kind === 'array')) {
    const common = commonTypeOf(types)
    return common === undefined
      ? noCommonType(args)
      : { args: types.map(() => common), result: common, nullable }
  }
  const wrong = types.find((type) => type.kind === 'map' || type.kind === 'struct')
  if (wrong !== undefined) {
    return { expected: 'STRING', actual: typeText(wrong).toUpperCase(), suggestion: 'string' }
  }
  const isBinary = types.length > 0 && types.every((type) => type.kind === 'binary')
  const type = isBinary ? binaryType : stringType
  return { args: types.map(() => type), result: type, nullable }
}

function concat(args: readonly Value[], types: { readonly result: DataType }): Value {
  switch (types.result.kind) {
    case 'array':
      return args.flatMap((value) => listOf(value))
    case 'binary':
      return Uint8Array.from(Buffer.concat(args.map((value) => bytesOf(value))))
    default: {
      let text = ''
      for (const value of args) text += textOf(value)
      return text
    }
  }
}

function concatWithTyping(args: readonly Argument[]): Signature | Mismatch {
  const types = args.map(({ type }, index) => {
    if (index > 0 && type.kind === 'array') return { ...strings, containsNull: true }
    return type.kind === 'map' || type.kind === 'struct' ? undefined : stringType
  })
  const known = types.filter((type) => type !== undefined)
  if (known.length < types.length) {
    return { expected: 'STRING or ARRAY<STRING>', actual: 'another type', suggestion: 'string' }
  }
  return { args: known, result: stringType, nullable: args[0]?.nullable === true }
}

/** Skips NULLs, also inside of arrays; only a NULL separator makes NULL. */
function concatWith([separator = null, ...rest]: readonly Value[]): Value {
  if (separator === null) return null
  const parts = rest.flatMap((value) => (Array.isArray(value) ? [...value] : [value]))
  return parts.filter((value) => value !== null).join(textOf(separator))
}

function encodeText(text: string, charset: string): Uint8Array {
  switch (charset.toLowerCase()) {
    case 'utf-8':
    case 'utf8':
      return encoder.encode(text)
    case 'utf-16le':
      return Uint8Array.from(Buffer.from(text, 'utf16le'))
    case 'utf-16be':
      return Uint8Array.from(Buffer.from(text, 'utf16le').swap16())
    case 'us-ascii':
      return Uint8Array.from([...text], (character) => byteOf(character, 127))
    case 'iso-8859-1':
      return Uint8Array.from([...text], (character) => byteOf(character, 255))
    default:
      throw unknownCharset(charset)
  }
}

function byteOf(character: string, most: number): number {
  const code = character.codePointAt(0) ?? 0
  return code > most ? 63 : code
}

function decodeText(bytes: Uint8Array, charset: string): string {
  const name = charset.toLowerCase()
  switch (name) {
    case 'utf-8':
    case 'utf8':
      return Buffer.from(bytes).toString('utf8')
    case 'utf-16le':
      return Buffer.from(bytes).toString('utf16le')
    case 'utf-16be':
      return Buffer.from(bytes.slice(0, bytes.length - (bytes.length % 2)))
        .swap16()
        .toString('utf16le')
    case 'us-ascii':
      return [...bytes].map((byte) => (byte > 127 ? '\ufffd' : String.fromCharCode(byte))).join('')
    case 'iso-8859-1':
      return Buffer.from(bytes).toString('latin1')
    default:
      throw unknownCharset(charset)
  }
}

function unknownCharset(charset: string): StreamError<'CONFIG_INVALID'> {
  return new StreamError('CONFIG_INVALID', {
    option: 'charset',
    value: charset,
    expected: 'one of UTF-8, UTF-16BE, UTF-16LE, US-ASCII, ISO-8859-1',
  })
}
