import { StreamError } from '../../core/error.ts'
import type { ListState, MapState, ValueState } from '../../flow/stateful-processor.ts'
import type { ElementRange } from './key-head.ts'
import type { Current, StateScope, VariableParts } from './scope.ts'

const never = Number.POSITIVE_INFINITY
const noKey = new Uint8Array(0)

/** What a handler that runs has of one variable. */
interface Here {
  readonly id: number
  readonly parts: VariableParts
  readonly current: Current
}

function here(scope: StateScope, name: string, use: string): Here {
  const current = scope.require(`${name}.${use}`)
  const parts = current.variables.get(name)
  if (parts === undefined) throw new StreamError('STATE_ACCESS_INVALID', { what: name })
  return { current, parts, id: parts.variable.id }
}

/** The value variable of whatever key is current. */
export function valueVariable(scope: StateScope, name: string): ValueState<unknown> {
  const bytesOf = ({ id, current: { state, now } }: Here): Uint8Array | undefined => {
    const found = state.head.values.get(id)
    return found === undefined || found.expiry <= now ? undefined : found.bytes
  }
  return {
    exists: () => bytesOf(here(scope, name, 'exists')) !== undefined,
    get() {
      const at = here(scope, name, 'get')
      const bytes = bytesOf(at)
      return bytes === undefined ? undefined : at.parts.codec.decode(bytes)
    },
    update(value) {
      const { id, parts, current } = here(scope, name, 'update')
      const expiry = current.writtenAt + parts.ttl
      current.state.head.values.set(id, { bytes: parts.codec.encode(value), expiry })
      current.state.changed()
    },
    clear() {
      const { id, current } = here(scope, name, 'clear')
      if (current.state.head.values.delete(id)) current.state.changed()
    },
  }
}

/** The list variable of whatever key is current. */
export function listVariable(scope: StateScope, name: string): ListState<unknown> {
  const at = (use: string): Here => here(scope, name, use)
  return {
    exists: () => isAny(seenElements(at('exists'))),
    get() {
      const place = at('get')
      return [...seenElements(place)].map((bytes) => place.parts.codec.decode(bytes))
    },
    put(values) {
      const place = at('put')
      // Read first: the new values may be made from the old ones.
      const all = [...values]
      clearList(place)
      appendElements(place, all)
    },
    append: (value) => appendElements(at('append'), [value]),
    appendAll: (values) => appendElements(at('appendAll'), [...values]),
    clear: () => clearList(at('clear')),
  }
}

/** The map variable of whatever key is current. */
export function mapVariable(scope: StateScope, name: string): MapState<unknown, unknown> {
  const at = (use: string): Here => here(scope, name, use)
  const all = (use: string) => {
    const place = at(use)
    const { codec, keys } = place.parts
    return { codec, keys, entries: [...seenEntries(place)] }
  }
  return {
    exists: () => isAny(seenEntries(at('exists'))),
    get(key) {
      const place = at('get')
      const bytes = entryOf(place, key)
      return bytes === undefined ? undefined : place.parts.codec.decode(bytes)
    },
    has: (key) => entryOf(at('has'), key) !== undefined,
    put(key, value) {
      const { parts, current } = at('put')
      putEntry(parts, current, parts.keys.encode(key), parts.codec.encode(value))
    },
    delete(key) {
      const { id, parts, current } = at('delete')
      const bytes = parts.keys.encode(key)
      const index = current.state.indexOf(id, bytes)
      if (index !== undefined) removeEntry(current, id, index, bytes)
    },
    entries() {
      const { codec, keys, entries } = all('entries')
      return entries.map(([key, value]) => [keys.decode(key), codec.decode(value)] as const)
    },
    keys() {
      const { keys, entries } = all('keys')
      return entries.map(([key]) => keys.decode(key))
    },
    values() {
      const { codec, entries } = all('values')
      return entries.map(([, value]) => codec.decode(value))
    },
    clear: () => clearMap(at('clear')),
  }
}

function* seenElements({ id, current: { state, now } }: Here): Iterable<Uint8Array> {
  const range = state.head.lists.get(id)
  if (range === undefined) return
  for (const [, { value, expiry }] of state.elements(id, range)) if (expiry > now) yield value
}

function appendElements({ id, parts, current }: Here, values: readonly unknown[]): void {
  const { state, writtenAt } = current
  const expiry = writtenAt + parts.ttl
  for (const value of values) {
    const encoded = parts.codec.encode(value)
    const range = rangeOf(state.head.lists, id)
    state.putElement(id, range.next++, { value: encoded, expiry, key: noKey })
    noteAdded(range, expiry)
    state.changed()
    if (range.count <= parts.cap) continue
    // What is over goes before what is not.
    sweepRange(current, id, state.head.lists)
    while (range.count > parts.cap) removeFirst(current, id, range)
  }
}

function clearList({ id, current: { state } }: Here): void {
  const range = state.head.lists.get(id)
  if (range === undefined) return
  for (let index = range.start; index < range.next; index++) state.removeElement(id, index)
  state.head.lists.delete(id)
  state.changed()
}

function entryOf({ id, parts, current }: Here, key: unknown): Uint8Array | undefined {
  const { state, now } = current
  const bytes = parts.keys.encode(key)
  const index = state.head.maps.has(id) ? state.indexOf(id, bytes) : undefined
  const element = index === undefined ? undefined : state.element(id, index)
  return element === undefined || element.expiry <= now ? undefined : element.value
}

function* seenEntries({
  id,
  current: { state, now },
}: Here): Iterable<readonly [Uint8Array, Uint8Array]> {
  const range = state.head.maps.get(id)
  if (range === undefined) return
  for (const [, { key, value, expiry }] of state.elements(id, range)) {
    if (expiry > now) yield [key, value]
  }
}

function clearMap({ id, current: { state } }: Here): void {
  const range = state.head.maps.get(id)
  if (range === undefined) return
  for (const [index, { key }] of state.elements(id, range)) {
    state.removeElement(id, index)
    state.removeIndex(id, key)
  }
  state.head.maps.delete(id)
  state.changed()
}

/** Removes the elements that are over; only the first ones are looked at while they are over in order. */
export function sweepRange(
  current: Current,
  variable: number,
  ranges: Map<number, ElementRange>,
): void {
  const range = ranges.get(variable)
  if (range === undefined || range.expiry > current.now) return
  const { state, now } = current
  const isSorted = !Number.isNaN(range.last)
  let first: number | undefined
  range.expiry = never
  for (let index = range.start; index < range.next; index++) {
    const element = state.element(variable, index)
    if (element === undefined) continue
    if (element.expiry > now) {
      first ??= index
      range.expiry = Math.min(range.expiry, element.expiry)
      if (isSorted) break
      continue
    }
    state.removeElement(variable, index)
    if (ranges === state.head.maps) state.removeIndex(variable, element.key)
    range.count--
    current.count('numValuesRemovedDueToTTLExpiry')
  }
  range.start = first ?? range.next
  if (range.count === 0) ranges.delete(variable)
  state.changed()
}

function putEntry(
  { variable, ttl, cap }: VariableParts,
  current: Current,
  key: Uint8Array,
  value: Uint8Array,
): void {
  const { id, name } = variable
  const { state, writtenAt } = current
  const expiry = writtenAt + ttl
  sweepRange(current, id, state.head.maps)
  const index = state.indexOf(id, key)
  const before = index === undefined ? undefined : state.element(id, index)
  if (index !== undefined && before?.expiry === never && expiry === never) {
    state.putElement(id, index, { value, expiry, key })
    return
  }
  // What lives anew goes to the end, so that what is over is found at the front.
  if (index !== undefined) removeEntry(current, id, index, key)
  const range = rangeOf(state.head.maps, id)
  if (range.count >= cap) throw new StreamError('STATE_CAP_EXCEEDED', { variable: name, cap })
  state.putElement(id, range.next, { value, expiry, key })
  state.setIndex(id, key, range.next)
  range.next++
  noteAdded(range, expiry)
  state.changed()
  if (range.next - range.start > 2 * range.count + 64) closeGaps(current, id, range)
}

function removeEntry({ state }: Current, variable: number, index: number, key: Uint8Array): void {
  const range = state.head.maps.get(variable)
  if (range === undefined) return
  state.removeElement(variable, index)
  state.removeIndex(variable, key)
  range.count--
  if (range.count === 0) state.head.maps.delete(variable)
  state.changed()
}

/** Numbers the entries of a map without gaps. */
function closeGaps({ state }: Current, variable: number, range: ElementRange): void {
  let to = range.start
  for (const [index, element] of state.elements(variable, { ...range })) {
    if (index !== to) {
      state.putElement(variable, to, element)
      state.setIndex(variable, element.key, to)
      state.removeElement(variable, index)
    }
    to++
  }
  range.next = to
}

function removeFirst({ state }: Current, variable: number, range: ElementRange): void {
  while (state.element(variable, range.start) === undefined) range.start++
  state.removeElement(variable, range.start++)
  range.count--
}

function noteAdded(range: ElementRange, expiry: number): void {
  range.count++
  range.expiry = Math.min(range.expiry, expiry)
  range.last = expiry >= range.last ? expiry : Number.NaN
}

function rangeOf(ranges: Map<number, ElementRange>, variable: number): ElementRange {
  const known = ranges.get(variable)
  if (known !== undefined) return known
  const made = { start: 0, next: 0, count: 0, expiry: never, last: Number.NEGATIVE_INFINITY }
  ranges.set(variable, made)
  return made
}

function isAny(items: Iterable<unknown>): boolean {
  for (const _ of items) return true
  return false
}
