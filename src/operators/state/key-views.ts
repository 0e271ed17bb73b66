import type { Column } from '../../batch/batch.ts'
import { columnOf } from '../../batch/build.ts'
import { binaryType, longType, type Schema, timestampType } from '../../batch/schema.ts'
import type { StateContext } from '../context.ts'
import { type DeduplicateSpec, seenKeys } from '../deduplicate.ts'
import { type OwnSpec, ownBytes } from '../own-state.ts'
import { givenRows } from '../stream-limit.ts'
import {
  loadedTables,
  nullable,
  plainKey,
  type StateField,
  type StateView,
  timesOrNever,
  valueColumn,
} from './state-view.ts'

/** What the state of a removal of duplicates is made of. Plain data, kept in every manifest. */
export interface DeduplicateLayout extends Pick<DeduplicateSpec, 'watermarkShift'> {
  readonly kind: 'deduplicate'
  readonly keys: readonly StateField[]
  /** Within the delay of the watermark only. */
  readonly within: boolean
}

export function deduplicateLayout(spec: DeduplicateSpec): DeduplicateLayout {
  const { keys, watermarkShift, withinMicros } = spec
  return {
    kind: 'deduplicate',
    keys: keys.map(({ name, type }) => ({ name, type })),
    within: withinMicros !== undefined,
    watermarkShift,
  }
}

/** The keys that were seen, with the watermark at which each is forgotten; NULL = never. */
export function deduplicateView(layout: DeduplicateLayout, context: StateContext): StateView {
  const spec = { ...layout, operator: '' }
  const form = seenKeys(spec, context)
  return {
    key: nullable(layout.keys),
    columns: valueColumn([{ name: 'expires_at', type: timestampType }]),
    keyOf: (stateKey) => form.readKey(stateKey)?.key,
    keyBytes: plainKey(layout.keys),
    *rows(entries) {
      for (const { table, slots } of loadedTables(seenKeys(spec, context), entries)) {
        const times = timesOrNever(Array.from(slots, (slot) => table.dueOf(slot)))
        yield {
          rowCount: slots.length,
          key: table.keys.columns(slots),
          columns: [structOf(columnOf(timestampType, times))],
        }
      }
    },
  }
}

/** What the state of a limit is made of. */
export interface LimitLayout {
  readonly kind: 'limit'
}

/** How many rows were given out; one row without a key. */
export function limitView(context: StateContext): StateView {
  return {
    key: [],
    columns: valueColumn([{ name: 'count', type: longType }]),
    keyOf: (stateKey) => stateKey,
    keyBytes: [],
    *rows(entries) {
      for (const { table, slots } of loadedTables(givenRows('', context), entries)) {
        const counts = Float64Array.from(slots, (slot) => table.values[0]?.numbers[slot] ?? 0)
        yield {
          rowCount: slots.length,
          key: [],
          columns: [structOf({ layout: 'f64', values: counts })],
        }
      }
    },
  }
}

/** What the state of an operator of the user's own is made of. */
export interface OwnLayout {
  readonly kind: 'own'
  readonly keys: readonly StateField[]
}

export function ownLayout({ keys, input }: OwnSpec): OwnLayout {
  return {
    kind: 'own',
    keys: keys.map(({ column, type }) => ({ name: input[column]?.name ?? '', type })),
  }
}

/** The bytes that the operator keeps, as it wrote them. */
export function ownView({ keys }: OwnLayout, context: StateContext): StateView {
  const types = keys.map(({ type }) => type)
  const columns: Schema = valueColumn([{ name: 'bytes', type: binaryType }])
  return {
    key: nullable(keys),
    columns,
    keyOf: (stateKey) => stateKey,
    keyBytes: plainKey(keys),
    *rows(entries) {
      for (const { table, slots } of loadedTables(ownBytes('', types, context), entries)) {
        const bytes = Array.from(slots, (slot) => table.values[0]?.bytesAt(slot) ?? null)
        yield {
          rowCount: slots.length,
          key: table.keys.columns(slots),
          columns: [structOf(columnOf(binaryType, bytes))],
        }
      }
    },
  }
}

function structOf(...children: Column[]): Column {
  return { layout: 'struct', children }
}
