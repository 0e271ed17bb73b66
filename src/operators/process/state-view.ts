import type { Entry } from '../../../state/store.ts'
import { batchOf } from '../../batch/build.ts'
import { KeyReader } from '../../batch/key-codec.ts'
import { type DataType, type Schema, timestampType } from '../../batch/schema.ts'
import type { Value } from '../../batch/value.ts'
import { ByteReader } from '../../batch/value-codec.ts'
import { StreamError } from '../../core/error.ts'
import {
  nullable,
  plainKey,
  type StateChoice,
  type StateField,
  type StateView,
  timesOrNever,
  valueColumn,
} from '../state/state-view.ts'
import { decodeHead, emptyHead, type KeyHead } from './key-head.ts'
import { decodeElement, type Element, elementOf } from './key-state.ts'
import { entryPart } from './process-state.ts'
import { SlotBytes } from './slot-bytes.ts'
import type { ProcessSpec } from './spec.ts'
import { mapKeyType, shownType, shownValue } from './state-codec.ts'
import type { KeptVariable, StateShape } from './state-shape.ts'

/** What the state of a stateful program is made of, beside its `StateShape`. Kept in every manifest. */
export interface ProcessLayout {
  readonly kind: 'process'
  readonly keys: readonly StateField[]
}

export function processLayout({ keys }: ProcessSpec): ProcessLayout {
  return { kind: 'process', keys: keys.map(({ name, type }) => ({ name, type })) }
}

/** Everything of one key. */
interface KeyParts {
  readonly key: readonly Value[]
  head: KeyHead
  /** By variable: elements by number. */
  readonly elements: Map<number, [number, Element][]>
}

/** How a choice is shown: its columns, and what each key gives. */
interface Shown {
  readonly columns: Schema
  rowsOf(parts: KeyParts): Iterable<readonly Value[]>
}

/**
 * A row per key with all its variables and timers; or one variable, or the timers, in the columns that
 * Spark gives them. Values that are over by their time to live are there until they are removed.
 */
export function processView(
  layout: ProcessLayout,
  shape: StateShape,
  choice: StateChoice,
): StateView {
  const types = layout.keys.map(({ type }) => type)
  const shown = shownOf(shape, choice)
  const schema: Schema = [...nullable(layout.keys), ...shown.columns]
  return {
    key: nullable(layout.keys),
    columns: shown.columns,
    keyOf: (stateKey) => entryPart(stateKey, types)?.group,
    keyBytes: plainKey(layout.keys),
    belongTogether(left, right) {
      const [one, other] = [entryPart(left, types), entryPart(right, types)]
      return one !== undefined && other !== undefined && sameBytes(one.group, other.group)
    },
    *rows(entries) {
      const rows: (readonly Value[])[] = []
      for (const parts of keysOf(entries, types)) {
        for (const row of shown.rowsOf(parts)) rows.push([...parts.key, ...row])
      }
      if (rows.length === 0) return
      const { columns } = batchOf(schema, rows)
      yield {
        rowCount: rows.length,
        key: columns.slice(0, types.length),
        columns: columns.slice(types.length),
      }
    },
  }
}

/** The keys of some entries; all entries of a key are among them, one behind the other. */
function* keysOf(entries: readonly Entry[], types: readonly DataType[]): Iterable<KeyParts> {
  const slot = new SlotBytes()
  let group: Uint8Array | undefined
  let parts: KeyParts | undefined
  for (const [stateKey, value] of entries) {
    const entry = entryPart(stateKey, types)
    if (entry === undefined) continue
    if (parts === undefined || group === undefined || !sameBytes(group, entry.group)) {
      if (parts !== undefined) yield parts
      const reader = new KeyReader(entry.group)
      const key = types.map((type) => reader.read(type))
      group = entry.group
      parts = { key, head: emptyHead(), elements: new Map() }
    }
    slot.decode(0, new ByteReader(value))
    const bytes = slot.bytesAt(0)
    if (entry.part.length === 0) parts.head = decodeHead(bytes)
    const element = elementOf(entry.part)
    if (element === undefined) continue
    const known = parts.elements.get(element.variable) ?? []
    known.push([element.index, decodeElement(bytes)])
    parts.elements.set(element.variable, known)
  }
  if (parts !== undefined) yield parts
}

function shownOf(shape: StateShape, choice: StateChoice): Shown {
  if (choice.timers) return shownTimers
  if (choice.variable === undefined) return wholeKey(shape)
  const variable = shape.variables.find(({ name }) => name === choice.variable)
  if (variable !== undefined) return shownVariable(variable, choice.flatten)
  throw new StreamError('CONFIG_INVALID', {
    option: 'stateVarName',
    value: choice.variable,
    expected: `one of ${shape.variables.map(({ name }) => name).join(', ') || 'no variable'}`,
  })
}

const shownTimers: Shown = {
  columns: nullable([{ name: 'expiration_timestamp', type: timestampType }]),
  rowsOf: ({ head }) => head.timers.map((time) => [time]),
}

function wholeKey({ variables }: StateShape): Shown {
  const timers: StateField = {
    name: 'timers',
    type: { kind: 'array', element: timestampType, containsNull: false },
  }
  return {
    columns: valueColumn([
      ...variables.map((variable) => ({ name: variable.name, type: wholeType(variable) })),
      timers,
    ]),
    *rowsOf(parts) {
      const known = variables.map((variable) => wholeValue(variable, parts))
      // A key whose last variable went with an older program has nothing to show.
      if (known.every((value) => value === null) && parts.head.timers.length === 0) return
      yield [[...known, parts.head.timers]]
    },
  }
}

function wholeType(variable: KeptVariable): DataType {
  const type = shownType(variable)
  if (variable.kind === 'value') return type
  if (variable.kind === 'list') return { kind: 'array', element: type, containsNull: false }
  return { kind: 'map', key: mapKeyType(variable), value: type, valueContainsNull: false }
}

/** NULL where the key has nothing of the variable. */
function wholeValue(variable: KeptVariable, parts: KeyParts): Value {
  if (variable.kind === 'value') {
    const cell = parts.head.values.get(variable.id)
    return cell === undefined ? null : shownValue(variable, cell.bytes)
  }
  const elements = elementsOf(variable, parts)
  if (elements.length === 0) return null
  if (variable.kind === 'list') return elements.map(({ value }) => shownValue(variable, value))
  return { entries: elements.map((element) => entryOf(variable, element)) }
}

function entryOf(variable: KeptVariable, { key, value }: Element): readonly [Value, Value] {
  return [new KeyReader(key).read(mapKeyType(variable)), shownValue(variable, value)]
}

/** The elements of a list in their order, or of a map in that in which they were put. */
function elementsOf({ id, kind }: KeptVariable, { head, elements }: KeyParts): readonly Element[] {
  const range = (kind === 'list' ? head.lists : head.maps).get(id)
  if (range === undefined) return []
  return (elements.get(id) ?? [])
    .filter(([index]) => index >= range.start && index < range.next)
    .sort(([left], [right]) => left - right)
    .map(([, element]) => element)
}

/** One variable in the columns that Spark gives it; with a time to live, also when it ends. */
function shownVariable(variable: KeptVariable, flatten: boolean): Shown {
  const type = shownType(variable)
  const hasTtl = variable.ttlMicros !== undefined
  const ttl: readonly StateField[] = hasTtl ? [{ name: 'ttl_expiration', type: timestampType }] : []
  const ends = (expiry: number): Value[] => (hasTtl ? timesOrNever([expiry]) : [])
  if (variable.kind === 'value') {
    return {
      columns: valueColumn([{ name: 'value', type }, ...ttl]),
      *rowsOf({ head }) {
        const cell = head.values.get(variable.id)
        if (cell !== undefined) yield [[shownValue(variable, cell.bytes), ...ends(cell.expiry)]]
      },
    }
  }
  if (!flatten) {
    const name = variable.kind === 'list' ? 'list_value' : 'map_value'
    return {
      columns: nullable([{ name, type: wholeType(variable) }]),
      *rowsOf(parts) {
        const value = wholeValue(variable, parts)
        if (value !== null) yield [value]
      },
    }
  }
  if (variable.kind === 'list') {
    return {
      columns: nullable([{ name: 'list_element', type }, ...ttl]),
      rowsOf: (parts) =>
        elementsOf(variable, parts).map(({ value, expiry }) => [
          shownValue(variable, value),
          ...ends(expiry),
        ]),
    }
  }
  return {
    columns: nullable([
      { name: 'user_map_key', type: mapKeyType(variable) },
      { name: 'user_map_value', type },
      ...ttl,
    ]),
    rowsOf: (parts) =>
      elementsOf(variable, parts).map((element) => [
        ...entryOf(variable, element),
        ...ends(element.expiry),
      ]),
  }
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index])
}
