import {
  defaultCorruptColumn,
  type LineDecoder,
  type RejectRecord,
} from '../../batch/line-decoder.ts'
import type { Schema } from '../../batch/schema.ts'
import { stringType } from '../../batch/schema.ts'
import type { WantedValues } from '../../batch/wanted-values.ts'
import { StreamError } from '../../core/error.ts'
import type { CsvDialect } from '../../expr/csv-line.ts'
import { jsonDecoder } from '../../json/decoder.ts'
import { isCorruptColumn } from '../../json/reference.ts'
import { checkJsonSchema } from '../../json/value.ts'
import { checkType, csvDecoder } from '../decode-csv.ts'
import { textDecoder } from '../decode-text.ts'
import {
  booleanOption,
  type CheckedOptions,
  choiceOption,
  type OptionSpec,
  settledOption,
  textOption,
} from '../option-spec.ts'
import { dateFormatOption, timeReaders, timestampFormatOption } from '../time-options.ts'

/** What a decoder makes of lines. */
export interface LineSpec {
  /** Every column that the lines have. */
  readonly schema: Schema
  /** Positions in `schema` of those it fills. */
  readonly columns: readonly number[]
  /** Rows that lack one of these may be left out. */
  readonly wanted: readonly WantedValues[]
  readonly reject: RejectRecord
}

/** How the files of one format are read. */
export interface FileFormat {
  readonly format: string
  readonly options: readonly OptionSpec[]
  /** @throws StreamError `SCHEMA_REQUIRED`, `SCHEMA_INVALID` */
  schemaFor(given: Schema | undefined): Schema
  /** A decoder for lines. */
  decoder(options: CheckedOptions, lines: LineSpec): LineDecoder
  /** What becomes of records that are left out; absent = none is, or the query fails. */
  badRecords(options: CheckedOptions): 'drop' | 'deadLetter' | undefined
  /** True when what a row gives in one column depends on the other columns too. */
  needsWholeRow(options: CheckedOptions, columns: Schema): boolean
  /** True when values, also those inside structs, are found by name. */
  readonly isByName: boolean
}

const modeOption = choiceOption({
  name: 'mode',
  description:
    'What happens to a bad row: its bad values are NULL and its text is kept in the corrupt column if there is one (PERMISSIVE), it is left out and counted (DROPMALFORMED), it is delivered to the dead letters of the query (DEADLETTER), or the query fails (FAILFAST).',
  initial: 'PERMISSIVE',
  choices: ['PERMISSIVE', 'DROPMALFORMED', 'FAILFAST', 'DEADLETTER'],
})

const corruptOption = textOption({
  name: 'columnNameOfCorruptRecord',
  description: 'The string column that takes the text of a bad row.',
  initial: defaultCorruptColumn,
})

/** Separates the values of a line. */
const separatorOption = textOption({
  name: 'sep',
  description: 'What separates the values of a line.',
  initial: ',',
})

const delimiterOption = textOption({
  name: 'delimiter',
  description: 'Another name of sep.',
})

/** Any text, the empty one too. */
function anyText(words: Pick<OptionSpec, 'name' | 'description' | 'initial'>): OptionSpec<string> {
  return { ...words, expected: 'a text', parse: (text) => text }
}

const quoteOption: OptionSpec<string> = {
  ...anyText({
    name: 'quote',
    description: 'Stands around values that contain a separator. Empty: no quoting.',
    initial: '"',
  }),
  expected: 'one character or none',
  parse: (text) => (text.length <= 1 ? text : undefined),
}

const escapeOption: OptionSpec<string> = {
  ...anyText({
    name: 'escape',
    description: 'Before a quote, inside quotes, it stands for the quote.',
    initial: '\\',
  }),
  expected: 'one character or none',
  parse: (text) => (text.length <= 1 ? text : undefined),
}

export const nullValueOption = anyText({
  name: 'nullValue',
  description: 'What NULL is written as.',
  initial: '',
})

export const headerOption = booleanOption({
  name: 'header',
  description: 'The first line of every file names the columns.',
  initial: 'false',
})

const enforceSchemaOption = booleanOption({
  name: 'enforceSchema',
  description:
    'true: names in the header do not matter. false: they must be those of the schema, in order.',
  initial: 'false',
})

/** Options that reading and writing CSV share. */
export const dialectOptions = [separatorOption, delimiterOption, quoteOption, escapeOption]

/** How lines of CSV are to be split. */
export function dialectOf(options: CheckedOptions): CsvDialect {
  const separator = options.get('delimiter') ?? settledOption(options, separatorOption)
  return {
    separator: separator === '\\t' ? '\t' : separator,
    quote: settledOption(options, quoteOption),
    escapeChar: settledOption(options, escapeOption),
  }
}

const bad = [modeOption, corruptOption, timestampFormatOption, dateFormatOption]

function wholeRow(options: CheckedOptions, columns: Schema): boolean {
  const corrupt = settledOption(options, corruptOption)
  return (
    settledOption(options, modeOption) !== 'PERMISSIVE' ||
    columns.some((field) => isCorruptColumn(field, corrupt))
  )
}

function badRecords(options: CheckedOptions): 'drop' | 'deadLetter' | undefined {
  const mode = settledOption(options, modeOption)
  return mode === 'DEADLETTER' ? 'deadLetter' : mode === 'DROPMALFORMED' ? 'drop' : undefined
}

function timesOf(options: CheckedOptions) {
  const times = timeReaders(options)
  return times === undefined ? {} : { times }
}

function required(format: string, given: Schema | undefined): Schema {
  if (given !== undefined) return given
  throw new StreamError('SCHEMA_REQUIRED', { format })
}

/** One JSON object per line. */
export const jsonFiles: FileFormat = {
  format: 'json',
  options: bad,
  schemaFor(given) {
    const schema = required('json', given)
    checkJsonSchema(schema)
    return schema
  },
  decoder: (options, { schema, columns, wanted, reject }) =>
    jsonDecoder({
      reject,
      wanted,
      columns: schema.filter((_, index) => columns.includes(index)),
      mode: settledOption(options, modeOption),
      corruptColumn: settledOption(options, corruptOption),
      ...timesOf(options),
    }),
  badRecords,
  needsWholeRow: wholeRow,
  isByName: true,
}

/** One record of separated values per line. */
export const csvFiles: FileFormat = {
  format: 'csv',
  options: [...bad, ...dialectOptions, nullValueOption, headerOption, enforceSchemaOption],
  schemaFor(given) {
    const schema = required('csv', given)
    for (const field of schema) checkType(field)
    return schema
  },
  decoder: (options, { schema, columns, reject }) =>
    csvDecoder({
      reject,
      schema,
      columns,
      dialect: dialectOf(options),
      header: settledOption(options, headerOption),
      enforceSchema: settledOption(options, enforceSchemaOption),
      nullValue: settledOption(options, nullValueOption),
      mode: settledOption(options, modeOption),
      corruptColumn: settledOption(options, corruptOption),
      ...timesOf(options),
    }),
  badRecords,
  needsWholeRow: wholeRow,
  isByName: false,
}

/** Every line a string, in the column `value`. */
export const textFiles: FileFormat = {
  format: 'text',
  options: [],
  schemaFor(given) {
    if (given === undefined) return [{ name: 'value', type: stringType, nullable: true }]
    if (given[0]?.type.kind === 'string') return given
    throw new StreamError('SCHEMA_INVALID', { why: 'a line of text is one STRING column' })
  },
  decoder: (_, { schema, columns }) =>
    textDecoder(columns.includes(0) ? (schema[0]?.name ?? 'value') : undefined),
  badRecords: () => undefined,
  needsWholeRow: () => false,
  isByName: false,
}
