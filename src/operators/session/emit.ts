import type { Column } from '../../batch/batch.ts'
import type { Output } from '../../flow/operator.ts'
import type { SessionTable } from './session-table.ts'
import type { SessionSpec } from './spec.ts'

const rowsPerBatch = 4096

/** Emits the sessions of some keys that end at or before a time, in batches. */
export async function emitSessions(
  spec: SessionSpec,
  table: SessionTable,
  slots: Int32Array,
  time: number,
  output: Output,
): Promise<void> {
  let owners: number[] = []
  let sessions: number[] = []
  for (const slot of slots) {
    table.sessions.endedBy(slot, time, sessions)
    while (owners.length < sessions.length) owners.push(slot)
    if (sessions.length < rowsPerBatch) continue
    await emitBatch(spec, table, owners, sessions, output)
    owners = []
    sessions = []
  }
  if (sessions.length > 0) await emitBatch(spec, table, owners, sessions, output)
}

async function emitBatch(
  spec: SessionSpec,
  table: SessionTable,
  owners: readonly number[],
  sessions: readonly number[],
  output: Output,
): Promise<void> {
  const columns = sessionColumns(table, spec.position, owners, sessions)
  const wait = output.emit({ schema: spec.output, rowCount: sessions.length, columns })
  if (wait !== undefined) await wait
}

/** Keys with the session at its position, then results; `owners` are the keys of the sessions. */
export function sessionColumns(
  table: SessionTable,
  position: number,
  owners: readonly number[],
  sessions: readonly number[],
): readonly Column[] {
  const { starts, ends, accumulators } = table.sessions
  const slots = Int32Array.from(sessions)
  const columns: Column[] = [...table.keys.columns(Int32Array.from(owners))]
  columns.splice(position, 0, {
    layout: 'struct',
    children: [
      { layout: 'f64', values: picked(starts, slots) },
      { layout: 'f64', values: picked(ends, slots) },
    ],
  })
  for (const accumulator of accumulators) columns.push(accumulator.finish(slots))
  return columns
}

function picked(values: Float64Array, slots: Int32Array): Float64Array {
  const result = new Float64Array(slots.length)
  for (let k = 0; k < slots.length; k++) result[k] = values[slots[k] as number] as number
  return result
}
