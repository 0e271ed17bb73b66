import type { Column } from '../../batch/batch.ts'
import { columnBuilder, columnOf } from '../../batch/build.ts'
import { rowCodec } from '../../batch/row-codec.ts'
import {
  booleanType,
  type DataType,
  type Schema,
  stringType,
  timestampType,
} from '../../batch/schema.ts'
import type { StateContext } from '../context.ts'
import {
  loadedTables,
  nullable,
  plainKey,
  type StateField,
  type StateView,
  timesOrNever,
  valueColumn,
} from '../state/state-view.ts'
import type { AsofJoinSpec } from './asof-join.ts'
import { JoinBuckets } from './join-buckets.ts'
import type { JoinTable } from './join-table.ts'
import type { JoinSpec } from './spec.ts'

/** What the rows of both sides in state are made of. Plain data, kept in every manifest. */
interface SidesLayout extends Pick<JoinSpec, 'watermarkShift'> {
  readonly keys: readonly StateField[]
  readonly left: Schema
  readonly right: Schema
}

/** What the state of a join of streams is made of. */
export interface JoinLayout extends SidesLayout {
  readonly kind: 'join'
}

/** What the state of an as-of join of streams is made of. */
export interface AsofJoinLayout extends SidesLayout {
  readonly kind: 'asofJoin'
}

export function joinLayout(spec: JoinSpec): JoinLayout {
  return { kind: 'join', ...sidesLayout(spec) }
}

export function asofJoinLayout(spec: AsofJoinSpec): AsofJoinLayout {
  return { kind: 'asofJoin', ...sidesLayout(spec) }
}

/** Keys are named as the left columns that they are, others by number. */
function sidesLayout({
  keyTypes,
  left,
  pairs,
  watermarkShift,
}: JoinSpec | AsofJoinSpec): SidesLayout {
  return {
    keys: keyTypes.map((type, index) => {
      const column = pairs.left[left.keys[index] ?? -1]
      return { name: column?.name ?? `key${index}`, type }
    }),
    left: pairs.left,
    right: pairs.right,
    watermarkShift,
  }
}

const sideNames = ['left', 'right'] as const

/**
 * The rows that wait for partners, with whether they had one and the watermark at which they are
 * forgotten (NULL = never): of one side in a struct `row`, or of both sides in `left` and `right`.
 */
export function joinView(
  layout: JoinLayout,
  context: StateContext,
  side?: 'left' | 'right',
): StateView {
  return sidesView(layout, context, side, ['matched', 'expires_at'])
}

/**
 * The rows that the watermark has not reached, and of each key the newest right row that it has passed,
 * which is marked: with the watermark at which the row is looked at next (NULL = never).
 */
export function asofJoinView(
  layout: AsofJoinLayout,
  context: StateContext,
  side?: 'left' | 'right',
): StateView {
  return sidesView(layout, context, side, ['is_newest', 'due_at'])
}

function sidesView(
  layout: SidesLayout,
  context: StateContext,
  side: 'left' | 'right' | undefined,
  [mark, due]: readonly [string, string],
): StateView {
  const spec = { ...layout, operator: '', keyTypes: layout.keys.map(({ type }) => type) }
  const form = new JoinBuckets(spec, context)
  const shown = side === undefined ? sideNames : [side]
  const rowTypes = shown.map(
    (name): StateField => ({
      name: side === undefined ? name : 'row',
      type: { kind: 'struct', fields: layout[name] },
    }),
  )
  const about: readonly StateField[] = [
    { name: mark, type: booleanType },
    { name: due, type: timestampType },
  ]
  const sideField: readonly StateField[] =
    side === undefined ? [{ name: 'side', type: stringType }] : []
  return {
    key: nullable(layout.keys),
    columns: valueColumn([...sideField, ...rowTypes, ...about]),
    keyOf: (stateKey) => form.readKey(stateKey)?.key,
    keyBytes: plainKey(layout.keys),
    *rows(entries) {
      for (const { table, slots: all } of loadedTables(new JoinBuckets(spec, context), entries)) {
        const slots = all.filter((slot) => shown.some((name) => name === sideOf(table, slot)))
        const times = Array.from(slots, (slot) => table.dueOf(slot))
        const matched = Array.from(slots, (slot) => table.rows.isMatched(slot))
        const children: Column[] = [
          ...sideField.map(() =>
            columnOf(
              stringType,
              Array.from(slots, (slot) => sideOf(table, slot)),
            ),
          ),
          ...shown.map((name) => rowColumn(table, slots, name, layout[name])),
          columnOf(booleanType, matched),
          columnOf(timestampType, timesOrNever(times)),
        ]
        yield {
          rowCount: slots.length,
          key: table.keys.columns(slots),
          columns: [{ layout: 'struct', children }],
        }
      }
    },
  }
}

function sideOf(table: JoinTable, slot: number): 'left' | 'right' {
  return table.index.sides[slot] === 0 ? 'left' : 'right'
}

/** The rows of one side; NULL for those of the other. */
function rowColumn(
  table: JoinTable,
  slots: Int32Array,
  side: 'left' | 'right',
  schema: Schema,
): Column {
  const types: readonly DataType[] = schema.map(({ type }) => type)
  const codec = rowCodec(types)
  const builders = types.map(columnBuilder)
  const present = new Uint8Array((slots.length + 7) >> 3)
  slots.forEach((slot, row) => {
    if (sideOf(table, slot) !== side) {
      for (const builder of builders) builder.appendNull()
      return
    }
    present[row >> 3] = (present[row >> 3] as number) | (1 << (row & 7))
    table.rows.decodeRow(slot, codec, builders)
  })
  return {
    layout: 'struct',
    children: builders.map((builder) => builder.finish()),
    validity: present,
  }
}
