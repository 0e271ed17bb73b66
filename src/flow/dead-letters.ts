import type { Batch } from '../batch/batch.ts'
import { columnOf } from '../batch/build.ts'
import { packRows } from '../batch/pack.ts'
import { type DataType, type Schema, stringType } from '../batch/schema.ts'
import type { StreamError } from '../core/error.ts'

/** The side output on which operators set aside the rows that go to the dead letters. */
export const deadSide = 'dead'

/** A row that was not worked with, and why. */
export interface BadRow {
  /** Physical number in its batch. */
  readonly row: number
  readonly cause: StreamError
}

/** What dead letters are made of besides the record: of one row each. */
export interface LetterHead {
  readonly source: string | null
  readonly partition: string | null
  readonly position: string | null
  readonly code: string
  readonly message: string
}

const headFields = ['source', 'partition', 'position', 'code', 'message'] as const

/** Dead letters of an operator; `records` are the rows they are about, one for each head. */
export function letterBatch(
  operator: string,
  heads: readonly LetterHead[],
  records: { readonly type: DataType; readonly column: Batch['columns'][number] },
): Batch {
  const schema: Schema = [
    { name: 'operator', type: stringType, nullable: false },
    ...headFields.map((name) => ({ name, type: stringType, nullable: true })),
    { name: 'record', type: records.type, nullable: false },
  ]
  return {
    schema,
    rowCount: heads.length,
    columns: [
      columnOf(
        stringType,
        heads.map(() => operator),
      ),
      ...headFields.map((field) =>
        columnOf(
          stringType,
          heads.map((head) => head[field]),
        ),
      ),
      records.column,
    ],
  }
}

/** Rows of a batch as dead letters; `schema` are the columns they are shown with, the first ones. */
export function rowLetters(
  operator: string,
  batch: Batch,
  schema: Schema,
  bad: readonly BadRow[],
): Batch {
  const columns = batch.columns.slice(0, schema.length)
  const numbers = Int32Array.from(bad, ({ row }) => row)
  const rows = packRows({ schema, rowCount: batch.rowCount, columns }, numbers)
  const place = placeOf(batch)
  const heads = bad.map(({ cause }) => ({ ...place, ...reasonOf(cause) }))
  const column = { layout: 'struct' as const, children: rows.columns }
  return letterBatch(operator, heads, { type: { kind: 'struct', fields: schema }, column })
}

/** The source and source partition of a batch, as far as they are known. */
export function placeOf({
  partition,
}: Batch): Pick<LetterHead, 'source' | 'partition' | 'position'> {
  if (partition === undefined) return { source: null, partition: null, position: null }
  const [source = '', ...rest] = partition.split('/')
  return { source, partition: rest.length === 0 ? null : rest.join('/'), position: null }
}

/** The code and the message of an error, without its hint. */
function reasonOf({ code, message }: StreamError): Pick<LetterHead, 'code' | 'message'> {
  const end = message.lastIndexOf('\n  Hint: ')
  return { code, message: message.slice(`${code}: `.length, end < 0 ? undefined : end) }
}
