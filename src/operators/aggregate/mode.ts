import { compareValues } from '../../batch/compare.ts'
import type { DataType } from '../../batch/schema.ts'
import type { Value } from '../../batch/value.ts'
import type { Folding } from './folding.ts'
import { type Key, valueKeys } from './value-keys.ts'

/** How often each value of a group came. */
export interface Counted {
  readonly counts: Map<Key, number>
  bytes: number
}

/** `mode`: the value that came most often, the smallest of several. Keeps every distinct value with its count. */
export function modeFolding(type: DataType): Folding<Counted> {
  const keys = valueKeys([type])
  const add = (state: Counted, key: Key, count: number): Counted => {
    const known = state.counts.get(key)
    state.counts.set(key, (known ?? 0) + count)
    if (known === undefined) state.bytes += keys.byteLength(key)
    return state
  }
  const asValue = (key: Key): Value => keys.values(key)[0] ?? null
  return {
    zero: () => ({ counts: new Map(), bytes: 48 }),
    adder({ args }) {
      const keyOf = keys.reader(args)
      return (state, row) => {
        const key = keyOf(row)
        return key === undefined ? state : add(state, key, 1)
      }
    },
    merge(into, from) {
      for (const [key, count] of from.counts) add(into, key, count)
      return into
    },
    finish({ counts }) {
      let best: Value = null
      let most = 0
      for (const [key, count] of counts) {
        if (count < most) continue
        const value = asValue(key)
        if (count > most || compareValues(type, value, best) < 0) best = value
        most = count
      }
      return best
    },
    encode({ counts }, writer) {
      writer.u32(counts.size)
      for (const [key, count] of counts) {
        keys.encode(key, writer)
        writer.f64(count)
      }
    },
    decode(reader) {
      const state: Counted = { counts: new Map(), bytes: 48 }
      for (let left = reader.u32(); left > 0; left--) add(state, keys.decode(reader), reader.f64())
      return state
    },
    byteLength: ({ bytes }) => bytes,
  }
}
