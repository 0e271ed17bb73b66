import { compareBytes } from '../../state/byte-order.ts'
import type { Change, Entry } from '../../state/store.ts'

/** A sorted array that answers like a `StateStore`, and is too simple to be wrong. */
export interface StoreModel {
  get(key: Uint8Array): Uint8Array | undefined
  write(changes: readonly Change[]): void
  scan(from: Uint8Array, to: Uint8Array | undefined): readonly Entry[]
  /** A model of its own with the same entries. */
  copy(): StoreModel
}

/** A model that begins with the given entries. */
export function storeModel(start: readonly Entry[] = []): StoreModel {
  let entries = [...start]
  return {
    get: (key) => entries.find(([known]) => compareBytes(known, key) === 0)?.[1],
    write(changes) {
      for (const [key, value] of changes) {
        entries = entries.filter(([known]) => compareBytes(known, key) !== 0)
        if (value !== undefined) entries.push([key, value])
      }
      entries.sort(([left], [right]) => compareBytes(left, right))
    },
    scan: (from, to) =>
      entries.filter(
        ([key]) => compareBytes(key, from) >= 0 && (to === undefined || compareBytes(key, to) < 0),
      ),
    copy: () => storeModel(entries),
  }
}
