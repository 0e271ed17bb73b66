import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import type { FileSystem } from '../../src/core/file-system.ts'
import { nodeFileSystem } from '../../src/core/node-file-system.ts'
import { systemClock } from '../../src/core/system-clock.ts'
import { epoch } from '../../src/core/units.ts'
import type { Manifest } from '../../state/manifest.ts'
import { foldState } from '../../state/manifest-state.ts'
import { memoryStoreFactory } from '../../state/memory-store.ts'
import { rocksdbStoreFactory } from '../../state/rocksdb-store.ts'
import type { StateStoreFactory } from '../../state/store.ts'
import type { TaskState } from '../../state/task-state.ts'
import { openTaskState } from '../../state/task-state-service.ts'
import { type MapTable, mapTable } from './map-table.ts'

const root = mkdtempSync(join(tmpdir(), 'millrace-task-state-'))
afterAll(() => rm(root, { recursive: true, force: true }))

interface Place {
  readonly files: FileSystem
  readonly storeFactory: StateStoreFactory
  readonly root: string
}

async function open(
  place: Place,
  token: number,
  restore?: Manifest['state'],
): Promise<{ readonly service: TaskState; readonly table: MapTable }> {
  const service = await openTaskState({
    ...place,
    localDir: join(place.root, 'local'),
    task: '1/0',
    token,
    shards: [3],
    shardCount: 8,
    restore,
    cacheBudgetBytes: 2_000,
    clock: systemClock(),
    snapshotMinBytes: 4_000,
    snapshotMaxChain: 6,
  })
  const table = mapTable(service.operator('count'), 3)
  await service.operator('count').attach(3, table)
  return { service, table }
}

/** Works through epochs that each change some of 100 keys, and gives the state of the last manifest. */
async function work(
  { service, table }: { readonly service: TaskState; readonly table: MapTable },
  from: number,
  to: number,
  start: Manifest['state'],
): Promise<Manifest['state']> {
  let state = start
  for (let number = from; number < to; number++) {
    table.openEpoch(number)
    for (let key = number % 7; key < 100; key += 7) {
      table.set(`key ${key}`, key % 5 === number % 5 ? undefined : `${'v'.repeat(40)} ${number}`)
    }
    const handle = await service.persist(epoch(number), [table.freeze()])
    state = foldState(state, [handle])
    service.published(epoch(number), `snapshot ${number}`)
    await service.settled()
  }
  return state
}

/** What `work` leaves under a key. */
function expected(key: number, epochs: number): string | undefined {
  for (let number = epochs - 1; number >= 0; number--) {
    if (number % 7 !== key % 7) continue
    return key % 5 === number % 5 ? undefined : `${'v'.repeat(40)} ${number}`
  }
  return undefined
}

test('state that spills to RocksDB is the same after restarts from link snapshots', async () => {
  const files = nodeFileSystem()
  const storeFactory = rocksdbStoreFactory({
    files,
    clock: systemClock(),
    writeBufferBytes: 65_536,
  })
  const place = { files, storeFactory, root: join(root, 'rocksdb') }
  let state: Manifest['state'] = {}
  for (let life = 0; life < 3; life++) {
    const opened = await open(place, life + 1, state)
    for (let key = 0; key < 100; key++) {
      expect([key, await opened.table.get(`key ${key}`)]).toEqual([key, expected(key, life * 20)])
    }
    state = await work(opened, life * 20, (life + 1) * 20, state)
    expect(opened.service.operator('count').hasCold(3)).toBe(true)
    expect(opened.table.byteLength()).toBeLessThan(6_000)
    await opened.service.close()
  }
  expect(state['count']?.['3']?.snapshot?.cold?.kind).toBe('rocksdb')
  expect(await files.list(join(place.root, 'local'))).toEqual([])
})

test('every changed file of a snapshot or delta is refused at the restart', async () => {
  const files = virtualFileSystem()
  const place = { files, storeFactory: memoryStoreFactory(files), root: 'checkpoint' }
  const first = await open(place, 1)
  const state = await work(first, 0, 20, {})
  await first.service.close()
  const version = state['count']?.['3']
  const cold = version?.snapshot?.cold
  const named = [
    ...(version?.deltas ?? []).map(({ path }) => path),
    ...(version?.snapshot?.hot ?? []).map(({ path }) => path),
    ...(cold?.files ?? []).map(({ name }) => `${cold?.folder}/${name}`),
  ]
  expect(named.length).toBeGreaterThan(3)
  let token = 2
  for (const path of new Set(named)) {
    const whole = (await files.read(`checkpoint/${path}`)) ?? new Uint8Array()
    const changes: ((bytes: Uint8Array) => Uint8Array | undefined)[] = [
      () => undefined,
      (bytes) => bytes.subarray(0, 5),
      (bytes) => bytes.map((byte, index) => (index === 20 ? byte ^ 1 : byte)),
    ]
    for (const change of changes) {
      files.tamper(`checkpoint/${path}`, change)
      await expect(open(place, token++, state)).rejects.toMatchObject({
        code: 'CHECKPOINT_CORRUPT',
      })
      await files.remove(`checkpoint/${path}`)
      await files.create(`checkpoint/${path}`, whole)
    }
  }
})

test('a store of another kind than the checkpoint holds is refused', async () => {
  const files = virtualFileSystem()
  const place = { files, storeFactory: memoryStoreFactory(files), root: 'checkpoint' }
  const first = await open(place, 1)
  const state = await work(first, 0, 20, {})
  await first.service.close()
  const other = { ...place, storeFactory: rocksdbStoreFactory({ files, clock: systemClock() }) }
  await expect(open(other, 2, state)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    details: { option: 'store', value: 'rocksdb' },
  })
})

test('a failure in the background is told by settled and by the next persist', async () => {
  let isFull = false
  const files = virtualFileSystem({
    fault: (name) => (isFull && /^write .*snapshots/.test(name) ? 'ENOSPC' : undefined),
  })
  const place = { files, storeFactory: memoryStoreFactory(files), root: 'checkpoint' }
  const opened = await open(place, 1)
  isFull = true
  await expect(work(opened, 0, 20, {})).rejects.toMatchObject({ code: 'IO_ERROR' })
  await expect(opened.service.settled()).rejects.toMatchObject({ code: 'IO_ERROR' })
  await expect(opened.service.persist(epoch(50), [])).rejects.toMatchObject({ code: 'IO_ERROR' })
  await opened.service.close()
})

test('an epoch is durable only when the tables are within the budget again, as far as entries may leave', async () => {
  const files = virtualFileSystem()
  const place = { files, storeFactory: memoryStoreFactory(files), root: 'checkpoint' }
  const { service, table } = await open(place, 1)
  const bytes: number[] = []
  for (let number = 0; number < 12; number++) {
    table.openEpoch(number)
    for (let key = 0; key < 10; key++) table.set(`key ${number}/${key}`, 'v'.repeat(60))
    // Nobody says that a manifest is published: there is no other time to make room.
    await service.persist(epoch(number), [table.freeze()])
    bytes.push(table.byteLength())
  }
  const perEpoch = bytes[0] ?? 0
  expect(12 * perEpoch).toBeGreaterThan(6_000)
  // The last two epochs may not leave, whatever the budget.
  expect(Math.max(...bytes)).toBeLessThan(2_000 * 1.1 + 3 * perEpoch)
  await service.close()
})
