import type { RowSink } from '../checksum.ts'
import type { QueryName } from '../nexmark/results.ts'
import { q0 } from './q0.ts'
import { q1 } from './q1.ts'
import { q2 } from './q2.ts'
import { q3 } from './q3.ts'
import { q5 } from './q5.ts'
import { q7 } from './q7.ts'
import { q8 } from './q8.ts'
import { q11 } from './q11.ts'
import { q12 } from './q12.ts'
import { q17 } from './q17.ts'

/** The queries that there is such a program for. */
export const byHandNames = [
  'q0',
  'q1',
  'q2',
  'q3',
  'q5',
  'q7',
  'q8',
  'q11',
  'q12',
  'q17',
] as const satisfies readonly QueryName[]

export type ByHandName = (typeof byHandNames)[number]

/**
 * What a user would write in Node for each query without an engine: `JSON.parse` and a `Map`. No
 * checkpoint and no recovery. Reads the file at `path` to its end.
 */
export type ByHandProgram = (path: string, sink: RowSink) => void

export const byHandPrograms: Readonly<Record<ByHandName, ByHandProgram>> = {
  q0,
  q1,
  q2,
  q3,
  q5,
  q7,
  q8,
  q11,
  q12,
  q17,
}

/** The program for a query, if there is one. */
export function byHandNamed(query: string | undefined): ByHandName | undefined {
  return byHandNames.find((name) => name === query)
}
