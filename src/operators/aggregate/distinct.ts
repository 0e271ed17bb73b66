import { columnOf } from '../../batch/build.ts'
import { valueAt } from '../../batch/read.ts'
import type { Value } from '../../batch/value.ts'
import { type AggregateCall, isOrdered } from '../../expr/aggregates.ts'
import type { Accumulator } from './accumulator.ts'
import type { Folding } from './folding.ts'
import { type Key, valueKeys } from './value-keys.ts'

/** The distinct values of a group, in the order in which they first came. */
export interface Distinct {
  /** With epoch and position of the first row where that is known and matters. */
  readonly keys: Map<Key, readonly [number, number] | undefined>
  bytes: number
}

/**
 * An aggregate over the distinct combinations of its arguments, those with a NULL apart. Exact: a group
 * keeps every distinct value, so its state grows with them; merging unites the sets.
 */
export function distinctFolding(
  call: AggregateCall,
  make: (call: AggregateCall) => Accumulator,
): Folding<Distinct> {
  const types = call.args.map((arg) => arg.type)
  const keys = valueKeys(types)
  const keepsOrder = isOrdered(call)
  const { distinct: _, ...plain } = call
  const add = (state: Distinct, key: Key, came: readonly [number, number] | undefined): void => {
    state.keys.set(key, came)
    state.bytes += keys.byteLength(key) + (came === undefined ? 0 : 48)
  }
  return {
    zero: () => ({ keys: new Map(), bytes: 48 }),
    adder({ args, arrival }) {
      const keyOf = keys.reader(args)
      return (state, row) => {
        const key = keyOf(row)
        if (key === undefined || state.keys.has(key)) return state
        const came =
          keepsOrder && arrival ? ([arrival.epoch, arrival.first + row] as const) : undefined
        add(state, key, came)
        return state
      }
    },
    merge(into, from) {
      let isSorted = true
      for (const [key, came] of from.keys) {
        const known = into.keys.get(key)
        if (!into.keys.has(key)) add(into, key, came)
        else if (came === undefined || known === undefined || !isBefore(came, known)) continue
        else into.keys.set(key, came)
        if (came !== undefined) isSorted = false
      }
      return isSorted ? into : { ...into, keys: sorted(into.keys) }
    },
    finish({ keys: found }) {
      if (call.name === 'count') return BigInt(found.size)
      const rows = Array.from(found.keys(), keys.values)
      const columns = types.map((type, index) =>
        columnOf(
          type,
          rows.map((row): Value => row[index] ?? null),
        ),
      )
      const accumulator = make(plain)
      accumulator.resize(1)
      accumulator.update(new Int32Array(rows.length), undefined, rows.length, columns)
      return valueAt(accumulator.finish(Int32Array.of(0)), call.type, 0)
    },
    encode(state, writer) {
      writer.u32(state.keys.size)
      // A loop over the entries would make an array of each.
      state.keys.forEach((came, key) => {
        keys.encode(key, writer)
        writer.byte(came === undefined ? 0 : 1)
        if (came === undefined) return
        writer.f64(came[0])
        writer.f64(came[1])
      })
    },
    decode(reader) {
      const state: Distinct = { keys: new Map(), bytes: 48 }
      for (let left = reader.u32(); left > 0; left--) {
        const key = keys.decode(reader)
        add(state, key, reader.byte() === 0 ? undefined : [reader.f64(), reader.f64()])
      }
      return state
    },
    byteLength: (state) => state.bytes,
  }
}

function isBefore(left: readonly [number, number], right: readonly [number, number]): boolean {
  return left[0] === right[0] ? left[1] < right[1] : left[0] < right[0]
}

function sorted(keys: Distinct['keys']): Distinct['keys'] {
  const entries = [...keys].sort(([, left = [0, 0]], [, right = [0, 0]]) =>
    isBefore(left, right) ? -1 : 1,
  )
  return new Map(entries)
}
