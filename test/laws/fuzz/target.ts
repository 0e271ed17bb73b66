import { Malformed } from '../../../src/codecs/malformed.ts'
import { WireFault } from '../../../src/connectors/kafka/protocol/wire-fault.ts'
import { StreamError } from '../../../src/core/error.ts'

/** Bytes that something reads. */
export interface FuzzTarget {
  readonly name: string
  /** Inputs as they should be, to be spoilt. */
  readonly samples: readonly Uint8Array[]
  /** Reads an input; throws what it refuses it with, and something else if what it read is wrong. */
  readonly read: (bytes: Uint8Array) => void | Promise<void>
  /** What it may refuse an input with, as `refusalOf` has it. None: it makes the best of everything. */
  readonly refusals: readonly string[]
  /** Memory that reading one short input may take; 64 MiB unless something else is said. */
  readonly mostMiB?: number
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** The code of an error that users see, or the name of one that its reader turns into such an error. */
export function refusalOf(thrown: unknown): string | undefined {
  if (thrown instanceof StreamError) return thrown.code
  return thrown instanceof WireFault || thrown instanceof Malformed ? thrown.name : undefined
}

/** Something that reads text. */
export function textTarget(
  name: string,
  samples: readonly string[],
  read: (text: string) => unknown,
  ...refusals: readonly string[]
): FuzzTarget {
  return {
    name,
    samples: samples.map((text) => encoder.encode(text)),
    read: (bytes) => void read(decoder.decode(bytes)),
    refusals,
  }
}
