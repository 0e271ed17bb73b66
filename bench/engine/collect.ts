import type { Batch } from '../../src/batch/batch.ts'
import { rowsOf } from '../../src/batch/read.ts'
import type { Value } from '../../src/batch/value.ts'
import type { Sink } from '../../src/flow/connector.ts'
import type { Cell } from '../checksum.ts'

/** A sink that keeps every row it is given, in order, for the gate. */
export interface CollectConnector extends Sink {
  readonly rows: readonly (readonly Cell[])[]
}

export function collectConnector(): CollectConnector {
  const rows: (readonly Cell[])[] = []
  return {
    description: 'collect',
    kind: 'immediate',
    rows,
    open: async () => {},
    async write(batch: Batch) {
      for (const row of rowsOf(batch)) rows.push(row.map(cellOf))
    },
    prepare: async () => null,
    commit: async () => {},
    abort: async () => {},
    close: async () => {},
  }
}

function cellOf(value: Value): Cell {
  if (value === null || typeof value !== 'object') return value
  throw new RangeError('the benchmark queries give flat rows')
}
