import type { Batch } from '../batch/batch.ts'
import type { Schema } from '../batch/schema.ts'
import type { Json } from '../core/json.ts'
import type { Epoch, Micros } from '../core/units.ts'
import type { Position, PositionRange } from './message.ts'

/** How much one epoch may take from one source. Absent = no limit. Connectors ignore what they cannot count. */
export interface ReadLimit {
  readonly maxRows?: number
  readonly maxFiles?: number
  readonly maxBytes?: number
}

/** Which share of a range a task reads: `index` of `count` lanes. The shares are disjoint and complete. */
export interface Slice {
  readonly index: number
  readonly count: number
}

export interface PolledBatch {
  readonly batch: Batch
  readonly position: Position
}

/**
 * An input whose rows can be read again: the same range gives the same rows in the same order, for
 * as long as the position was not passed to `commit`. Positions are plain data and are kept in the
 * checkpoint. One object serves `latest` and several `read`s at a time.
 */
export interface Source {
  readonly description: string
  readonly schema: Schema
  /** `false`: rows of a decided epoch may be gone after a crash (socket). They are counted in `metrics`. */
  readonly replayable: boolean
  /** The position of a first start, before any row this query will read. */
  initial(): Promise<Position>
  /**
   * How far an epoch that begins at `from` may go. Equal to `from` (by JSON) when nothing waits.
   * `end` is a position given out before that the answer must not pass; a source whose positions
   * are one number per partition may ignore it, its caller takes the smaller number.
   */
  latest(from: Position, limit: ReadLimit, end?: Position): Promise<Position>
  /** The rows of `from <= row < to` that belong to the slice, in order. */
  read(range: PositionRange, slice: Slice): AsyncIterable<Batch>
  /**
   * Continuous trigger: rows that are there now, at most `maxRows`, or `undefined` at once when none
   * are. Only called with positions this source gave out.
   */
  poll(from: Position, maxRows: number): Promise<PolledBatch | undefined>
  /** Calls `wake` when rows may have arrived; returns the way to stop that. Absent: asked every `pollMs`. */
  onArrival?(wake: () => void): () => void
  /** How often to ask when idle and there is no `onArrival`, milliseconds. */
  readonly pollMs?: number
  /** Everything before it is committed in the checkpoint: may be cleaned up. Repeatable, best effort. */
  commit(position: Position): Promise<void>
  close(): Promise<void>
  /** Figures for `sources[].metrics` of the progress. */
  metrics?(): Readonly<Record<string, string>>
}

/**
 * How sure a sink's output is; see `docs/guarantees.md`. A commit of an authoritative one cannot be repeated: it
 * carries the id of its checkpoint, and after a crash the sink's word decides which checkpoint stands.
 */
export type SinkKind = 'repeatable' | 'authoritative' | 'bestEffort' | 'immediate'

/** A checkpoint: the number says which epoch, the id which run of it. */
export interface CheckpointName {
  readonly epoch: Epoch
  readonly snapshotId: string
}

/** One attempt to run a query, as its sinks know it. */
export interface SinkAttempt {
  readonly queryId: string
  readonly runId: string
  /** Grows with every attempt to run the query; part of the name of everything hidden. */
  readonly token: number
  /** Epochs that may be written or prepared, and not committed, at one time. */
  readonly openEpochsMax: number
  /** The id of the checkpoint of an epoch if this attempt publishes it; no other attempt gives the same. */
  snapshotIdOf(epoch: Epoch): string
}

export interface SinkStart extends SinkAttempt {
  /** Where the attempt begins. An authoritative sink whose word is another one commits this before it answers. */
  readonly standsOn: CheckpointName
  /** The newest checkpoint: the sink commits it again if it must, and removes everything else it finds. */
  readonly lastCommitted: { readonly epoch: Epoch; readonly committable: Json } | undefined
}

/**
 * An output. Per epoch: `write` any number of times, `prepare`, then `commit` or `abort`.
 * Rows become visible only at `commit` (kinds `repeatable` and `authoritative`).
 */
export interface Sink {
  /** Names the output, the same at every start: under another one the checkpoint takes it for another sink. */
  readonly description: string
  readonly kind: SinkKind
  open(start: SinkStart): Promise<void>
  write(batch: Batch, epoch: Epoch): Promise<void>
  /** Makes the rows of the epoch durable and says everything that `commit` needs, as plain data. */
  prepare(epoch: Epoch, processingTime: Micros): Promise<Json>
  /**
   * Makes them visible. Called again with the same value after a crash: same outcome; a no-op when the
   * sink already stands at `epoch` or later.
   */
  commit(epoch: Epoch, committable: Json): Promise<void>
  /** Forgets everything written for `epoch` and later. */
  abort(epoch: Epoch): Promise<void>
  close(): Promise<void>
  /** What becomes of rows it cannot take; absent = `write` fails. */
  readonly badRows?: 'drop' | 'deadLetter'
  /** With `badRows`: the rows of the last `write` that it left out, as `rowLetters` makes them. */
  takeRejected?(): Batch | undefined
  /** Its `commit` shows nobody anything: another sink may take its place before it was called. */
  readonly keepsNothing?: true
  /**
   * Authoritative sinks, before `open`: makes sure that nothing an older attempt has left can be committed any
   * more, and only then says which checkpoint was committed last; `undefined` = none ever was.
   */
  fence?(attempt: SinkAttempt): Promise<CheckpointName | undefined>
  metrics?(): Readonly<Record<string, string>>
}
