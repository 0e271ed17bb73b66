import { type Column, liveRows, rowNumbers } from '../../batch/batch.ts'
import { toRow } from '../../batch/edge-row.ts'
import { hashKeys } from '../../batch/key-hash.ts'
import type { DataType } from '../../batch/schema.ts'
import type { StatefulProgram } from '../../flow/stateful-processor.ts'
import { groupsOf } from './epoch-groups.ts'
import type { Group } from './process-state.ts'
import { valuesAt } from './row-values.ts'

/** The rows of the initial state that belong to the shards of a task. */
export async function* initialRows(
  { initial, edge }: StatefulProgram,
  types: readonly DataType[],
  positionOf: (hash: number) => number | undefined,
): AsyncIterable<{ readonly group: Group; readonly row: unknown }> {
  if (initial === undefined) return
  const keys = initial.keys.flatMap((column, index) => {
    const type = types[index]
    return type === undefined ? [] : [{ column, type }]
  })
  for (const batch of await initial.rows()) {
    const columns = keys.map(({ column }) => batch.columns[column] as Column)
    const count = liveRows(batch)
    const all = rowNumbers(batch)
    const hashes = hashKeys(columns, types, all, count)
    const mine = all.filter((_, k) => positionOf(hashes[k] as number) !== undefined)
    for (const { group, hash, rows } of groupsOf([{ batch, rows: mine }], keys)) {
      const place = { group, position: positionOf(hash) ?? 0 }
      for (const row of rows) {
        const values = valuesAt(batch, initial.row.length, row)
        yield { group: place, row: toRow(initial.row, values, edge) }
      }
    }
  }
}
