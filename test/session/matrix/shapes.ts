import { asofShapes } from './asof-shapes.ts'
import type { Mode } from './cell.ts'
import { chainedShapes } from './chained-shapes.ts'
import { joinShapes } from './join-shapes.ts'
import { programShapes } from './program-shapes.ts'
import { rankShapes } from './rank-shapes.ts'
import type { Shape } from './shape.ts'
import { simpleShapes } from './simple-shapes.ts'

/** Every shape of query in every mode, in the order of the table in docs/output-modes.md. */
export const matrix: readonly Shape[] = [
  ...simpleShapes,
  ...joinShapes,
  ...asofShapes,
  ...programShapes,
  ...chainedShapes,
  ...rankShapes,
]

/** Whether a row of the table is allowed in a mode. */
export function answerOf(row: string, mode: Mode): 'yes' | 'no' {
  const first = matrix.find((shape) => shape.row === row)
  return first !== undefined && 'gives' in first[mode] ? 'yes' : 'no'
}
