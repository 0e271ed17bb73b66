import type { Column } from '../../batch/batch.ts'
import { windowType } from '../../batch/schema.ts'
import { type CallLayout, callLayouts, callOf } from '../aggregate/call-layout.ts'
import type { StateContext } from '../context.ts'
import {
  loadedTables,
  nullable,
  type StateField,
  type StateView,
  valueColumn,
} from '../state/state-view.ts'
import { sessionColumns } from './emit.ts'
import { openSessions } from './session-aggregate.ts'
import type { SessionSpec } from './spec.ts'

/** What the state of an aggregation by sessions is made of. Plain data, kept in every manifest. */
export interface SessionLayout
  extends Pick<SessionSpec, 'mode' | 'watermarked' | 'watermarkShift' | 'position'> {
  readonly kind: 'sessions'
  readonly keys: readonly StateField[]
  readonly session: string
  readonly calls: readonly CallLayout[]
}

export function sessionLayout(spec: SessionSpec): SessionLayout {
  const { mode, watermarked, watermarkShift, position } = spec
  const names = spec.output.map(({ name }) => name)
  const keyNames = names.slice(0, spec.keys.length + 1).filter((_, index) => index !== position)
  return {
    kind: 'sessions',
    mode,
    watermarked,
    watermarkShift,
    position,
    keys: spec.keys.map(({ type }, index) => ({ name: keyNames[index] ?? '', type })),
    session: names[position] ?? '',
    calls: callLayouts(spec.aggregates, names.slice(spec.keys.length + 1)),
  }
}

/** The open sessions, each with its results so far; an entry of state holds all sessions of a key. */
export function sessionView(layout: SessionLayout, context: StateContext): StateView {
  const { keys, position, session } = layout
  const calls = layout.calls.map(callOf)
  const spec = { ...layout, operator: '', aggregates: calls.map((call) => ({ call })) }
  const form = openSessions(spec, context)
  const key: StateField[] = [...keys]
  key.splice(position, 0, { name: session, type: windowType })
  return {
    key: nullable(key),
    columns: valueColumn(
      calls.map(({ type }, index) => ({ name: layout.calls[index]?.column ?? '', type })),
    ),
    keyOf: (stateKey) => form.readKey(stateKey)?.key,
    keyBytes: key.flatMap(({ type }, field) => (field === position ? [] : [{ field, type }])),
    *rows(entries) {
      for (const { table, slots } of loadedTables(openSessions(spec, context), entries)) {
        const owners: number[] = []
        const sessions: number[] = []
        for (const slot of slots) {
          table.sessions.endedBy(slot, Number.POSITIVE_INFINITY, sessions)
          while (owners.length < sessions.length) owners.push(slot)
        }
        const columns = sessionColumns(table, position, owners, sessions)
        const children = columns.slice(key.length)
        const value: Column = { layout: 'struct', children }
        yield {
          rowCount: sessions.length,
          key: columns.slice(0, key.length),
          columns: [value],
        }
      }
    },
  }
}
