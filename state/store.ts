/** One change: a key with its new value, or `undefined` to delete it. */
export type Change = readonly [key: Uint8Array, value: Uint8Array | undefined]

export type Entry = readonly [key: Uint8Array, value: Uint8Array]

/**
 * The cold part of one shard of keyed state: an ordered map from bytes to bytes with one owner.
 *
 * Reads see earlier writes of the same owner at once. What survives a crash is what the checkpoint
 * holds, never what happens to lie in a local store.
 */
export interface StateStore {
  /** Values in the order of `keys`; `undefined` where a key is absent. */
  getMany(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]>
  /** Applies every change, or none if the process dies midway. Later changes of one key win. */
  writeMany(changes: readonly Change[]): Promise<void>
  /** Entries with `from <= key < to`, ascending by unsigned bytes; no `to` means to the end. */
  scan(from: Uint8Array, to: Uint8Array | undefined): AsyncIterable<Entry>
  /** Copies or links the state as of now into the empty folder `path` and makes it durable. Later writes never show there. */
  snapshot(path: string): Promise<SnapshotFiles>
  /** Approximate, for budgets and progress. */
  byteLength(): Promise<number>
  close(): Promise<void>
}

/** What a snapshot consists of, relative to its folder. */
export interface SnapshotFiles {
  readonly files: readonly {
    readonly name: string
    readonly byteLength: number
    readonly crc: number
  }[]
}

/** Makes the stores of one kind. */
export interface StateStoreFactory {
  readonly kind: 'memory' | 'rocksdb'
  /** Opens the store in the folder `path`, creating it if needed. */
  open(path: string): Promise<StateStore>
  /** Fills the folder `path`, which must not exist, from a snapshot folder; then `open` shows its state. */
  restore(snapshotPath: string, path: string): Promise<void>
}
