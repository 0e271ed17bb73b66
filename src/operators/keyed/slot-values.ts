import type { ByteWriter } from '../../batch/byte-writer.ts'
import type { ByteReader } from '../../batch/value-codec.ts'

/** What a table keeps for each of its keys, in columns: slot s belongs to key s. */
export interface SlotValues {
  /** Makes room for exactly `capacity` slots, more or fewer; added ones hold the value of a new key. */
  resize(capacity: number): void
  encode(slot: number, writer: ByteWriter): void
  /** Replaces the slot by an encoded value. */
  decode(slot: number, reader: ByteReader): void
  /** Copies slot `from` over slot `to`; used when dead slots are squeezed out. */
  move(from: number, to: number): void
  /** The key of a slot was taken out; for values that keep a part of themselves elsewhere. */
  release?(slot: number): void
  /** Puts slots at and above `count` back to the value of a new key. */
  clearFrom(count: number): void
  byteLength(): number
}
