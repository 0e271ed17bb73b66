import type { EdgeOptions } from '../batch/edge-row.ts'
import type { Schema } from '../batch/schema.ts'
import { durationOption, invalidOption } from '../connectors/option-spec.ts'
import { checkOptions, type Registry } from '../connectors/registry.ts'
import { StreamError } from '../core/error.ts'
import type { ReadSpec } from '../dataframe/launch.ts'
import type { Sink } from '../flow/connector.ts'
import type { SaveMode, Scan } from '../plan/logical.ts'
import type { ReadAll } from '../runtime/batch-run.ts'
import type { MadeSource } from '../runtime/query.ts'
import type { SessionPorts } from './ports.ts'

/** The scan of a format, its options checked and its schema settled. */
export function makeScan(registry: Registry, spec: ReadSpec): Scan {
  const factory = registry.source(spec.format)
  if (factory.batchOnly === true && spec.streaming) {
    throw new StreamError('STREAMING_UNSUPPORTED', {
      what: `readStream of the format ${factory.format}`,
      fix: 'Use read.',
    })
  }
  const { own, idle } = engineOptions(spec)
  const settled = { ...own, ...factory.settle?.(checkOptions(factory, own)) }
  const options = checkOptions(factory, settled)
  const schema = factory.schemaFor(options, spec.schema)
  const badRecords = factory.badRecords?.(options)
  // Rows that end are read without a query that could take them.
  if (badRecords === 'deadLetter' && !spec.streaming) {
    throw new StreamError('DEAD_LETTERS_NOWHERE', {})
  }
  return {
    kind: 'scan',
    source: spec.name ?? '',
    format: factory.format,
    options: settled,
    schema,
    ...(factory.fieldsByName?.(options, schema) === true ? { fieldsByName: true } : {}),
    streaming: spec.streaming,
    ...(idle === undefined ? {} : { idleTimeoutMicros: idle }),
    ...(badRecords === undefined || !spec.streaming ? {} : { badRecords }),
  }
}

const idleTimeoutOption = durationOption({
  name: 'idleTimeout',
  description: 'A partition that brought no row for so long no longer holds the watermark back.',
})

/** Parts the options of the engine, which every stream takes, from those of the connector. */
function engineOptions({ options, streaming }: ReadSpec): {
  readonly own: ReadSpec['options']
  readonly idle: number | undefined
} {
  const { idletimeout: text, ...own } = options
  if (text === undefined || !streaming) return { own: options, idle: undefined }
  const idle = idleTimeoutOption.parse(text)
  if (idle === undefined || idle < 0) throw invalidOption(idleTimeoutOption, text)
  return { own, idle }
}

/** The running source of a scan; `folder` is its own place under the checkpoint. */
export async function makeSource(
  registry: Registry,
  ports: SessionPorts,
  scan: Scan,
  folder: string | undefined,
): Promise<MadeSource> {
  const factory = registry.source(scan.format)
  const options = checkOptions(factory, scan.options)
  const source = await factory.create({
    options,
    schema: scan.schema,
    columns: scan.columns,
    name: scan.source,
    files: ports.files,
    clock: ports.clock,
    random: ports.random,
    folder,
    ...(scan.wanted === undefined ? {} : { wanted: scan.wanted }),
    ...(scan.handle === undefined ? {} : { handle: scan.handle }),
  })
  const { idleTimeoutMicros } = scan
  return {
    source,
    limit: factory.limits?.(options) ?? {},
    ...(idleTimeoutMicros === undefined ? {} : { idleTimeoutMs: idleTimeoutMicros / 1000 }),
  }
}

/** Reads everything a scan has now, for batch queries. */
export function makeBatchReader(registry: Registry, ports: SessionPorts): ReadAll {
  return async function* readAll(scan) {
    const { source } = await makeSource(registry, ports, scan, undefined)
    try {
      const from = await source.initial()
      const to = await source.latest(from, {})
      yield* source.read({ from, to }, { index: 0, count: 1 })
    } finally {
      await source.close()
    }
  }
}

/** A sink as a writer describes it. */
export interface SinkDescription {
  readonly format: string
  readonly options: Readonly<Record<string, string>>
  readonly schema: Schema
  readonly mode: SaveMode
  readonly partitionBy: readonly string[]
  readonly queryName: string
  /** The function or table of this process that the rows go to. */
  readonly handle?: object
  /** How rows are handed to the user's function. */
  readonly edge?: EdgeOptions
  /** Continuous trigger: rows have their effect as soon as they are written. */
  readonly immediate?: boolean
  /** What becomes of rows that user code throws for; default: the query fails. */
  readonly badRows?: 'drop' | 'deadLetter'
}

/**
 * Checks a sink without making it.
 * @throws StreamError `SOURCE_NOT_FOUND`, `OPTION_UNKNOWN`, `CONFIG_INVALID`, `OUTPUT_MODE_UNSUPPORTED`
 */
export function checkSink(registry: Registry, { format, options, mode }: SinkDescription): void {
  const factory = registry.sink(format)
  checkOptions(factory, options)
  if (factory.modes.includes(mode)) return
  throw new StreamError('OUTPUT_MODE_UNSUPPORTED', {
    mode,
    why: `the ${format} sink takes ${factory.modes.join(' and ')}`,
    fix: `Use .outputMode('${factory.modes[0] ?? 'append'}'), or a sink such as foreachBatch that takes every mode.`,
  })
}

/** The sink of a description, not yet opened. */
export function makeSink(
  registry: Registry,
  ports: SessionPorts,
  description: SinkDescription,
): Promise<Sink> {
  const factory = registry.sink(description.format)
  return factory.create({
    ...description,
    options: checkOptions(factory, description.options),
    files: ports.files,
    clock: ports.clock,
    random: ports.random,
    print: (text) => ports.terminal.print(text),
  })
}
