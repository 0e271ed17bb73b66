import { packEntries, unpackEntries } from '../../state/entry-block.ts'
import type { FrozenState } from '../../state/frozen.ts'
import type { HotTable, OperatorState } from '../../state/operator-state.ts'
import type { Change } from '../../state/store.ts'

interface Slot {
  readonly id: number
  readonly key: Uint8Array
  value: Uint8Array | undefined
  epoch: number
}

/** The plainest table that keeps the promises of `HotTable`, with text keys and values. */
export interface MapTable extends HotTable {
  openEpoch(epoch: number): void
  set(key: string, value: string | undefined): void
  /** The table first, then the store behind it, as an operator looks keys up. */
  get(key: string): Promise<string | undefined>
  freeze(): FrozenState
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

export function mapTable(state: OperatorState, shard: number): MapTable {
  const slots = new Map<string, Slot>()
  let nextId = 1
  let epoch = -1
  let dirty = new Set<string>()
  let waiting = 0
  const put = (key: string, value: Uint8Array | undefined, stamp: number): void => {
    const known = slots.get(key)
    if (value === undefined && !state.hasCold(shard)) slots.delete(key)
    else if (known === undefined) {
      slots.set(key, { id: nextId++, key: utf8(key), value, epoch: stamp })
    } else {
      known.value = value
      known.epoch = stamp
    }
  }
  let givenAt = epoch
  const isOld = (slot: Slot): boolean => slot.epoch < givenAt - 1
  return {
    openEpoch(next) {
      epoch = next
    },
    set(key, value) {
      put(key, value === undefined ? undefined : utf8(value), epoch)
      dirty.add(key)
    },
    async get(key) {
      const slot = slots.get(key)
      if (slot !== undefined) return slot.value === undefined ? undefined : text(slot.value)
      if (!state.hasCold(shard)) return undefined
      waiting++
      const [value] = await state.getMany(shard, [utf8(key)])
      waiting--
      return value === undefined ? undefined : text(value)
    },
    freeze() {
      const changes = [...dirty].map((key): Change => [utf8(key), slots.get(key)?.value])
      dirty = new Set()
      const { operator } = state
      return { operator, shard, changeCount: changes.length, encode: () => packEntries(changes) }
    },
    byteLength() {
      let sum = 0
      for (const { key, value } of slots.values()) sum += key.length + (value?.length ?? 0)
      return sum
    },
    load(block) {
      // Restored entries are as old as can be.
      for (const [key, value] of unpackEntries(block)) {
        if (value === undefined) slots.delete(text(key))
        else put(text(key), value, -9)
      }
    },
    dump(cursor, maxBytes) {
      const changes: Change[] = []
      let bytes = 0
      for (const { id, key, value } of slots.values()) {
        if (id < cursor) continue
        if (bytes >= maxBytes) return { block: packEntries(changes), cursor: id }
        changes.push([key, value])
        bytes += key.length + (value?.length ?? 0)
      }
      return { block: packEntries(changes), cursor: undefined }
    },
    cold(maxBytes) {
      givenAt = epoch
      const changes: Change[] = []
      let bytes = 0
      for (const slot of slots.values()) {
        if (bytes >= maxBytes) break
        if (!isOld(slot)) continue
        changes.push([slot.key, slot.value])
        bytes += slot.key.length + (slot.value?.length ?? 0)
      }
      return packEntries(changes)
    },
    forget(block) {
      if (waiting > 0) return
      for (const [key] of unpackEntries(block)) {
        const slot = slots.get(text(key))
        if (slot !== undefined && isOld(slot)) slots.delete(text(key))
      }
    },
  }
}
