import type { Column } from '../../batch/batch.ts'
import { type Schema, windowType } from '../../batch/schema.ts'
import type { StateContext } from '../context.ts'
import {
  loadedTables,
  nullable,
  type StateField,
  type StateView,
  valueColumn,
} from '../state/state-view.ts'
import { windowsOf } from '../window.ts'
import { type CallLayout, callLayouts, callOf } from './call-layout.ts'
import { constantWindow } from './emit.ts'
import { GroupBuckets } from './group-buckets.ts'
import type { AggregateSpec } from './spec.ts'

/** What the state of an aggregation is made of. Plain data, kept in every manifest. */
export interface AggregateLayout
  extends Pick<AggregateSpec, 'mode' | 'early' | 'bucketing' | 'watermarked' | 'watermarkShift'> {
  readonly kind: 'aggregate'
  /** The keys in the bytes of the key: all but the window that the operator assigns itself. */
  readonly keys: readonly StateField[]
  /** Where that window stands among the keys, and its name. */
  readonly window?: { readonly position: number; readonly name: string }
  readonly calls: readonly CallLayout[]
}

export function aggregateLayout(spec: AggregateSpec): AggregateLayout {
  const { mode, early, bucketing, watermarked, watermarkShift, output } = spec
  const position = bucketing.kind === 'window' ? bucketing.position : undefined
  const keyCount = spec.keys.length + (position === undefined ? 0 : 1)
  const names = output.map(({ name }) => name)
  const keyNames = names.slice(0, keyCount).filter((_, index) => index !== position)
  return {
    kind: 'aggregate',
    mode,
    ...(early === undefined ? {} : { early }),
    bucketing,
    watermarked,
    watermarkShift,
    keys: spec.keys.map(({ type }, index) => ({ name: keyNames[index] ?? '', type })),
    ...(position === undefined ? {} : { window: { position, name: names[position] ?? '' } }),
    calls: callLayouts(spec.aggregates, names.slice(keyCount)),
  }
}

/**
 * Groups with their results so far. Where windows overlap, state is kept by pane, the slice that no
 * window boundary cuts: the key then has a `pane` and the results are those of its rows alone.
 */
export function aggregateView(layout: AggregateLayout, context: StateContext): StateView {
  const { bucketing, keys, window } = layout
  const calls = layout.calls.map(callOf)
  const spec = { ...layout, operator: '', aggregates: calls.map((call) => ({ call })) }
  const make = (): GroupBuckets => new GroupBuckets(spec, context)
  const form = make()
  const math = bucketing.kind === 'window' ? windowsOf(bucketing.windows) : undefined
  const key: StateField[] = [...keys]
  if (window !== undefined) {
    const name = math !== undefined && math.panesPerWindow > 1 ? 'pane' : window.name
    key.splice(window.position, 0, { name, type: windowType })
  }
  const fields: Schema = nullable(key)
  const position = window?.position
  return {
    key: fields,
    columns: valueColumn(
      calls.map(({ type }, index) => ({ name: layout.calls[index]?.column ?? '', type })),
    ),
    keyOf: (stateKey) => form.readKey(stateKey)?.key,
    keyBytes: key.flatMap(({ type }, field) => (field === position ? [] : [{ field, type }])),
    *rows(entries) {
      for (const { bucket, table, slots } of loadedTables(make(), entries)) {
        const columns: Column[] = [...table.keys.columns(slots)]
        if (position !== undefined && math !== undefined) {
          columns.splice(position, 0, constantWindow(bucket, math.paneMicros, slots.length))
        }
        const children = table.accumulators.map((accumulator) => accumulator.finish(slots))
        const value: Column = { layout: 'struct', children }
        yield { rowCount: slots.length, key: columns, columns: [value] }
      }
    },
  }
}
