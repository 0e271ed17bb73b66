import type { Value } from '../batch/value.ts'
import { Malformed } from '../codecs/malformed.ts'
import { registryOf } from '../codecs/registry/registry.ts'
import { reasonOf, StreamError } from '../core/error.ts'
import { constantValues, optionsOf } from './option-arguments.ts'
import type { Argument } from './signature.ts'

/** Reads one row; `isStrict` says what becomes of bytes that are none of the schema. */
export function readOr(
  { isStrict, schema }: { readonly isStrict: boolean; readonly schema: string },
  bytes: Uint8Array,
  read: (bytes: Uint8Array) => Value,
): Value {
  try {
    return read(bytes)
  } catch (cause) {
    // The stack is used up by bytes that go deeper than any value does.
    if (!(cause instanceof Malformed || cause instanceof RangeError)) throw cause
    if (!isStrict) return null
    throw new StreamError(
      'DECODE_FAILED',
      { origin: 'a column', schema, why: reasonOf(cause), row: beginningOf(bytes) },
      { cause },
    )
  }
}

const shownBytes = 32

function beginningOf(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.subarray(0, shownBytes)).toString('hex').toUpperCase()
  return `X'${hex}'${bytes.length > shownBytes ? '…' : ''}`
}

/** True for a call whose options, from an argument on, name a registry. */
export function asksFrom(first: number): (args: readonly Argument[]) => boolean {
  return (args) => {
    const options = constantValues(args.slice(first))
    return options !== undefined && registryOf(optionsOf(options)) !== undefined
  }
}
