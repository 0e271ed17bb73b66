import type { FrozenState } from '../../state/frozen.ts'
import type { Batch } from '../batch/batch.ts'
import type { Schema } from '../batch/schema.ts'
import type { Operator } from './operator.ts'

/** An operator of one's own: what makes it, once for each task of each run. */
export interface OwnOperator {
  /** The name its state is kept under. */
  readonly name: string
  /** The version of what it keeps: a checkpoint of another version is refused. */
  readonly version: number
  /** Makes the operator of one task; its state is restored already. */
  make(context: OperatorContext): Operator
}

/** What an operator of one's own is given. */
export interface OperatorContext {
  readonly input: Schema
  readonly output: Schema
  /** State by key: everything the operator keeps from one epoch to the next. */
  readonly state: OperatorKeys
}

/** The rows of one key in a batch. */
export interface KeyRows {
  /** The key as bytes that sort like the values of its columns. */
  readonly key: Uint8Array
  /** Physical rows of the batch, in order. */
  readonly rows: Int32Array
}

/**
 * Bytes by key, as far as the keys belong to this task. Entries may lie outside of memory: they can be
 * read and written inside `using` only.
 */
export interface OperatorKeys {
  /** To be called by `open`. */
  open(epoch: number): void
  /**
   * Groups the rows of a batch by the keys of the operator, in order of first arrival, brings what these
   * keys have into memory, and lets `work` read and write it.
   */
  using(batch: Batch, work: (groups: readonly KeyRows[]) => Promise<void>): Promise<void>
  /** The bytes of a key that `using` gave out, or `undefined`. Not to be written to. */
  get(key: Uint8Array): Uint8Array | undefined
  put(key: Uint8Array, value: Uint8Array): void
  delete(key: Uint8Array): void
  /** What `freeze` of the operator has to return. */
  freeze(): readonly FrozenState[] | undefined
  /** Bytes in memory, for progress. */
  byteLength(): number
}
