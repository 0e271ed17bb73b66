import type { Schema } from '../batch/schema.ts'
import { StreamError } from '../core/error.ts'
import type { DataFrame } from './data-frame.ts'
import { dataFrame } from './frame.ts'
import type { Launch, Options } from './launch.ts'
import { type OptionValue, withOption, withOptions } from './options.ts'
import { type SchemaLike, schemaFrom } from './struct-type.ts'

/**
 * Says where rows come from: `read` for all there is, `readStream` for rows that keep coming. Each call
 * returns a new reader; `load` or the name of a format ends it.
 *
 * @example
 * ```ts
 * import { Session } from 'millrace'
 *
 * const spark = Session.builder.getOrCreate()
 * const numbers = spark.readStream.format('rate').option('rowsPerSecond', 10).load()
 * if (!numbers.isStreaming) throw new Error('it is a stream')
 * await spark.stop()
 * ```
 */
export interface DataReader {
  format(name: string): DataReader
  /** The columns, as DDL text (`'id LONG, name STRING'`) or built with the `types` helpers. */
  schema(schema: SchemaLike): DataReader
  /**
   * Sets an option; names in any letter case. Every stream takes `idleTimeout`, such as `'1 minute'`: a
   * partition that brought no row for so long no longer holds the watermark back.
   */
  option(name: string, value: OptionValue): DataReader
  options(options: Readonly<Record<string, OptionValue>>): DataReader
  /**
   * A name of its own for the source: positions in the checkpoint are kept under it, so that sources may
   * be added, removed and reordered. Letters, digits, `.`, `_` and `-`.
   */
  name(name: string): DataReader
  /**
   * The frame. No schema is made from the data, as Spark does for batches: JSON and CSV need `.schema(…)`.
   * @throws StreamError `SOURCE_NOT_FOUND`, `SCHEMA_REQUIRED`, `OPTION_UNKNOWN`, `CONFIG_INVALID`
   */
  load(path?: string): DataFrame
  /** JSON, one object a line. */
  json(path: string): DataFrame
  csv(path: string): DataFrame
  /** One row per line, in the column `value`. */
  text(path: string): DataFrame
  /**
   * A view made with `createOrReplaceTempView`.
   * @throws StreamError `TABLE_NOT_FOUND`
   */
  table(name: string): DataFrame
}

/** What `spark.readStream` is. */
export type DataStreamReader = DataReader
/** What `spark.read` is. */
export type DataFrameReader = DataReader

interface ReaderState {
  readonly streaming: boolean
  readonly format?: string
  readonly options: Options
  readonly schema?: Schema
  readonly name?: string
}

/** A reader with nothing set. */
export function dataReader(launch: Launch, options: { readonly streaming: boolean }): DataReader {
  return readerOf(launch, { streaming: options.streaming, options: {} })
}

function readerOf(launch: Launch, state: ReaderState): DataReader {
  const change = (part: Partial<ReaderState>): DataReader => readerOf(launch, { ...state, ...part })
  const loadAs = (format: string, path: string | undefined): DataFrame => {
    const { streaming, schema, name } = state
    const options = path === undefined ? state.options : withOption(state.options, 'path', path)
    const scan = launch.scan({
      format,
      options,
      streaming,
      ...(schema === undefined ? {} : { schema }),
      ...(name === undefined ? {} : { name }),
    })
    return dataFrame({ kind: 'scan', scan }, launch)
  }
  return {
    format: (name) => change({ format: name.toLowerCase() }),
    schema: (schema) => change({ schema: schemaFrom(schema) }),
    option: (name, value) => change({ options: withOption(state.options, name, value) }),
    options: (more) => change({ options: withOptions(state.options, more) }),
    name: (name) => change({ name: checkedName(name) }),
    load(path) {
      if (state.format === undefined) {
        throw new StreamError('CONFIG_INVALID', {
          option: 'format',
          value: 'nothing',
          expected: "the name of a source, such as .format('json'),",
        })
      }
      return loadAs(state.format, path)
    },
    json: (path) => loadAs('json', path),
    csv: (path) => loadAs('csv', path),
    text: (path) => loadAs('text', path),
    table: (name) => dataFrame(launch.view(name), launch),
  }
}

/** The name becomes part of file names in the checkpoint. */
function checkedName(name: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(name)) return name
  throw new StreamError('CONFIG_INVALID', {
    option: 'name',
    value: name,
    expected: 'a word of letters, digits, dots, underscores and hyphens',
  })
}
