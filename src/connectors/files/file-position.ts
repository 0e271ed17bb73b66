import { StreamError } from '../../core/error.ts'
import type { Position } from '../../flow/message.ts'

/** Everything before row `row` of file number `file`. */
export interface Point {
  readonly file: number
  readonly row: number
}

/** `{"0": 7}` = seven files; a continuous query may stand inside the next one: `{"0": [7, 4096]}`. */
export function pointOf(position: Position): Point {
  const at = position['0'] ?? 0
  const [file, row] = Array.isArray(at) ? at : [at, 0]
  if (isCount(file) && isCount(row)) return { file, row }
  throw new StreamError('CHECKPOINT_CORRUPT', {
    path: 'the position of a file source',
    what: `${JSON.stringify(at)} is not a number of files`,
  })
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
