import { formatDate, formatTimestamp, parseDate, parseTimestamp } from '../batch/time-text.ts'
import type { Value } from '../batch/value.ts'
import { isStrictMode, optionsOf } from './option-arguments.ts'
import { timePattern } from './time-pattern.ts'

/** The options of `from_json`, `to_json`, `from_csv` and `to_csv`, read. */
export interface TextOptions {
  /** A row that does not fit ends the query instead of becoming NULLs. */
  readonly isStrict: boolean
  /** Takes the text of a row that does not fit, if the schema has it. */
  readonly corruptColumn: string
  readonly separator: string
  readonly quote: string
  readonly escapeChar: string
  readonly nullValue: string
  readonly readTimestamp: (text: string) => number | undefined
  readonly readDate: (text: string) => number | undefined
  readonly writeTimestamp: (micros: number) => string
  readonly writeDate: (days: number) => string
}

const microsPerDay = 86_400_000_000

const defaults: TextOptions = {
  isStrict: false,
  corruptColumn: '_corrupt_record',
  separator: ',',
  quote: '"',
  escapeChar: '\\',
  nullValue: '',
  readTimestamp: parseTimestamp,
  readDate: parseDate,
  writeTimestamp: isoTimestamp,
  writeDate: formatDate,
}

/** Options by the last arguments of a call: one map, or names and values in turn. Names in any letter case. */
export function textOptions(args: readonly Value[]): TextOptions {
  if (args.length === 0) return defaults
  const given = optionsOf(args)
  const timestampFormat = given.get('timestampformat')
  const dateFormat = given.get('dateformat')
  return {
    isStrict: isStrictMode(given.get('mode') ?? 'PERMISSIVE'),
    corruptColumn: given.get('columnnameofcorruptrecord') ?? defaults.corruptColumn,
    separator: given.get('sep') ?? given.get('delimiter') ?? defaults.separator,
    quote: given.get('quote') ?? defaults.quote,
    escapeChar: given.get('escape') ?? defaults.escapeChar,
    nullValue: given.get('nullvalue') ?? defaults.nullValue,
    ...(timestampFormat === undefined ? defaultTimestamps : timestampsBy(timestampFormat)),
    ...(dateFormat === undefined ? defaultDates : datesBy(dateFormat)),
  }
}

const { readTimestamp, writeTimestamp, readDate, writeDate } = defaults
const defaultTimestamps = { readTimestamp, writeTimestamp }
const defaultDates = { readDate, writeDate }

function timestampsBy(pattern: string): Pick<TextOptions, 'readTimestamp' | 'writeTimestamp'> {
  return {
    readTimestamp: (text) => timePattern(pattern).parse(text),
    writeTimestamp: (micros) => timePattern(pattern).format(micros),
  }
}

function datesBy(pattern: string): Pick<TextOptions, 'readDate' | 'writeDate'> {
  return {
    readDate(text) {
      const micros = timePattern(pattern).parse(text)
      return micros === undefined ? undefined : Math.floor(micros / microsPerDay)
    },
    writeDate: (days) => timePattern(pattern).format(days * microsPerDay),
  }
}

/** `2016-03-27T09:00:05.000Z` as Spark writes it, with six decimals only if there are microseconds. */
function isoTimestamp(micros: number): string {
  const [date = '', clock = ''] = formatTimestamp(micros).split(' ')
  const [seconds = '', fraction = ''] = clock.split('.')
  return `${date}T${seconds}.${fraction.padEnd(fraction.length > 3 ? 6 : 3, '0')}Z`
}
