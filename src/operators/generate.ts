import { type Batch, type Column, isValid, siblingOrder } from '../batch/batch.ts'
import { columnBuilder } from '../batch/build.ts'
import { packRows } from '../batch/pack.ts'
import { forEachRow } from '../batch/read.ts'
import type { Schema } from '../batch/schema.ts'
import type { Operator } from '../flow/operator.ts'

/** An explosion as plain data: the array or map is column `column` of the input. */
export interface GenerateSpec {
  readonly column: number
  /** How many columns of the input go on; the exploded one may stand behind them. */
  readonly kept: number
  readonly outer: boolean
  readonly withPosition: boolean
  readonly output: Schema
}

/** One row per element of an array or entry of a map; a row without elements gives none, or NULLs with `outer`. */
export function generateOperator(spec: GenerateSpec): Operator {
  let rowsIn = 0
  return {
    name: 'generate',

    open() {
      rowsIn = 0
    },

    process(_input, batch, output) {
      const exploded = explode(batch, spec)
      rowsIn += exploded.rowsIn
      return exploded.batch.rowCount === 0 ? undefined : output.emit(exploded.batch)
    },

    closeEpoch: () => ({ progress: { generate: { rowsIn } } }),

    freeze: () => undefined,
  }
}

function explode(batch: Batch, spec: GenerateSpec): { batch: Batch; rowsIn: number } {
  const column = batch.columns[spec.column]
  const rows: number[] = []
  const items: number[] = []
  const siblings: number[] = []
  const positions = columnBuilder({ kind: 'int' })
  let rowsIn = 0
  forEachRow(batch, (row) => {
    rowsIn++
    const [start, end] = spanOf(column, row)
    for (let item = start; item < end; item++) {
      rows.push(row)
      items.push(item)
      siblings.push(item - start)
      if (spec.withPosition) positions.appendNumber(item - start)
    }
    if (start === end && spec.outer) {
      rows.push(row)
      items.push(-1)
      siblings.push(0)
      if (spec.withPosition) positions.appendNull()
    }
  })
  const kept: Batch = {
    ...batch,
    schema: batch.schema.slice(0, spec.kept),
    columns: batch.columns.slice(0, spec.kept),
  }
  const repeated = packRows(kept, Int32Array.from(rows))
  return {
    rowsIn,
    batch: {
      ...repeated,
      ...(repeated.order === undefined ? {} : { order: siblingOrder(repeated.order, siblings) }),
      schema: spec.output,
      columns: [
        ...repeated.columns,
        ...(spec.withPosition ? [positions.finish()] : []),
        ...childrenOf(column).map((child) => takeItems(child, items)),
      ],
    },
  }
}

function spanOf(column: Column | undefined, row: number): readonly [number, number] {
  if (column === undefined || (column.layout !== 'list' && column.layout !== 'map')) return [0, 0]
  if (!isValid(column.validity, row)) return [0, 0]
  return [column.offsets[row] ?? 0, column.offsets[row + 1] ?? 0]
}

function childrenOf(column: Column | undefined): readonly Column[] {
  if (column?.layout === 'list') return [column.child]
  return column?.layout === 'map' ? [column.keys, column.values] : []
}

/** Items of a child column; −1 gives NULL. */
function takeItems(child: Column, items: readonly number[]): Column {
  const schema = [{ name: 'item', type: { kind: 'void' as const }, nullable: true }]
  const rows = Int32Array.from(items, (item) => Math.max(item, 0))
  const isEmpty = items.length > 0 && items.every((item) => item < 0)
  if (isEmpty) return { layout: 'void' }
  const taken = packRows({ schema, rowCount: items.length, columns: [child] }, rows).columns[0]
  if (taken === undefined || taken.layout === 'void') return { layout: 'void' }
  if (!items.includes(-1)) return taken
  const validity = new Uint8Array((items.length + 7) >> 3)
  items.forEach((item, k) => {
    if (item >= 0 && isValid(taken.validity, k)) {
      validity[k >> 3] = (validity[k >> 3] as number) | (1 << (k & 7))
    }
  })
  return { ...taken, validity }
}
