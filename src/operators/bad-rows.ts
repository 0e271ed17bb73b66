import type { Batch } from '../batch/batch.ts'
import { columnOf } from '../batch/build.ts'
import { packRows } from '../batch/pack.ts'
import { type DataType, type Schema, stringType } from '../batch/schema.ts'
import type { BadRowPolicy } from '../core/bad-row-policy.ts'
import type { StreamError } from '../core/error.ts'
import {
  addBadRows,
  type BadRowCount,
  type EpochReport,
  type Output,
  type Wait,
} from '../flow/operator.ts'

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

/** Rows of a batch as dead letters, as the operator was given them. */
function lettersOf(batch: Batch, schema: Schema, operator: string, bad: readonly BadRow[]): Batch {
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
export function reasonOf({ code, message }: StreamError): Pick<LetterHead, 'code' | 'message'> {
  const [first = ''] = message.split('\n')
  return { code, message: first.startsWith(`${code}: `) ? first.slice(code.length + 2) : first }
}

/** Counts the bad rows of one operator over an epoch, and sends them where its policy says. */
export interface BadRows {
  /** To be called at the start of each epoch. */
  open(): void
  /** `schema` are the columns of the batch that rows are shown with, the first ones. */
  reject(batch: Batch, schema: Schema, bad: readonly BadRow[], output: Output): Wait
  /** Those of the epoch so far; `undefined` when there were none. */
  count(): BadRowCount | undefined
}

/** For an operator whose bad rows are dropped or delivered. */
export function badRowsOf(operator: string, policy: Exclude<BadRowPolicy, 'fail'>): BadRows {
  let rows = 0
  let deadLetters = 0
  return {
    open() {
      rows = 0
      deadLetters = 0
    },
    reject(batch, schema, bad, output) {
      rows += bad.length
      if (policy === 'drop' || bad.length === 0) return undefined
      deadLetters += bad.length
      return output.emitSide(deadSide, lettersOf(batch, schema, operator, bad))
    },
    count: () => (rows === 0 ? undefined : { rows, deadLetters }),
  }
}

/** What becomes of rows for which functions and expressions raise errors. */
export interface BadRowPolicies {
  readonly policy: BadRowPolicy
  /** Functions of the user that have a policy of their own, by name. */
  readonly byFunction: Readonly<Record<string, BadRowPolicy>>
}

/** Collects the rows of a batch for which an operator raised errors. */
export interface RejectedRows {
  open(): void
  /** @throws StreamError the cause itself, if such rows end the query */
  add(row: number, cause: StreamError): void
  /** To be called once the batch is done: sends those rows where they are to go. */
  flush(batch: Batch, schema: Schema, output: Output): Wait
  report(): EpochReport
}

/** The rejected rows of an operator. */
export function rejectedRows(operator: string, policies: BadRowPolicies): RejectedRows {
  const kinds = { drop: badRowsOf(operator, 'drop'), deadLetter: badRowsOf(operator, 'deadLetter') }
  let held: Record<keyof typeof kinds, BadRow[]> = { drop: [], deadLetter: [] }
  return {
    open() {
      kinds.drop.open()
      kinds.deadLetter.open()
    },
    add(row, cause) {
      const policy = policyOf(policies, cause)
      if (policy === 'fail') throw cause
      held[policy].push({ row, cause })
    },
    flush(batch, schema, output) {
      const { drop, deadLetter } = held
      if (drop.length + deadLetter.length === 0) return undefined
      held = { drop: [], deadLetter: [] }
      return allOf(
        kinds.drop.reject(batch, schema, drop, output),
        kinds.deadLetter.reject(batch, schema, deadLetter, output),
      )
    },
    report() {
      const badRows = addBadRows(kinds.drop.count(), kinds.deadLetter.count())
      return badRows === undefined ? {} : { progress: { [operator]: { rowsIn: 0, badRows } } }
    },
  }
}

function policyOf(
  { policy, byFunction }: BadRowPolicies,
  { code, details }: StreamError,
): BadRowPolicy {
  const name = code === 'USER_FUNCTION_FAILED' && 'name' in details ? details.name : undefined
  return (name === undefined ? undefined : byFunction[name]) ?? policy
}

/** Waits for all of them. */
export function allOf(...waits: readonly Wait[]): Wait {
  const open = waits.filter((wait) => wait !== undefined)
  return open.length === 0 ? undefined : Promise.all(open).then(() => undefined)
}
