import type { Column } from '../../batch/batch.ts'
import type { DataType } from '../../batch/schema.ts'
import { firstCapacity } from '../keyed/hash-index.ts'
import type { KeyIndex } from '../keyed/key-index.ts'
import { keysForColumns, keysForEncoded, newKeys } from '../keyed/make-keys.ts'

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
    this.index = keysForColumns(this.index, this.#types, columns)
    this.index.findOrInsert(columns, rows, hashes, numbers)
    return numbers
  }

  /** The number of each row's key, −1 where there is none; good until the next call. */
  find(columns: readonly Column[], rows: Int32Array | undefined, hashes: Int32Array): Int32Array {
    const numbers = this.#room(hashes.length)
    this.index = keysForColumns(this.index, this.#types, columns)
    this.index.find(columns, rows, hashes, numbers)
    return numbers
  }

  /** The number of an encoded key, made if it is new. */
  insertEncoded(key: Uint8Array, hash: number): number {
    this.index = keysForEncoded(this.index, this.#types, key)
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

  #room(count: number): Int32Array {
    if (this.#numbers.length < count) this.#numbers = new Int32Array(count)
    return this.#numbers.subarray(0, count)
  }
}
