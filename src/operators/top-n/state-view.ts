import { type ColumnBuilder, columnBuilder } from '../../batch/build.ts'
import { intType, type Schema } from '../../batch/schema.ts'
import type { StateContext } from '../context.ts'
import {
  loadedTables,
  nullable,
  plainKey,
  type StateField,
  type StateView,
  valueColumn,
} from '../state/state-view.ts'
import { RankedRecords } from './ranked-record.ts'
import { listLimitOf, type TopNSpec } from './spec.ts'
import { rankedLists } from './top-n.ts'

/** What the lists of a ranking are made of. Plain data, kept in every manifest. */
export interface TopNLayout
  extends Pick<TopNSpec, 'mode' | 'timeColumn' | 'order' | 'identity' | 'watermarkShift'> {
  readonly kind: 'topN'
  readonly keys: readonly StateField[]
  readonly row: Schema
  readonly limit: number
}

/** Keys are named as the columns that they are, others by number. */
export function topNLayout(spec: TopNSpec): TopNLayout {
  const { mode, timeColumn, order, identity, watermarkShift, kept, output } = spec
  const row = output.slice(0, -1)
  return {
    kind: 'topN',
    mode,
    ...(timeColumn === undefined ? {} : { timeColumn }),
    order,
    ...(identity === undefined ? {} : { identity }),
    watermarkShift,
    keys: spec.keys.map(({ column, type }, index) => {
      return { name: (column < kept ? row[column]?.name : undefined) ?? `key${index}`, type }
    }),
    row,
    limit: listLimitOf(spec),
  }
}

/** The best rows of each partition, a row each, best first. A ranking of changing rows keeps more than it gives out. */
export function topNView(layout: TopNLayout, context: StateContext): StateView {
  const { keys, row, limit } = layout
  const numberField = { name: 'row_number', type: intType, nullable: false }
  const spec = { ...layout, operator: '', kept: row.length, output: [...row, numberField] }
  const rankSpec = { ...spec, keys: keys.map(({ type }) => ({ column: 0, type })) }
  const records = new RankedRecords(rankSpec)
  const make = () => rankedLists(rankSpec, limit, records, context)
  const form = make()
  return {
    key: nullable(keys),
    columns: valueColumn([
      { name: 'row_number', type: intType },
      { name: 'row', type: { kind: 'struct', fields: row } },
    ]),
    keyOf: (stateKey) => form.readKey(stateKey)?.key,
    keyBytes: plainKey(keys),
    *rows(entries) {
      for (const { table, slots } of loadedTables(make(), entries)) {
        const builders: readonly ColumnBuilder[] = row.map(({ type }) => columnBuilder(type))
        const owners: number[] = []
        const numbers: number[] = []
        for (const slot of slots) {
          const count = table.kept.counts[slot] ?? 0
          for (let place = 0; place < count; place++) {
            const { page, at } = table.kept.placeAt(slot, place)
            records.codec.decode(page, records.rowAt(page, at), builders)
            owners.push(slot)
            numbers.push(place + 1)
          }
        }
        const children = builders.map((builder) => builder.finish())
        yield {
          rowCount: owners.length,
          key: table.keys.columns(Int32Array.from(owners)),
          columns: [
            {
              layout: 'struct',
              children: [
                { layout: 'i32', values: Int32Array.from(numbers) },
                { layout: 'struct', children },
              ],
            },
          ],
        }
      }
    },
  }
}
