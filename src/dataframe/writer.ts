import { closest } from '../core/closest.ts'
import { StreamError } from '../core/error.ts'
import { analyze } from '../plan/analyze.ts'
import { isStreaming, type LogicalPlan, type SaveMode, schemaOf } from '../plan/logical.ts'
import { optimize } from '../plan/optimize.ts'
import { checkStreaming } from '../plan/streaming-rules.ts'
import type { UnresolvedPlan } from '../plan/unresolved-plan.ts'
import type { DataFrameWriter, DataStreamWriter } from './data-frame.ts'
import type { Launch, SaveSpec, WriteSpec } from './launch.ts'
import { withOption, withOptions } from './options.ts'
import { triggerSpec } from './trigger.ts'
import type { StartOptions } from './writer-options.ts'

const fresh: WriteSpec = {
  format: '',
  options: {},
  outputMode: 'append',
  trigger: { kind: 'processingTime', intervalMs: 0 },
  partitionBy: [],
}

/** The writer of a streaming frame. */
export function dataStreamWriter(
  plan: UnresolvedPlan,
  launch: Launch,
  spec: WriteSpec = fresh,
): DataStreamWriter {
  const change = (part: Partial<WriteSpec>): DataStreamWriter =>
    dataStreamWriter(plan, launch, { ...spec, ...part })
  return {
    outputMode: (mode) => change({ outputMode: outputModeOf(mode) }),
    trigger: (trigger) => change({ trigger: triggerSpec(trigger) }),
    queryName: (queryName) => change({ queryName }),
    format: (name) => change({ format: name.toLowerCase() }),
    option: (name, value) => change({ options: withOption(spec.options, name, value) }),
    options: (more) => change({ options: withOptions(spec.options, more) }),
    partitionBy: (...columns) => change({ partitionBy: columns }),
    foreach: (writer) =>
      change({
        format: 'foreach',
        foreach: typeof writer === 'function' ? { process: writer } : writer,
      }),
    foreachBatch: (call) => change({ format: 'foreachbatch', foreachBatch: call }),
    start(target?: string | StartOptions, more: StartOptions = {}) {
      const [path, { from }] = typeof target === 'object' ? [undefined, target] : [target, more]
      const placed = path === undefined ? spec.options : withOption(spec.options, 'path', path)
      const options = from === undefined ? placed : withOption(placed, 'startFrom', from)
      const format = formatOf(spec.format)
      return launch.start(...checked(plan, { ...spec, format, options }))
    },
    startFleet: (options) =>
      launch.startFleet(...checked(plan, { ...spec, format: formatOf(spec.format) }), options),
    explainUpgrade: async (checkpoint) => launch.explainUpgrade(...checked(plan, spec), checkpoint),
  }
}

/** What a start is given, after everything that the plan alone can be refused for. */
function checked(plan: UnresolvedPlan, spec: WriteSpec): readonly [LogicalPlan, WriteSpec] {
  const analyzed = streamingPlan(plan, spec.outputMode)
  const partitionBy = columnsOf(analyzed, spec.partitionBy)
  if (!['', 'console', 'noop'].includes(spec.format)) refuseTwins(analyzed)
  return [optimize(analyzed), { ...spec, partitionBy }]
}

/** The plan of a query that can be started. */
function streamingPlan(plan: UnresolvedPlan, mode: SaveMode): LogicalPlan {
  const analyzed = analyze(plan)
  if (!isStreaming(analyzed)) {
    throw new StreamError('STREAMING_UNSUPPORTED', {
      what: 'writeStream of a batch frame',
      fix: 'Use write, or read with readStream. (What ends may not be started as what never does.)',
    })
  }
  checkStreaming(analyzed, mode)
  return analyzed
}

/** The writer of a batch frame. */
export function dataFrameWriter(
  plan: UnresolvedPlan,
  launch: Launch,
  spec: SaveSpec = { format: '', options: {}, mode: 'error', partitionBy: [] },
): DataFrameWriter {
  const change = (part: Partial<SaveSpec>): DataFrameWriter =>
    dataFrameWriter(plan, launch, { ...spec, ...part })
  const save = async (given: string, path: string | undefined): Promise<void> => {
    const analyzed = analyze(plan)
    if (isStreaming(analyzed)) throw new StreamError('STREAMING_ACTION', { action: 'write' })
    const format = formatOf(given)
    const options = path === undefined ? spec.options : withOption(spec.options, 'path', path)
    const partitionBy = columnsOf(analyzed, spec.partitionBy)
    if (format !== 'console' && format !== 'noop') refuseTwins(analyzed)
    await launch.save(optimize(analyzed), { ...spec, format, options, partitionBy })
  }
  return {
    format: (name) => change({ format: name.toLowerCase() }),
    mode: (mode) => change({ mode: mode === 'errorifexists' ? 'error' : mode }),
    option: (name, value) => change({ options: withOption(spec.options, name, value) }),
    options: (more) => change({ options: withOptions(spec.options, more) }),
    partitionBy: (...columns) => change({ partitionBy: columns }),
    save: (path) => save(spec.format, path),
    json: (path) => save('json', path),
    csv: (path) => save('csv', path),
    text: (path) => save('text', path),
  }
}

const outputModes: readonly SaveMode[] = ['append', 'update', 'complete']

function outputModeOf(written: string): SaveMode {
  const mode = outputModes.find((known) => known === written.toLowerCase())
  if (mode !== undefined) return mode
  throw new StreamError('CONFIG_INVALID', {
    option: 'outputMode',
    value: written,
    expected: `one of ${outputModes.join(', ')} (did you mean ${closest(written, outputModes)}?)`,
  })
}

function formatOf(format: string): string {
  if (format !== '') return format
  throw new StreamError('CONFIG_INVALID', {
    option: 'format',
    value: 'nothing',
    expected: "the name of a sink, such as .format('console'),",
  })
}

/** The columns as the schema spells them. */
function columnsOf(plan: LogicalPlan, names: readonly string[]): readonly string[] {
  const available = schemaOf(plan).map((field) => field.name)
  return names.map((name) => {
    const found = available.find((other) => other.toLowerCase() === name.toLowerCase())
    if (found !== undefined) return found
    throw new StreamError('COLUMN_NOT_FOUND', {
      column: name,
      available: available.join(', '),
      closest: closest(name, available),
    })
  })
}

/** A row as an object, and most formats, hold one value per name. */
function refuseTwins(plan: LogicalPlan): void {
  const names = schemaOf(plan).map((field) => field.name)
  const twin = names.find(
    (name, index) => names.findIndex((other) => other.toLowerCase() === name.toLowerCase()) < index,
  )
  if (twin === undefined) return
  throw new StreamError('AMBIGUOUS_COLUMN', { column: twin, available: names.join(', ') })
}
