import type { DataFrame } from '../../src/dataframe/data-frame.ts'
import { expr } from '../../src/dataframe/functions-core.ts'

/** A second aggregation over the windows, sessions or times of the first. */
export type Chain = 'none' | 'wider' | 'sliding' | 'moment' | 'same' | 'sessions'

/** Most random queries have one aggregation at most. */
export const chains: readonly Chain[] = [
  ...Array.from({ length: 5 }, (): Chain => 'none'),
  'wider',
  'sliding',
  'moment',
  'same',
  'sessions',
]

/**
 * Aggregates the groups of a frame again. `window` is the name of its window, session or time; `key`
 * that of another key, without which there are no sessions.
 */
export function chained(
  frame: DataFrame,
  chain: Chain,
  window: string,
  key: string | undefined,
): DataFrame {
  const isTime = frame.schema.fields.find(({ name }) => name === window)?.type.kind === 'timestamp'
  const moment = isTime ? window : `window_time(${window})`
  const [last = window] = frame.columns.slice(-1)
  const by = (...keys: readonly string[]): DataFrame =>
    frame
      .groupBy(...keys.map((text) => expr(text)))
      .agg(expr('count(1)').alias('groups'), expr(`count(${last})`).alias('known'))
  const others = key === undefined ? [] : [key]
  switch (chain) {
    case 'none':
      return frame
    case 'wider':
      return by(`window(${window}, '20 seconds')`)
    case 'sliding':
      return by(`window(${moment}, '20 seconds', '8 seconds')`, ...others)
    case 'moment':
      return by(moment)
    case 'same':
      return by(window)
    case 'sessions':
      return key === undefined
        ? by(`window(${window}, '15 seconds', '5 seconds')`)
        : by(key, `session_window(${window}, '7 seconds')`)
  }
}
