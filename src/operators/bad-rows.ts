import type { Batch } from '../batch/batch.ts'
import type { Schema } from '../batch/schema.ts'
import type { BadRowPolicy } from '../core/bad-row-policy.ts'
import type { StreamError } from '../core/error.ts'
import { type BadRow, deadSide, rowLetters } from '../flow/dead-letters.ts'
import {
  addBadRows,
  type BadRowCount,
  type EpochReport,
  type Output,
  type Wait,
} from '../flow/operator.ts'

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
      return output.emitSide(deadSide, rowLetters(operator, batch, schema, bad))
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
  /** What was added since the last batch counts for nothing. */
  forget(): void
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
    forget() {
      held = { drop: [], deadLetter: [] }
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
