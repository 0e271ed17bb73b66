import fc from 'fast-check'
import { crc32c } from '../../src/core/crc32c.ts'
import { StreamError } from '../../src/core/error.ts'
import { type FileSystem, joinPath } from '../../src/core/file-system.ts'
import type { Change, Entry, StateStore, StateStoreFactory } from '../../state/store.ts'
import { type StoreModel, storeModel } from '../oracles/store-model.ts'
import { type LawOptions, runLaw } from './run-law.ts'

/** What the law needs from the author of a store. */
export interface StoreLawOptions extends LawOptions {
  readonly factory: StateStoreFactory
  readonly files: FileSystem
  /** A new empty folder, on `files`, for one run. */
  readonly newFolder: () => Promise<string>
}

type StoreStep =
  | { readonly type: 'write'; readonly changes: readonly Change[] }
  | { readonly type: 'get'; readonly keys: readonly Uint8Array[] }
  | { readonly type: 'scan'; readonly from: Uint8Array; readonly to: Uint8Array | undefined }
  | { readonly type: 'writeWhileScanning'; readonly changes: readonly Change[] }
  | { readonly type: 'snapshot' }
  | { readonly type: 'restore'; readonly which: number }

/**
 * Every store answers like a sorted array: reads see writes, scans are in byte order and show one
 * moment, the last change of a key wins, and a snapshot restores to what was there when it was taken,
 * whatever was written later.
 * @throws LawFailure
 */
export async function storeLaw(options: StoreLawOptions): Promise<void> {
  await runLaw(
    {
      name: 'storeLaw',
      cases: fc.array(steps(), { maxLength: 40, size: 'max' }),
      holds: (program) => runProgram(options, program),
      describe: (program) => program.map((step) => fc.stringify(step)).join('\n'),
    },
    options,
  )
}

function steps(): fc.Arbitrary<StoreStep> {
  // Few keys, so that steps meet; bytes above 127 and prefixes of each other show wrong orders.
  const key = fc
    .array(fc.constantFrom(0, 1, 127, 128, 255), { maxLength: 3 })
    .map((bytes) => Uint8Array.from(bytes))
  const value = fc.uint8Array({ maxLength: 20 })
  const change = fc.tuple(key, fc.option(value, { nil: undefined, freq: 3 }))
  const changes = fc.array(change, { maxLength: 12 })
  return fc.oneof(
    { weight: 4, arbitrary: fc.record({ type: fc.constant('write' as const), changes }) },
    { weight: 3, arbitrary: fc.record({ type: fc.constant('get' as const), keys: fc.array(key) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        type: fc.constant('scan' as const),
        from: key,
        to: fc.option(key, { nil: undefined }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ type: fc.constant('writeWhileScanning' as const), changes }),
    },
    { weight: 1, arbitrary: fc.constant({ type: 'snapshot' as const }) },
    {
      weight: 1,
      arbitrary: fc.record({ type: fc.constant('restore' as const), which: fc.nat(5) }),
    },
  )
}

interface Run {
  store: StateStore
  model: StoreModel
  readonly snapshots: { readonly path: string; readonly model: StoreModel }[]
  opened: number
}

async function runProgram(
  { factory, files, newFolder }: StoreLawOptions,
  program: readonly StoreStep[],
): Promise<void> {
  const folder = await newFolder()
  const run: Run = {
    store: await factory.open(joinPath(folder, 'store-0')),
    model: storeModel(),
    snapshots: [],
    opened: 1,
  }
  try {
    for (const step of program) await take(run, step, { factory, files, folder })
    expectEntries(
      'at the end',
      await collect(run.store),
      run.model.scan(new Uint8Array(), undefined),
    )
  } finally {
    await run.store.close()
  }
}

async function take(
  run: Run,
  step: StoreStep,
  place: {
    readonly factory: StateStoreFactory
    readonly files: FileSystem
    readonly folder: string
  },
): Promise<void> {
  const { factory, files, folder } = place
  switch (step.type) {
    case 'write':
      await run.store.writeMany(step.changes)
      run.model.write(step.changes)
      break
    case 'get': {
      const found = await run.store.getMany(step.keys)
      check(
        'getMany',
        found,
        step.keys.map((key) => run.model.get(key)),
      )
      break
    }
    case 'scan': {
      const found = await collect(run.store, step.from, step.to)
      expectEntries('scan', found, run.model.scan(step.from, step.to))
      break
    }
    case 'writeWhileScanning':
      await writeWhileScanning(run, step.changes)
      break
    case 'snapshot': {
      const path = joinPath(folder, `snapshot-${run.snapshots.length}`)
      await files.makeFolder(path)
      const { files: described } = await run.store.snapshot(path)
      await checkFiles(files, path, described)
      run.snapshots.push({ path, model: run.model.copy() })
      break
    }
    case 'restore': {
      const snapshot = run.snapshots[step.which % Math.max(1, run.snapshots.length)]
      if (snapshot === undefined) break
      await run.store.close()
      const path = joinPath(folder, `store-${run.opened++}`)
      await factory.restore(snapshot.path, path)
      run.store = await factory.open(path)
      run.model = snapshot.model.copy()
      break
    }
  }
}

/** A scan shows the moment at which its first entry was asked for. */
async function writeWhileScanning(run: Run, changes: readonly Change[]): Promise<void> {
  const expected = run.model.scan(new Uint8Array(), undefined)
  const found: Entry[] = []
  let hasWritten = false
  for await (const entry of run.store.scan(new Uint8Array(), undefined)) {
    found.push(entry)
    if (hasWritten) continue
    hasWritten = true
    await run.store.writeMany(changes)
    run.model.write(changes)
  }
  expectEntries('scan during a write', found, expected)
}

async function collect(
  store: StateStore,
  from: Uint8Array = new Uint8Array(),
  to?: Uint8Array,
): Promise<readonly Entry[]> {
  const found: Entry[] = []
  for await (const entry of store.scan(from, to)) found.push(entry)
  return found
}

async function checkFiles(
  files: FileSystem,
  path: string,
  described: readonly {
    readonly name: string
    readonly byteLength: number
    readonly crc: number
  }[],
): Promise<void> {
  const names = (await files.list(path)).map(({ name }) => name).toSorted()
  check('names of a snapshot', described.map(({ name }) => name).toSorted(), names)
  for (const { name, byteLength, crc } of described) {
    const bytes = (await files.read(joinPath(path, name))) ?? new Uint8Array()
    check(`size and checksum of ${name}`, [byteLength, crc], [bytes.length, crc32c(bytes)])
  }
}

function expectEntries(what: string, found: readonly Entry[], expected: readonly Entry[]): void {
  check(what, found.flat(), expected.flat())
}

type Printable = Uint8Array | string | number | undefined

function check(what: string, found: readonly Printable[], expected: readonly Printable[]): void {
  const [left, right] = [print(found), print(expected)]
  if (left === right) return
  throw new StreamError('INTERNAL', { what: `${what} gave ${left}, the model ${right}` })
}

function print(values: readonly Printable[]): string {
  return values
    .map((value) => (value instanceof Uint8Array ? `<${[...value].join(' ')}>` : String(value)))
    .join(', ')
}
