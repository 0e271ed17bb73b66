import { createRequire } from 'node:module'
import { type Clock, sleep } from '../src/core/clock.ts'
import { crc32c } from '../src/core/crc32c.ts'
import { reasonOf, StreamError } from '../src/core/error.ts'
import { type FileSystem, joinPath } from '../src/core/file-system.ts'
import type { Change, Entry, SnapshotFiles, StateStore, StateStoreFactory } from './store.ts'

/** What of the binding is used. Keys and values must be Buffers: anything else becomes text. */
interface Binding {
  open(options: Readonly<Record<string, unknown>>, done: Done): void
  batch(
    operations: readonly (
      | { readonly type: 'put'; readonly key: Buffer; readonly value: Buffer }
      | { readonly type: 'del'; readonly key: Buffer }
    )[],
    options: { readonly sync: boolean },
    done: Done,
  ): void
  getMany(
    keys: readonly Buffer[],
    options: { readonly asBuffer: true },
    done: (error: unknown, values?: readonly (Buffer | undefined)[]) => void,
  ): void
  iterator(options: Readonly<Record<string, unknown>>): BindingIterator
  close(done: Done): void
}

interface BindingIterator {
  next(done: (error: unknown, key?: Buffer, value?: Buffer) => void): void
  end(done: Done): void
}

type Done = (error?: unknown) => void

/** What the stores of this kind need. Paths are the machine's own: the binding opens them by itself. */
export interface RocksdbOptions {
  readonly files: FileSystem
  readonly clock: Clock
  /** Bytes written before a table file is made. Default 2 MiB: a query has many stores. */
  readonly writeBufferBytes?: number
  /** Bytes of uncompressed blocks kept for reading. Default 2 MiB. */
  readonly blockCacheBytes?: number
  /**
   * Tries the binary where it cannot do harm: under some builds of Node it ends the whole process
   * when a database is opened. Says what went wrong, if anything did. Asked once per process.
   */
  readonly tryOut?: (probe: BinaryProbe) => Promise<string | undefined>
  /** Gives the module; tests replace it to see what happens where the binary does not load. */
  readonly load?: () => unknown
}

/** A program that opens a database and closes it; arguments: the path of the module, a folder for the database. */
export interface BinaryProbe {
  readonly program: string
  readonly args: readonly string[]
}

const probeProgram =
  'const [module, folder] = process.argv.slice(1);' +
  'const database = require(module)(folder);' +
  'database.open({ createIfMissing: true }, (error) => {' +
  ' if (error) throw error; database.close(() => undefined) })'

/** A flush or compaction during a snapshot is met by trying again this often. */
const snapshotTries = 50
const retryMs = 5
const scanAhead = 256
const crcStepBytes = 1 << 20

/**
 * Stores on RocksDB, one database a shard. The binary is loaded when the first store is opened, so
 * that the package can be imported where there is none.
 */
export function rocksdbStoreFactory(options: RocksdbOptions): StateStoreFactory {
  const { files } = options
  let tried: Promise<void> | undefined
  return {
    kind: 'rocksdb',
    async open(path) {
      tried ??= tryBinary(options, path)
      await tried
      const create = loadBinding(options.load ?? (() => createRequire(import.meta.url)('rocksdb')))
      await files.makeFolder(path)
      const database = create(path)
      await called('opening', path, (done) =>
        database.open(
          {
            createIfMissing: true,
            writeBufferSize: options.writeBufferBytes ?? 2 << 20,
            cacheSize: options.blockCacheBytes ?? 2 << 20,
          },
          done,
        ),
      )
      return rocksdbStore(options, path, database)
    },
    async restore(snapshotPath, path) {
      await files.makeFolder(path)
      for (const { name } of await files.list(snapshotPath)) {
        await place(files, joinPath(snapshotPath, name), joinPath(path, name))
      }
    },
  }
}

/** @throws StreamError `STORE_UNAVAILABLE` */
async function tryBinary({ tryOut, files }: RocksdbOptions, path: string): Promise<void> {
  if (tryOut === undefined) return
  const folder = `${path}.probe`
  const module = createRequire(import.meta.url).resolve('rocksdb')
  const why = await tryOut({ program: probeProgram, args: [module, folder] })
  await files.removeFolder(folder)
  if (why !== undefined) throw unavailable(`it ends the process: ${why}`)
}

function unavailable(why: string, cause?: unknown): StreamError {
  const platform = `${process.platform}-${process.arch}, Node ${process.version}`
  return new StreamError('STORE_UNAVAILABLE', { platform, why }, { cause })
}

/** @throws StreamError `STORE_UNAVAILABLE` */
function loadBinding(load: () => unknown): (path: string) => Binding {
  try {
    const loaded = load()
    if (typeof loaded === 'function') return loaded as (path: string) => Binding
  } catch (thrown) {
    throw unavailable(reasonOf(thrown), thrown)
  }
  throw unavailable('the module rocksdb is something else')
}

function rocksdbStore(options: RocksdbOptions, path: string, database: Binding): StateStore {
  const { files, clock } = options
  const checksums = new Map<string, number>()
  let isClosed = false
  let last: Promise<unknown> = Promise.resolve()
  // Writes, snapshots and the close come one after the other; reads go on beside them.
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(() => {
      checkOpen()
      return work()
    })
    last = result.catch(() => undefined)
    return result
  }
  // The binding crashes the process when a closed database is used.
  const checkOpen = (): void => {
    if (isClosed) throw new StreamError('INTERNAL', { what: 'a closed state store was used' })
  }
  const reads = new Set<Promise<unknown>>()
  const reading = async <T>(work: () => Promise<T>): Promise<T> => {
    checkOpen()
    const result = work()
    reads.add(result)
    try {
      return await result
    } finally {
      reads.delete(result)
    }
  }
  return {
    getMany: (keys) =>
      reading(async () => {
        const values = await called<readonly (Buffer | undefined)[] | undefined>(
          'reading',
          path,
          (done) => database.getMany(keys.map(storedKey), { asBuffer: true }, done),
        )
        return keys.map((_, index) => values?.[index])
      }),

    writeMany: (changes) =>
      inTurn(async () => {
        if (changes.length === 0) return
        const operations = changes.map(operationOf)
        // Durability comes from the checkpoint, never from this store.
        await called('writing', path, (done) => database.batch(operations, { sync: false }, done))
      }),

    async *scan(from, to) {
      checkOpen()
      const iterator = database.iterator({
        gte: storedKey(from),
        ...(to === undefined ? {} : { lt: storedKey(to) }),
        keyAsBuffer: true,
        valueAsBuffer: true,
      })
      try {
        for (;;) {
          const entries = await reading(() => nextEntries(path, iterator))
          yield* entries
          if (entries.length < scanAhead) return
        }
      } finally {
        if (!isClosed) await called('reading', path, (done) => iterator.end(done))
      }
    },

    snapshot: (target) =>
      inTurn(async () => {
        for (let attempt = 1; attempt < snapshotTries; attempt++) {
          if (await copyDatabase(files, path, target)) {
            await files.syncFolder(target)
            return describe(files, target, checksums)
          }
          // RocksDB is busy with its files: what was copied may not fit together.
          for (const { name } of await files.list(target)) {
            await files.remove(joinPath(target, name))
          }
          await sleep(clock, retryMs)
        }
        const why = `the database changed its files during each of ${snapshotTries} tries`
        throw new StreamError('IO_ERROR', { operation: 'snapshot', path, why })
      }),

    async byteLength() {
      checkOpen()
      const sizes = await sizesOf(files, path)
      return [...sizes.values()].reduce((sum, size) => sum + size, 0)
    },

    async close() {
      if (isClosed) return
      await inTurn(async () => {
        isClosed = true
        await Promise.allSettled(reads)
        await called('closing', path, (done) => database.close(done))
      })
    },
  }
}

/** One byte before every key: the binding takes no empty ones. */
function storedKey(key: Uint8Array): Buffer {
  const stored = Buffer.allocUnsafe(key.length + 1)
  stored[0] = 0
  stored.set(key, 1)
  return stored
}

function operationOf([key, value]: Change): Parameters<Binding['batch']>[0][number] {
  if (value === undefined) return { type: 'del', key: storedKey(key) }
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  return { type: 'put', key: storedKey(key), value: bytes }
}

/** Up to `scanAhead` entries; fewer only at the end. The binding hands them out one callback each. */
function nextEntries(path: string, iterator: BindingIterator): Promise<Entry[]> {
  return called('reading', path, (done) => {
    const entries: Entry[] = []
    const step = (): void => {
      iterator.next((error, key, value) => {
        if (error !== null && error !== undefined) return done(error)
        if (key === undefined || value === undefined) return done(undefined, entries)
        entries.push([key.subarray(1), value])
        if (entries.length === scanAhead) return done(undefined, entries)
        step()
      })
    }
    step()
  })
}

/** Calls the binding and gives its answer, or an `IO_ERROR`. */
function called<T = void>(
  operation: string,
  path: string,
  call: (done: (error?: unknown, result?: T) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, result) => {
      if (error === null || error === undefined) {
        // A call without a result answers nothing, which is what its `T` says.
        resolve(result as T)
        return
      }
      const why = reasonOf(error)
      reject(new StreamError('IO_ERROR', { operation, path, why }, { cause: error }))
    })
  })
}

/** Table files never change once written; everything else is still written to. */
const isImmutable = (name: string): boolean => name.endsWith('.sst')
const isData = (name: string): boolean =>
  isImmutable(name) || name === 'CURRENT' || /^(?:MANIFEST|OPTIONS)-\d+$|^\d+\.log$/.test(name)

/** `false` if the files moved meanwhile: then the copy may mix two states. */
async function copyDatabase(files: FileSystem, path: string, target: string): Promise<boolean> {
  await files.makeFolder(target)
  const before = await sizesOf(files, path)
  for (const name of before.keys()) {
    try {
      await place(files, joinPath(path, name), joinPath(target, name))
    } catch (thrown) {
      // A compaction removes files at any time.
      if ((await files.stat(joinPath(path, name))) === undefined) return false
      throw thrown
    }
  }
  return (
    sameSizes(before, await sizesOf(files, path)) && sameSizes(before, await sizesOf(files, target))
  )
}

/** Links what never changes, if the folders are on one device, and copies the rest. */
async function place(files: FileSystem, from: string, to: string): Promise<void> {
  if (isImmutable(from)) {
    const linked = await files.link(from, to).catch(() => false)
    if (linked) return
  }
  await files.copy(from, to)
}

async function sizesOf(files: FileSystem, path: string): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>()
  for (const { name } of await files.list(path)) {
    if (!isData(name)) continue
    const found = await files.stat(joinPath(path, name))
    if (found !== undefined) sizes.set(name, found.byteLength)
  }
  return sizes
}

function sameSizes(left: ReadonlyMap<string, number>, right: ReadonlyMap<string, number>): boolean {
  return left.size === right.size && [...left].every(([name, size]) => right.get(name) === size)
}

/** Names, sizes and checksums; those of table files are remembered, as each is in many snapshots. */
async function describe(
  files: FileSystem,
  folder: string,
  checksums: Map<string, number>,
): Promise<SnapshotFiles> {
  const described: SnapshotFiles['files'][number][] = []
  for (const [name, byteLength] of await sizesOf(files, folder)) {
    const crc = checksums.get(name) ?? (await checksumOf(files, joinPath(folder, name)))
    if (isImmutable(name)) checksums.set(name, crc)
    described.push({ name, byteLength, crc })
  }
  return { files: described }
}

async function checksumOf(files: FileSystem, path: string): Promise<number> {
  let crc = 0
  for (let at = 0; ; at += crcStepBytes) {
    const bytes = await files.readRange(path, at, crcStepBytes)
    if (bytes === undefined || bytes.length === 0) return crc
    crc = crc32c(bytes, crc)
  }
}
