import type { Cell, Mode, Query, Refuses, Step } from './cell.ts'
import { refuses } from './cell.ts'

/** One shape of query with its three cells. */
export interface Shape extends Query, Readonly<Record<Mode, Cell>> {
  /** The row of the table in docs/output-modes.md. */
  readonly row: string
  /** Which of the shapes that share the row. */
  readonly name: string
}

/**
 * The input of most shapes. Delay 10: the watermark is 4 behind the first step and 35 behind the second,
 * so that windows up to 35 close there and bob at 11 comes too late in the third; there it reaches 50.
 */
export const rows: readonly Step[] = [
  [['ada 12 1', 'bob 14 2']],
  [['ada 13 3', 'ada 45 4']],
  [['bob 11 5', 'bob 60 6']],
]

/** Nothing of it can be given out whole each time. */
export const keepsEverything: Refuses = refuses(
  'OUTPUT_MODE_UNSUPPORTED',
  /complete.*every row ever read/,
  /outputMode\('append'\)/,
)
