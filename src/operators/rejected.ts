import { type Batch, liveRows } from '../batch/batch.ts'
import { columnOf } from '../batch/build.ts'
import { stringType } from '../batch/schema.ts'
import { deadSide, letterBatch, placeOf } from '../flow/dead-letters.ts'
import type { Operator } from '../flow/operator.ts'
import { allOf } from './bad-rows.ts'

/** Which source the records are of, and what becomes of them. */
export interface RejectedSpec {
  readonly source: string
  readonly policy: 'drop' | 'deadLetter'
}

/** Takes the records that a source could not decode off its batches: they are counted and, if so asked, delivered. */
export function rejectedOperator({ source, policy }: RejectedSpec): Operator {
  const name = `source(${source})`
  let count = 0
  let rowsIn = 0
  return {
    name,

    open() {
      count = 0
      rowsIn = 0
    },

    process(_input, { rejected = [], ...batch }, output) {
      count += rejected.length
      rowsIn += liveRows(batch)
      const isDelivered = policy === 'deadLetter' && rejected.length > 0
      return allOf(
        isDelivered ? output.emitSide(deadSide, lettersOf(name, batch, rejected)) : undefined,
        liveRows(batch) === 0 ? undefined : output.emit(batch),
      )
    },

    closeEpoch() {
      const deadLetters = policy === 'deadLetter' ? count : 0
      const badRows = count === 0 ? {} : { badRows: { rows: count, deadLetters } }
      return { progress: { [name]: { rowsIn, ...badRows } } }
    },

    freeze: () => undefined,
  }
}

function lettersOf(name: string, batch: Batch, rejected: NonNullable<Batch['rejected']>): Batch {
  const place = placeOf(batch)
  const heads = rejected.map(({ position, why: message }) => ({
    ...place,
    position,
    code: 'DECODE_FAILED',
    message,
  }))
  const column = columnOf(
    stringType,
    rejected.map(({ record }) => record),
  )
  return letterBatch(name, heads, { type: stringType, column })
}
