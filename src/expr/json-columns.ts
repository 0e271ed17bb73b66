import type { Batch, Column } from '../batch/batch.ts'
import type { DataType, Schema } from '../batch/schema.ts'
import { type JsonColumnDecoder, jsonColumnDecoder } from '../json/column-decoder.ts'
import { columnAtPath, type Path, pathOf } from './compile-paths.ts'
import type { Expression } from './expression.ts'
import { rewriteExpression } from './rewrite.ts'
import type { StageSpec } from './stage.ts'
import { textOptions } from './text-options.ts'

/** A stage whose `from_json` is done for whole columns before it runs. */
export interface JsonColumns {
  /** The same stage, over batches with more columns. */
  readonly spec: StageSpec
  readonly schema: Schema
  /** The batch with these columns; `undefined` if its texts do not lie as they have to. */
  extend(batch: Batch): Batch | undefined
}

interface ReadColumn {
  readonly path: Path
  readonly type: Struct
  readonly decoder: JsonColumnDecoder
}

type Struct = Extract<DataType, { readonly kind: 'struct' }>

/** Takes `from_json` over columns of texts or bytes out of a stage; `undefined` if there is none. */
export function jsonColumns(spec: StageSpec, inputSchema: Schema): JsonColumns | undefined {
  const found = new Map<string, ReadColumn>()
  const rule = (part: Expression): Expression => {
    const read = readOf(part)
    if (read === undefined) return part
    const { type } = read
    const key = JSON.stringify(read)
    if (!found.has(key)) found.set(key, { ...read, decoder: jsonColumnDecoder(type.fields) })
    const index = inputSchema.length + [...found.keys()].indexOf(key)
    return { kind: 'column', index, name: 'from_json', type, nullable: true }
  }
  const rewritten: StageSpec = {
    ...(spec.filter === undefined ? {} : { filter: rewriteExpression(spec.filter, rule) }),
    columns: spec.columns.map((column) => rewriteExpression(column, rule)),
  }
  if (found.size === 0) return undefined
  const reads = [...found.values()]
  return {
    spec: rewritten,
    schema: [
      ...inputSchema,
      ...reads.map(({ type }) => ({ name: 'from_json', type, nullable: true })),
    ],
    extend(batch) {
      let extended = batch
      // A text inside of a text is a column of the one before.
      for (const read of reads) {
        const column = decodedBy(read, extended)
        if (column === undefined) return undefined
        extended = { ...extended, columns: [...extended.columns, column] }
      }
      return extended
    },
  }
}

function decodedBy({ path, decoder }: ReadColumn, batch: Batch): Column | undefined {
  const texts = columnAtPath(batch, path)?.whole()
  if (texts?.layout !== 'bytes') return undefined
  return decoder.decode(texts, batch.rowCount, batch.selection)
}

/** A call of `from_json` into a struct, as it is by default, over a column or the bytes of one. */
function readOf(expression: Expression): Pick<ReadColumn, 'path' | 'type'> | undefined {
  if (expression.kind !== 'call' || expression.name !== 'from_json') return undefined
  const { type, args } = expression
  const [text] = args
  if (text === undefined || type.kind !== 'struct' || args.length !== 2) return undefined
  const { corruptColumn } = textOptions([])
  if (type.fields.some(({ name }) => name.toLowerCase() === corruptColumn)) return undefined
  const path = pathOf(isBytesAsText(text) ? text.input : text)
  return path && { path, type }
}

function isBytesAsText(
  expression: Expression,
): expression is Extract<Expression, { readonly kind: 'cast' }> {
  return (
    expression.kind === 'cast' &&
    expression.type.kind === 'string' &&
    expression.input.type.kind === 'binary'
  )
}
