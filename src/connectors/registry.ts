import type { EdgeOptions } from '../batch/edge-row.ts'
import type { Schema } from '../batch/schema.ts'
import type { WantedValues } from '../batch/wanted-values.ts'
import type { Clock } from '../core/clock.ts'
import { closest } from '../core/closest.ts'
import { StreamError } from '../core/error.ts'
import type { FileSystem } from '../core/file-system.ts'
import type { Random } from '../core/random.ts'
import type { Connect } from '../core/socket.ts'
import type { ReadLimit, Sink, Source } from '../flow/connector.ts'
import type { PartitionSharing, SharingOptions } from '../flow/partition-sharing.ts'
import { type CheckedOptions, invalidOption, invalidValue, type OptionSpec } from './option-spec.ts'

/** Everything a source may use; nothing of the outside world reaches it in another way. */
export interface SourceContext {
  readonly options: CheckedOptions
  /** Every column of the source, in its order. */
  readonly schema: Schema
  /** Positions in `schema`, ascending: batches carry exactly these columns, in order. Absent = all. */
  readonly columns: readonly number[] | undefined
  /**
   * Advice: rows that lack one of these may be left out of what `read` gives, counted in the batch as
   * `leftOut`; whoever reads drops them anyway. Not where positions count rows. Absent = all are wanted.
   */
  readonly wanted?: readonly WantedValues[]
  /** The name that its positions are kept under. */
  readonly name: string
  readonly files: FileSystem
  readonly clock: Clock
  readonly random: Random
  /** The network; absent = the machine's. */
  readonly connect?: Connect
  /** The source's own place under the checkpoint; `undefined` for a batch read. May not exist yet. */
  readonly folder: string | undefined
  /** The live object or the rows that the query was built with, for formats that have such. */
  readonly handle?: object
}

/** Makes sources of one format. */
export interface SourceFactory {
  /** The name that `format(…)` takes, in lower case. */
  readonly format: string
  readonly options: readonly OptionSpec[]
  /** Its rows do not keep coming: only `read`, never `readStream`. */
  readonly batchOnly?: true
  /**
   * Options that are settled when a frame is made, so that it gives the same rows whenever it is asked;
   * in addition to those given. Absent = none.
   */
  settle?(options: CheckedOptions): Readonly<Record<string, string>>
  /**
   * The columns of the source. Formats whose columns are fixed ignore what is given.
   * @throws StreamError `SCHEMA_REQUIRED` when it cannot do without
   */
  schemaFor(options: CheckedOptions, given: Schema | undefined): Schema
  /** How much one epoch may take, from the options. Absent = no limit. */
  limits?(options: CheckedOptions): ReadLimit
  /**
   * True when fields of structs are found by name, and one's value does not depend on another: then
   * `create` may be given structs without the fields that nobody reads. Absent = never.
   */
  fieldsByName?(options: CheckedOptions, schema: Schema): boolean
  /**
   * True when its rows begin with the query, as those of a socket: then there is no past that could be
   * read to an end, and it cannot stand in front of `followedBy`. Absent = it has one.
   */
  readonly noPast?: boolean
  /**
   * What becomes of records that cannot be decoded and that its batches carry as `rejected`: they are
   * counted, or delivered to the dead letters too. Absent = its batches carry none.
   */
  badRecords?(options: CheckedOptions): 'drop' | 'deadLetter' | undefined
  /** Lets processes share out its partitions, for queries of a fleet. Absent = it has none to share. */
  share?(
    context: Pick<SourceContext, 'options' | 'clock'>,
    sharing: SharingOptions,
  ): Promise<PartitionSharing>
  create(context: SourceContext): Promise<Source>
}

export type SinkMode = 'append' | 'update' | 'complete'

/** Everything a sink may use. */
export interface SinkContext {
  readonly options: CheckedOptions
  readonly schema: Schema
  /** Names of columns as the schema spells them; for sinks of files. */
  readonly partitionBy: readonly string[]
  readonly mode: SinkMode
  readonly files: FileSystem
  readonly clock: Clock
  readonly random: Random
  /** Writes text for the user. */
  print(text: string): void
  readonly queryName: string
  /** How rows are handed to user code. Default: exact. */
  readonly edge?: EdgeOptions
  /**
   * The epochs are cut by the clock (continuous trigger): sinks that call user code or print do so
   * as rows come, and are of the kind `immediate`. Default: false.
   */
  readonly immediate?: boolean
  /** What becomes of rows that user code throws for; default: the query fails. */
  readonly badRows?: 'drop' | 'deadLetter'
  /** The callback or the live object that the query was built with, for formats that have such. */
  readonly handle?: object
}

/** Makes sinks of one format. */
export interface SinkFactory {
  /** The name that `format(…)` takes, in lower case. */
  readonly format: string
  readonly options: readonly OptionSpec[]
  readonly modes: readonly SinkMode[]
  create(context: SinkContext): Promise<Sink>
}

/** Format names to factories. */
export interface Registry {
  /** @throws StreamError `SOURCE_NOT_FOUND` with the known names and the nearest one */
  source(format: string): SourceFactory
  /** @throws StreamError `SOURCE_NOT_FOUND` with the known names and the nearest one */
  sink(format: string): SinkFactory
  /** Makes a format known from now on; an earlier one of the same name is replaced. */
  addSource(factory: SourceFactory): void
  /** Makes a format known from now on; an earlier one of the same name is replaced. */
  addSink(factory: SinkFactory): void
}

/** A registry of these factories, to which users add their own. */
export function createRegistry(
  sources: readonly SourceFactory[],
  sinks: readonly SinkFactory[],
): Registry {
  const sourceOf = byFormat(sources)
  const sinkOf = byFormat(sinks)
  return {
    source: (format) => lookUp(sourceOf, format),
    sink: (format) => lookUp(sinkOf, format),
    addSource: (factory) => void sourceOf.set(factory.format.toLowerCase(), factory),
    addSink: (factory) => void sinkOf.set(factory.format.toLowerCase(), factory),
  }
}

/**
 * The options by lower-case name, once each is known and has a value it can have.
 * @throws StreamError `OPTION_UNKNOWN` with the nearest name, `CONFIG_INVALID`
 */
export function checkOptions(
  factory: { readonly format: string; readonly options: readonly OptionSpec[] },
  options: Readonly<Record<string, string>>,
): CheckedOptions {
  const specs = new Map(factory.options.map((spec) => [spec.name.toLowerCase(), spec]))
  const checked = new Map<string, string>()
  for (const [name, value] of Object.entries(options)) {
    const spec = specs.get(name.toLowerCase())
    if (spec === undefined) {
      const known = factory.options.map((option) => option.name)
      throw new StreamError('OPTION_UNKNOWN', {
        format: factory.format,
        option: name,
        closest: closest(name, known),
      })
    }
    if (spec.parse(value) === undefined) throw invalidValue(spec, value)
    checked.set(name.toLowerCase(), value)
  }
  for (const [name, spec] of specs) {
    if (spec.required === true && !checked.has(name)) throw invalidOption(spec, 'left out')
  }
  return checked
}

/** The columns that the batches of a source carry. */
export function readSchema(context: Pick<SourceContext, 'schema' | 'columns'>): Schema {
  const { schema, columns } = context
  return columns === undefined ? schema : schema.filter((_, index) => columns.includes(index))
}

function byFormat<Factory extends { readonly format: string }>(
  factories: readonly Factory[],
): Map<string, Factory> {
  return new Map(factories.map((factory) => [factory.format.toLowerCase(), factory]))
}

function lookUp<Factory>(factories: ReadonlyMap<string, Factory>, format: string): Factory {
  const found = factories.get(format.toLowerCase())
  if (found !== undefined) return found
  const known = [...factories.keys()].sort()
  throw new StreamError('SOURCE_NOT_FOUND', {
    format,
    known: known.join(', '),
    closest: closest(format, known),
  })
}
