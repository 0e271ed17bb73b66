import { parseSchema, parseType } from '../batch/ddl.ts'
import { type DataType, schemaText, stringType, typeText } from '../batch/schema.ts'
import type { Value } from '../batch/value.ts'
import { StreamError } from '../core/error.ts'
import { asksFrom } from './codec-calls.ts'
import { isImplicitlyCastable } from './coerce.ts'
import { csvText, splitCsv } from './csv-line.ts'
import { areFramed, jsonInFrame, jsonTextOf } from './json-frames.ts'
import { parseJson } from './json-node.ts'
import { jsonAtPath } from './json-path.ts'
import { type Fields, fromJson, type JsonReading, structFromJson, toJson } from './json-value.ts'
import { nullableInside } from './nullable-inside.ts'
import { optionTypes, wrongArgument } from './option-arguments.ts'
import {
  type Argument,
  type CallTypes,
  type Mismatch,
  type ScalarFunction,
  type Signature,
  strict,
} from './signature.ts'
import { fromCsvText, toCsvText } from './text-csv.ts'
import { type TextOptions, textOptions } from './text-options.ts'
import { listOf, textOf } from './value-of.ts'

const unlimited = Number.POSITIVE_INFINITY

/** JSON and CSV inside of columns. Text that does not fit its schema becomes NULLs (PERMISSIVE). */
export const jsonFunctions: readonly ScalarFunction[] = [
  {
    names: ['from_json'],
    strict: true,
    arity: { least: 2, most: unlimited },
    typing: (args) =>
      readerTyping(
        args,
        ['struct', 'array', 'map'],
        areFramed(args.slice(2)) ? 'binary' : 'string',
      ),
    evaluate: readJson,
  },
  {
    names: ['to_json'],
    strict: true,
    arity: { least: 1, most: unlimited },
    typing: (args) =>
      writerTyping(
        args,
        ['struct', 'array', 'map'],
        areFramed(args.slice(1)) ? 'binary' : 'string',
      ),
    evaluate: ([value = null, ...rest], types) =>
      jsonInFrame(toJson(value, types.args[0] ?? stringType, textOptions(rest)), rest),
    asks: asksFrom(1),
  },
  strict(
    'get_json_object',
    [stringType, stringType],
    stringType,
    ([text, path]) => jsonAtPath(textOf(text), textOf(path)),
    { nullable: true },
  ),
  {
    names: ['from_csv'],
    strict: true,
    arity: { least: 2, most: unlimited },
    typing: (args) => readerTyping(args, ['struct'], 'string'),
    evaluate: readCsv,
  },
  {
    names: ['to_csv'],
    strict: true,
    arity: { least: 1, most: unlimited },
    typing: (args) => writerTyping(args, ['struct'], 'string'),
    evaluate: ([value = null, ...rest], types) => writeCsv(value, types, textOptions(rest)),
  },
]

/** The type comes from the schema in the second argument, which has to be known beforehand. */
function readerTyping(
  args: readonly Argument[],
  kinds: readonly DataType['kind'][],
  given: 'string' | 'binary',
): Signature | Mismatch {
  const [text, schema, ...options] = args
  const fits =
    given === 'string'
      ? text !== undefined && isImplicitlyCastable(text.type, stringType)
      : text?.type.kind === 'binary' || text?.type.kind === 'void'
  if (!fits) return wrongArgument(given.toUpperCase(), text, given)
  if (typeof schema?.literal !== 'string') {
    return wrongArgument('a schema as DDL text in a literal', schema)
  }
  const type = nullableInside(schemaType(schema.literal))
  if (!kinds.includes(type.kind)) {
    return {
      expected: `a schema of ${kinds.join(', ').toUpperCase()}`,
      actual: typeText(type).toUpperCase(),
      suggestion: 'struct<a:int>',
    }
  }
  const rest = optionTypes(options)
  if ('expected' in rest) return rest
  return { args: [{ kind: given }, stringType, ...rest.types], result: type, nullable: true }
}

function writerTyping(
  args: readonly Argument[],
  kinds: readonly DataType['kind'][],
  result: 'string' | 'binary',
): Signature | Mismatch {
  const [value, ...options] = args
  if (value === undefined || !kinds.includes(value.type.kind)) {
    return wrongArgument(kinds.join(' or ').toUpperCase(), value, 'struct<a:int>')
  }
  const rest = optionTypes(options)
  if ('expected' in rest) return rest
  const nullable = args.some((arg) => arg.nullable)
  return { args: [value.type, ...rest.types], result: { kind: result }, nullable }
}

/** A schema as fields or as one type. */
function schemaType(ddl: string): DataType {
  try {
    return parseType(ddl)
  } catch {
    return { kind: 'struct', fields: parseSchema(ddl) }
  }
}

function readJson([given, , ...rest]: readonly Value[], { result }: CallTypes): Value {
  const { text, isWhole } = jsonTextOf(given)
  const options = textOptions(rest)
  if (isWhole && text.trim() === '') return null
  const node = isWhole ? parseJson(text) : undefined
  const reading: JsonReading = { options, misfits: false }
  if (result.kind === 'struct') {
    const corrupt = corruptIndex(result.fields, options)
    const fields = withoutCorrupt(result.fields, corrupt)
    const entries = node?.kind === 'object' ? node.entries : undefined
    const values = structFromJson(fields, entries ?? [], reading)
    const isBad = entries === undefined || reading.misfits
    return settled(values, { isBad, corrupt, text, result, options })
  }
  // An object where an array of objects is wanted counts as the only one.
  const wrapped = result.kind === 'array' && node?.kind === 'object' ? [node] : undefined
  const root = wrapped === undefined ? node : ({ kind: 'array', items: wrapped } as const)
  const value = root === undefined ? undefined : fromJson(result, root, reading)
  if (options.isStrict && (value === undefined || reading.misfits)) throw unfit(text, result)
  return value ?? null
}

function readCsv([given, , ...rest]: readonly Value[], { result }: CallTypes): Value {
  if (result.kind !== 'struct') return null
  const text = textOf(given)
  const options = textOptions(rest)
  const corrupt = corruptIndex(result.fields, options)
  const fields = withoutCorrupt(result.fields, corrupt)
  const found = splitCsv(text, options)
  let isBad = found?.length !== fields.length
  const values = fields.map(({ type }, index): Value => {
    const field = found?.[index]
    if (field === undefined || (!field.isQuoted && field.text === options.nullValue)) return null
    const value = fromCsvText(type, field.text, options)
    if (value === undefined) isBad = true
    return value ?? null
  })
  return settled(values, { isBad, corrupt, text, result, options })
}

function writeCsv(value: Value, { args: [type] }: CallTypes, options: TextOptions): string {
  const fields = type?.kind === 'struct' ? type.fields : []
  const parts = listOf(value).map((item, index) => {
    if (item === null) return options.nullValue
    const bare = toCsvText(item, fields[index]?.type ?? stringType, options)
    return csvText(bare, options.nullValue, options)
  })
  return parts.join(options.separator)
}

interface Row {
  readonly isBad: boolean
  readonly corrupt: number
  readonly text: string
  readonly result: DataType
  readonly options: TextOptions
}

/** The row with its text in the column for bad ones, if there is such a column. */
function settled(values: readonly Value[], { isBad, corrupt, text, result, options }: Row): Value {
  if (isBad && options.isStrict) throw unfit(text, result)
  return corrupt < 0 ? values : values.toSpliced(corrupt, 0, isBad ? text : null)
}

function corruptIndex(fields: Fields, { corruptColumn }: TextOptions): number {
  return fields.findIndex(({ name, type }) => type.kind === 'string' && name === corruptColumn)
}

function withoutCorrupt(fields: Fields, corrupt: number): Fields {
  return corrupt < 0 ? fields : fields.toSpliced(corrupt, 1)
}

function unfit(text: string, type: DataType): StreamError<'DECODE_FAILED'> {
  return new StreamError('DECODE_FAILED', {
    origin: 'a column',
    schema: type.kind === 'struct' ? schemaText(type.fields) : typeText(type),
    why: 'it does not fit',
    row: text.slice(0, 200),
  })
}
