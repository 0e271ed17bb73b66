import type { GroupState } from '../../src/streaming.ts'

export type Row = Readonly<Record<string, unknown>>

/** What a program of the cases is made with. */
export interface ProgramParts {
  readonly params: Readonly<Record<string, unknown>>
  readonly timeMode: 'none' | 'processingTime' | 'eventTime'
  /** The event-time column of the input, or ''. */
  readonly timeColumn: string
}

export type GroupCall = (
  key: unknown,
  rows: readonly Row[],
  state: GroupState<bigint>,
) => readonly unknown[][]

/** Whole seconds since 1970 of a TIMESTAMP in a row. */
export function secondsOf(time: unknown): number {
  return Math.floor(millisOf(time) / 1000)
}

/** Milliseconds since 1970 of a TIMESTAMP in a row. */
export function millisOf(time: unknown): number {
  return new Date(time instanceof Date ? time : String(time)).getTime()
}
