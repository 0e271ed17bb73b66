import { fromEdge, toEdge } from '../../batch/edge-row.ts'
import { valueAt } from '../../batch/read.ts'
import { reasonOf, StreamError } from '../../core/error.ts'
import type { AggregateCall, Aggregator } from '../../expr/aggregates.ts'
import { packUserValue, unpackUserValue } from '../user-state-codec.ts'
import type { Folding } from './folding.ts'

/** What a group of a user's aggregate keeps. */
export interface UserBuffer {
  readonly buffer: unknown
  readonly isZero: boolean
}

/** Carries out a user's aggregate; values have the form that they have in rows. */
export function userFolding(call: AggregateCall, aggregator: Aggregator): Folding<UserBuffer> {
  const types = call.args.map((arg) => arg.type)
  const guarded = <T>(run: () => T): T => {
    try {
      return run()
    } catch (cause) {
      const { name } = aggregator
      throw new StreamError('USER_FUNCTION_FAILED', { name, why: reasonOf(cause) }, { cause })
    }
  }
  const copyOf = (buffer: unknown): unknown => unpackUserValue(packUserValue(buffer))
  return {
    zero: () => ({ buffer: guarded(() => aggregator.zero()), isZero: true }),
    adder({ args }) {
      return ({ buffer }, row) => {
        const values = types.map((type, index) => {
          const column = args[index]
          return toEdge(type, column === undefined ? null : valueAt(column, type, row))
        })
        return { buffer: guarded(() => aggregator.reduce(buffer, ...values)), isZero: false }
      }
    },
    merge(into, from) {
      if (from.isZero) return into
      // What a merge returns may be part of either side, and `from` has to stay as it is.
      const other = copyOf(from.buffer)
      if (into.isZero) return { buffer: other, isZero: false }
      return { buffer: guarded(() => aggregator.merge(into.buffer, other)), isZero: false }
    },
    finish: ({ buffer }) =>
      fromEdge(
        call.type,
        guarded(() => aggregator.finish(buffer)),
      ),
    encode({ buffer, isZero }, writer) {
      const bytes = packUserValue(buffer)
      writer.byte(isZero ? 1 : 0)
      writer.u32(bytes.length)
      writer.raw(bytes)
    },
    decode(reader) {
      const isZero = reader.byte() === 1
      return { buffer: unpackUserValue(reader.raw(reader.u32())), isZero }
    },
    // Nobody knows how large a user's buffer is before it is written.
    byteLength: () => 256,
  }
}
