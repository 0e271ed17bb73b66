import { StreamError } from '../core/error.ts'
import type { DataType, Field, Schema } from './schema.ts'

const simpleTypes: Readonly<Record<string, DataType>> = {
  bigint: { kind: 'long' },
  binary: { kind: 'binary' },
  boolean: { kind: 'boolean' },
  byte: { kind: 'byte' },
  date: { kind: 'date' },
  double: { kind: 'double' },
  float: { kind: 'float' },
  int: { kind: 'int' },
  integer: { kind: 'int' },
  long: { kind: 'long' },
  real: { kind: 'float' },
  short: { kind: 'short' },
  smallint: { kind: 'short' },
  string: { kind: 'string' },
  timestamp: { kind: 'timestamp' },
  tinyint: { kind: 'byte' },
  varchar: { kind: 'string' },
  void: { kind: 'void' },
}

/**
 * Reads a schema written as DDL: `id LONG NOT NULL, tags ARRAY<STRING>, at STRUCT<x: INT, y: INT>`.
 * @throws StreamError `SCHEMA_INVALID` with the position of the first fault
 */
export function parseSchema(text: string): Schema {
  const reader = ddlReader(text)
  const fields = readFields(reader, undefined)
  if (fields.length === 0) reader.fail('it has no columns')
  const seen = new Set<string>()
  for (const { name } of fields) {
    if (seen.has(name.toLowerCase())) reader.fail(`column ${name} stands twice`)
    seen.add(name.toLowerCase())
  }
  return fields
}

/**
 * Reads one type: `decimal(10,2)`, `map<string, array<int>>`.
 * @throws StreamError `SCHEMA_INVALID`
 */
export function parseType(text: string): DataType {
  const reader = ddlReader(text)
  const type = readType(reader)
  if (reader.peek() !== '') reader.fail(`unexpected ${reader.peek()}`)
  return type
}

interface DdlReader {
  /** The next token, `''` at the end. Names in backticks come without them. */
  peek(): string
  next(): string
  /** The next token, which must be a name and no text. */
  name(): string
  /** True and past it if the next token is `token`, without letter case. */
  skip(token: string): boolean
  expect(token: string): void
  /** Reads what is one level further in. */
  nested<Read>(read: () => Read): Read
  fail(why: string): never
}

/** Levels of types inside types; far below what the stack holds. */
const levelsMax = 200

function ddlReader(text: string): DdlReader {
  const tokens = [
    ...text.matchAll(/`((?:[^`]|``)+)`|'(?:[^']|'')*'|"(?:[^"]|"")*"|[\p{L}\p{N}_$-]+|[^\s]/gu),
  ]
  let at = 0
  let level = 0
  const tokenAt = (index: number): string => {
    const match = tokens[index]
    return match === undefined ? '' : (match[1]?.replaceAll('``', '`') ?? match[0])
  }
  const fail = (why: string): never => {
    const position = tokens[at]?.index ?? text.length
    throw new StreamError('SCHEMA_INVALID', { why: `${why}, at position ${position} of "${text}"` })
  }
  const skip = (token: string): boolean => {
    if (tokenAt(at).toLowerCase() !== token.toLowerCase()) return false
    at++
    return true
  }
  return {
    peek: () => tokenAt(at),
    next: () => tokenAt(at++),
    name() {
      const [word = '', inBackticks] = tokens[at] ?? []
      if (inBackticks === undefined && !/^[^'"]*[\p{L}\p{N}_]/u.test(word)) {
        fail(`a column name is expected, not "${word}"`)
      }
      return tokenAt(at++)
    },
    skip,
    expect(token) {
      if (!skip(token)) fail(`"${token}" is expected, not "${tokenAt(at)}"`)
    },
    nested(read) {
      if (level === levelsMax) fail(`it is nested in more than ${levelsMax} levels`)
      level++
      const result = read()
      level--
      return result
    },
    fail,
  }
}

function readFields(reader: DdlReader, end: string | undefined): Field[] {
  const fields: Field[] = []
  while (reader.peek() !== '' && reader.peek() !== end) {
    fields.push(readField(reader))
    if (!reader.skip(',')) break
    if (reader.peek() === '' || reader.peek() === end) reader.fail('a column is missing after ","')
  }
  if (end !== undefined) reader.expect(end)
  else if (reader.peek() !== '') reader.fail(`unexpected "${reader.peek()}"`)
  return fields
}

function readField(reader: DdlReader): Field {
  const name = reader.name()
  reader.skip(':')
  const type = readType(reader)
  const required = reader.skip('not')
  if (required) reader.expect('null')
  if (reader.skip('comment')) reader.next()
  return { name, type, nullable: !required }
}

function readType(reader: DdlReader): DataType {
  const name = reader.next().toLowerCase()
  switch (name) {
    case 'array': {
      reader.expect('<')
      const element = reader.nested(() => readType(reader))
      reader.expect('>')
      return { kind: 'array', element, containsNull: true }
    }
    case 'map': {
      reader.expect('<')
      const key = reader.nested(() => readType(reader))
      reader.expect(',')
      const value = reader.nested(() => readType(reader))
      reader.expect('>')
      return { kind: 'map', key, value, valueContainsNull: true }
    }
    case 'struct': {
      reader.expect('<')
      return { kind: 'struct', fields: reader.nested(() => readFields(reader, '>')) }
    }
    case 'decimal':
    case 'dec':
    case 'numeric':
      return readDecimal(reader)
    default: {
      const type = simpleTypes[name]
      if (type === undefined) return reader.fail(`there is no type "${name}"`)
      // The length of VARCHAR(n) does not bind, as in Spark's readers.
      if (name === 'varchar' && reader.skip('(')) {
        reader.next()
        reader.expect(')')
      }
      return type
    }
  }
}

function readDecimal(reader: DdlReader): DataType {
  if (!reader.skip('(')) return { kind: 'decimal', precision: 10, scale: 0 }
  const precision = Number(reader.next())
  const scale = reader.skip(',') ? Number(reader.next()) : 0
  reader.expect(')')
  const valid = Number.isInteger(precision) && precision >= 1 && precision <= 38
  if (!valid || !(Number.isInteger(scale) && scale >= 0 && scale <= precision)) {
    reader.fail(`decimal(${precision},${scale}) is not 1 to 38 digits with a scale within them`)
  }
  return { kind: 'decimal', precision, scale }
}
