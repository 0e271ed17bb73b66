import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { FileSystem } from '../../src/core/file-system.ts'
import { tryInChild } from '../../src/core/node-child.ts'
import { nodeFileSystem } from '../../src/core/node-file-system.ts'
import { systemClock } from '../../src/core/system-clock.ts'
import { type BinaryProbe, rocksdbStoreFactory } from '../../state/rocksdb-store.ts'
import type { Change, StateStore } from '../../state/store.ts'

const root = mkdtempSync(join(tmpdir(), 'millrace-rocksdb-'))
afterAll(() => rm(root, { recursive: true, force: true }))

const files = nodeFileSystem()
const clock = systemClock()
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

test('where the binary does not load, the error names the platform and the way out', async () => {
  const factory = rocksdbStoreFactory({
    files,
    clock,
    load: () => {
      throw new Error('No native build was found')
    },
  })
  await expect(factory.open(join(root, 'none'))).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    details: {
      platform: `${process.platform}-${process.arch}, Node ${process.version}`,
      why: 'No native build was found',
    },
  })
})

test('a binary that would end the process is refused before it can', async () => {
  const asked: BinaryProbe[] = []
  const factory = rocksdbStoreFactory({
    files,
    clock,
    tryOut(probe) {
      asked.push(probe)
      return Promise.resolve('std::bad_alloc')
    },
    load: () => {
      throw new Error('it must not be loaded')
    },
  })
  for (const name of ['first', 'second']) {
    await expect(factory.open(join(root, name))).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      details: { why: 'it ends the process: std::bad_alloc' },
    })
  }
  expect(asked).toHaveLength(1)
})

test('where the binary works, trying it out in a process of its own finds nothing', async () => {
  const tryOut = ({ program, args }: BinaryProbe) => tryInChild(program, args, 20_000)
  const store = await rocksdbStoreFactory({ files, clock, tryOut }).open(join(root, 'tried'))
  await store.close()
  const broken = { program: 'process.abort()', args: [] }
  expect(await tryOut(broken)).not.toBe(undefined)
})

test('snapshots taken while writes, flushes and compactions go on restore to whole batches', async () => {
  const factory = rocksdbStoreFactory({ files, clock, writeBufferBytes: 64 << 10 })
  const store = await factory.open(join(root, 'busy'))
  const snapshots: { readonly path: string; readonly atLeast: number }[] = []
  let written = 0
  for (let batch = 1; batch <= 60; batch++) {
    // Every batch sets every key to its number: a torn snapshot would hold two numbers.
    const changes = Array.from(
      { length: 200 },
      (_, key): Change => [utf8(`key ${key}`), numbered(batch)],
    )
    const writing = store.writeMany(changes)
    if (batch % 10 === 0) {
      const path = join(root, `busy-snapshot-${batch}`)
      const snapshot = store.snapshot(path)
      await snapshot
      snapshots.push({ path, atLeast: batch })
    }
    await writing
    written = batch
  }
  expect(written).toBe(60)
  await store.close()
  expect(
    (await files.list(join(root, 'busy'))).filter(({ name }) => name.endsWith('.sst')).length,
  ).toBeGreaterThan(0)
  for (const { path, atLeast } of snapshots) {
    const target = `${path}-restored`
    await factory.restore(path, target)
    const restored = await factory.open(target)
    expect(await valuesOf(restored)).toEqual(new Set([numbered(atLeast).join()]))
    await restored.close()
  }
})

test('a snapshot is copied where links are not possible', async () => {
  const noLinks: FileSystem = { ...files, link: () => Promise.reject(new Error('EXDEV')) }
  const factory = rocksdbStoreFactory({ files: noLinks, clock, writeBufferBytes: 64 << 10 })
  const store = await factory.open(join(root, 'copied'))
  for (let batch = 0; batch < 20; batch++) {
    await store.writeMany([[utf8(`key ${batch}`), new Uint8Array(10_000).fill(batch)]])
  }
  await store.snapshot(join(root, 'copied-snapshot'))
  await store.close()
  await factory.restore(join(root, 'copied-snapshot'), join(root, 'copied-restored'))
  const restored = await factory.open(join(root, 'copied-restored'))
  expect((await valuesOf(restored)).size).toBe(20)
  await restored.close()
})

test('a closed store refuses instead of crashing the process', async () => {
  const store = await rocksdbStoreFactory({ files, clock }).open(join(root, 'closed'))
  const pending = store.getMany([utf8('key')])
  await store.close()
  expect(await pending).toEqual([undefined])
  await store.close()
  await expect(store.getMany([utf8('key')])).rejects.toMatchObject({ code: 'INTERNAL' })
  await expect(store.writeMany([[utf8('key'), utf8('value')]])).rejects.toMatchObject({
    code: 'INTERNAL',
  })
})

function numbered(batch: number): Uint8Array {
  return new Uint8Array(100).fill(batch)
}

async function valuesOf(store: StateStore): Promise<ReadonlySet<string>> {
  const values = new Set<string>()
  for await (const [, value] of store.scan(new Uint8Array(), undefined)) values.add(value.join())
  return values
}
