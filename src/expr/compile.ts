import type { Batch, Column } from '../batch/batch.ts'
import type { Schema } from '../batch/schema.ts'
import { generateStage, type StageCode } from './compile-code.ts'
import { outputColumn } from './compile-output.ts'
import { columnAtPath, pathOf, readsOf } from './compile-paths.ts'
import type { EvaluationContext, Expression } from './expression.ts'
import { interpretStage, isOfRow } from './interpret-stage.ts'
import { jsonColumns } from './json-columns.ts'
import type { CompiledStage, RejectRow, StageResult, StageSpec } from './stage.ts'

/**
 * Compiles a filter and a projection to one fused loop over raw column arrays. Plain columns and
 * fields of structs are passed on untouched. Equal to `interpretStage` by law: a batch that holds or
 * makes a LONG or DECIMAL beyond 2^53, or raises, is given to the interpreter as a whole. With `reject`
 * so is one in which code that was called raises: the interpreter then finds the rows. A batch without bad
 * rows costs nothing more.
 */
export function compileStage(
  spec: StageSpec,
  inputSchema: Schema,
  reject?: RejectRow,
): CompiledStage {
  const plain = compilePlain(spec, inputSchema, reject)
  const json = jsonColumns(spec, inputSchema)
  if (json === undefined) return plain
  const decoded = compilePlain(json.spec, json.schema, reject)
  return {
    run(batch, context) {
      const extended = json.extend(batch)
      return extended === undefined ? plain.run(batch, context) : decoded.run(extended, context)
    },
  }
}

function compilePlain(
  spec: StageSpec,
  inputSchema: Schema,
  reject: RejectRow | undefined,
): CompiledStage {
  const reference = interpretStage(spec, inputSchema, reject)
  const computed = spec.columns.filter((column) => !isPassedOn(column))
  const work = spec.filter === undefined ? computed : [spec.filter, ...computed]
  const reads = readsOf(work)
  // One loop per combination of layouts; a source keeps to one or two of them.
  const variants = new Map<string, StageCode | undefined>()

  return {
    run(batch, context) {
      if (work.length === 0) return passThrough(spec.columns, batch, reference, context)
      const inputs = reads.map((read) => columnAtPath(batch, read.path))
      const key = inputs.map(layoutKey).join(',')
      if (!variants.has(key)) variants.set(key, generateStage(spec.filter, computed, reads, inputs))
      const code = variants.get(key)
      const run = { spec, batch, inputs, context }
      const result =
        code === undefined
          ? undefined
          : reject === undefined
            ? runCode(code, run)
            : codeOrNothing(code, run)
      return result ?? reference.run(batch, context)
    },
  }
}

/** `undefined` also when some row raised an error. */
function codeOrNothing(code: StageCode, run: Run): StageResult | undefined {
  try {
    return runCode(code, run)
  } catch (cause) {
    if (isOfRow(cause)) return undefined
    throw cause
  }
}

interface Run {
  readonly spec: StageSpec
  readonly batch: Batch
  readonly inputs: readonly PathColumn[]
  readonly context: EvaluationContext
}

type PathColumn = ReturnType<typeof columnAtPath>

/** `undefined` when the batch has to be interpreted. */
function runCode(code: StageCode, { spec, batch, inputs, context }: Run): StageResult | undefined {
  const { rowCount, selection } = batch
  const outputs = code.outputs.map((type) => outputColumn(type, rowCount))
  const kept = spec.filter === undefined ? undefined : new Int32Array(selection?.length ?? rowCount)
  const count = code.loop({
    inputs: inputs.map((input) => input?.column),
    parents: inputs.map((input) => input?.parent),
    rows: selection,
    count: selection?.length ?? rowCount,
    kept,
    outputs,
    processingTime: context.processingTime,
  })
  if (count < 0) return undefined
  const columns: Column[] = []
  let next = 0
  for (const column of spec.columns) {
    const passed =
      pathOf(column) === undefined ? outputs[next++]?.finish() : passedOn(column, batch)
    if (passed === undefined) return undefined
    columns.push(passed)
  }
  const rows = kept === undefined ? selection : kept.subarray(0, count)
  return rows === undefined ? { columns } : { columns, selection: rows }
}

/** Plain columns, fields of structs, and structs of these need no loop. */
function isPassedOn(expression: Expression): boolean {
  if (pathOf(expression) !== undefined) return true
  return (
    expression.kind === 'call' && expression.name === 'struct' && expression.args.every(isPassedOn)
  )
}

function passedOn(expression: Expression, batch: Batch): Column | undefined {
  if (expression.kind === 'call') {
    const children = expression.args.map((arg) => passedOn(arg, batch))
    const found = children.filter((child) => child !== undefined)
    return found.length === children.length ? { layout: 'struct', children: found } : undefined
  }
  const path = pathOf(expression)
  const found = path === undefined ? undefined : columnAtPath(batch, path)
  return found?.whole()
}

function passThrough(
  columns: readonly Expression[],
  batch: Batch,
  reference: CompiledStage,
  context: EvaluationContext,
): StageResult {
  const passed = columns.map((column) => passedOn(column, batch))
  const found = passed.filter((column) => column !== undefined)
  if (found.length !== columns.length) return reference.run(batch, context)
  return batch.selection === undefined
    ? { columns: found }
    : { columns: found, selection: batch.selection }
}

/** What the code of a loop depends on. */
function layoutKey(input: PathColumn): string {
  if (input === undefined) return '-'
  const { column, parent } = input
  const nullable = column.layout !== 'void' && column.validity !== undefined
  return `${column.layout}${nullable ? '?' : ''}${parent === undefined ? '' : '^'}`
}
