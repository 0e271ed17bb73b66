import type { Column } from '../../batch/batch.ts'
import { ByteWriter } from '../../batch/byte-writer.ts'
import type { DataType } from '../../batch/schema.ts'
import { firstCapacity } from '../keyed/hash-index.ts'
import type { KeyIndex } from '../keyed/key-index.ts'
import { asByteKeys, holdsKey, newKeys } from '../keyed/make-keys.ts'

/** The distinct keys of some rows, numbered in order of arrival; whole numbers while they are safe. */
export class JoinKeys {
  index: KeyIndex
  readonly #types: readonly DataType[]
  #numbers = new Int32Array(4096)

  constructor(types: readonly DataType[], capacity: number = firstCapacity) {
    this.#types = types
    this.index = newKeys(types, capacity)
  }

  /** The number of each row's key, made where it is new; good until the next call. */
  findOrInsert(
    columns: readonly Column[],
    rows: Int32Array | undefined,
    hashes: Int32Array,
  ): Int32Array {
    const numbers = this.#room(hashes.length)
    if (!this.index.findOrInsert(columns, rows, hashes, numbers)) {
      this.#useBytes()
      this.index.findOrInsert(columns, rows, hashes, numbers)
    }
    return numbers
  }

  /** The number of each row's key, −1 where there is none; good until the next call. */
  find(columns: readonly Column[], rows: Int32Array | undefined, hashes: Int32Array): Int32Array {
    const numbers = this.#room(hashes.length)
    if (!this.index.find(columns, rows, hashes, numbers)) {
      this.#useBytes()
      this.index.find(columns, rows, hashes, numbers)
    }
    return numbers
  }

  /** The number of an encoded key, made if it is new. */
  insertEncoded(key: Uint8Array, hash: number): number {
    if (!holdsKey(this.index, this.#types, key)) this.#useBytes()
    return this.index.insertEncoded(key, hash)
  }

  /** Squeezes out keys for which `keep` is not 1; `newNumber` maps the others. */
  compact(keep: Uint8Array): Int32Array {
    const newNumber = new Int32Array(this.index.count).fill(-1)
    let to = 0
    for (let number = 0; number < newNumber.length; number++) {
      if (this.index.isDead(number)) keep[number] = 0
      if (keep[number] === 1) newNumber[number] = to++
    }
    this.index.compact(keep)
    return newNumber
  }

  /** Takes over every key under its number; dead ones under numbers that nothing points to. */
  #useBytes(): void {
    if (this.index.deadCount === 0) {
      this.index = asByteKeys(this.#types, this.index)
      return
    }
    const before = this.index
    const writer = new ByteWriter()
    const keys = newByteIndex(this.#types, before.capacity)
    const dead: number[] = []
    for (let number = 0; number < before.count; number++) {
      writer.length = 0
      if (before.isDead(number)) {
        // A number must be used up: the bytes are of no key, and go at once.
        writer.byte(255)
        writer.u32(number)
        dead.push(number)
      } else before.encode(number, writer)
      keys.insertEncoded(writer.take(), before.hashes[number] as number)
    }
    for (const number of dead) keys.remove(number)
    this.index = keys
  }

  #room(count: number): Int32Array {
    if (this.#numbers.length < count) this.#numbers = new Int32Array(count)
    return this.#numbers.subarray(0, count)
  }
}

function newByteIndex(types: readonly DataType[], capacity: number): KeyIndex {
  return asByteKeys(types, newKeys(types, capacity))
}
