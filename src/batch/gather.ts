import { type Batch, type BytesColumn, type Column, isValid, type Validity } from './batch.ts'
import { columnOf } from './build.ts'
import { valueAt } from './read.ts'
import type { DataType } from './schema.ts'

/** Rows of several batches of one schema, by the number of the batch and that of the physical row. */
export interface GatheredRows {
  readonly batches: readonly Batch[]
  readonly which: Int32Array
  readonly rows: Int32Array
}

/** These rows in this order, as one batch of its own. */
export function gatherRows({ batches, which, rows }: GatheredRows): Batch {
  const schema = batches[0]?.schema ?? []
  const columns = schema.map(({ type }, index) => {
    const parts = batches.map(({ columns: all }) => all[index] as Column)
    return gatherColumn(parts, type, { which, rows })
  })
  return { schema, rowCount: rows.length, columns }
}

type Places = Pick<GatheredRows, 'which' | 'rows'>

function gatherColumn(parts: readonly Column[], type: DataType, places: Places): Column {
  if (parts.every((part) => part.layout === 'f64')) {
    const values = new Float64Array(places.rows.length)
    return {
      layout: 'f64',
      values: gatherNumbers(parts, places, values),
      ...validOf(parts, places),
    }
  }
  if (parts.every((part) => part.layout === 'i32')) {
    const values = new Int32Array(places.rows.length)
    return {
      layout: 'i32',
      values: gatherNumbers(parts, places, values),
      ...validOf(parts, places),
    }
  }
  if (parts.every((part) => part.layout === 'bytes')) return gatherBytes(parts, places)
  if (type.kind === 'struct' && parts.every((part) => part.layout === 'struct')) {
    const children = type.fields.map((field, index) =>
      gatherColumn(
        parts.map((part) => part.children[index] as Column),
        field.type,
        places,
      ),
    )
    return { layout: 'struct', children, ...validOf(parts, places) }
  }
  const { which, rows } = places
  return columnOf(
    type,
    Array.from(rows, (row, k) => valueAt(parts[which[k] as number] as Column, type, row)),
  )
}

function gatherNumbers<Numbers extends Float64Array | Int32Array>(
  parts: readonly { readonly values: Numbers }[],
  { which, rows }: Places,
  to: Numbers,
): Numbers {
  for (let k = 0; k < rows.length; k++) {
    const { values } = parts[which[k] as number] as { readonly values: Numbers }
    to[k] = values[rows[k] as number] as number
  }
  return to
}

function gatherBytes(parts: readonly BytesColumn[], { which, rows }: Places): Column {
  const offsets = new Int32Array(rows.length + 1)
  for (let k = 0; k < rows.length; k++) {
    const from = (parts[which[k] as number] as BytesColumn).offsets
    const row = rows[k] as number
    const length = (from[row + 1] as number) - (from[row] as number)
    offsets[k + 1] = (offsets[k] as number) + length
  }
  const data = new Uint8Array(offsets[rows.length] as number)
  for (let k = 0; k < rows.length; k++) {
    const { offsets: from, data: bytes } = parts[which[k] as number] as BytesColumn
    const row = rows[k] as number
    let to = offsets[k] as number
    const end = from[row + 1] as number
    for (let at = from[row] as number; at < end; at++) data[to++] = bytes[at] as number
  }
  return { layout: 'bytes', offsets, data, ...validOf(parts, { which, rows }) }
}

function validOf(
  parts: readonly { readonly validity?: Validity }[],
  { which, rows }: Places,
): { readonly validity?: Validity } {
  if (parts.every(({ validity }) => validity === undefined)) return {}
  const validity = new Uint8Array((rows.length + 7) >> 3)
  for (let k = 0; k < rows.length; k++) {
    if (!isValid(parts[which[k] as number]?.validity, rows[k] as number)) continue
    validity[k >> 3] = (validity[k >> 3] as number) | (1 << (k & 7))
  }
  return { validity }
}
