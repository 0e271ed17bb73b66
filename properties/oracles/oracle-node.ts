import type { Value } from '../../src/batch/value.ts'
import type { EpochHeader } from '../../src/flow/message.ts'

/** The values of one row, by column. */
export type Row = readonly Value[]

/** The rows of one epoch by the name of their source. */
export type EpochRows = (source: string) => readonly Row[]

/** What one node of a plan answers, epoch by epoch. */
export type Evaluate = (header: EpochHeader, rows: EpochRows) => readonly Row[]
