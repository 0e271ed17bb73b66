import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { storeLaw } from '../../properties/laws/store.ts'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import { nodeFileSystem } from '../../src/core/node-file-system.ts'
import { systemClock } from '../../src/core/system-clock.ts'
import { memoryStoreFactory } from '../../state/memory-store.ts'
import { rocksdbStoreFactory } from '../../state/rocksdb-store.ts'

const root = mkdtempSync(join(tmpdir(), 'millrace-store-'))
afterAll(() => rm(root, { recursive: true, force: true }))

test('the memory store answers like the model', async () => {
  const files = virtualFileSystem()
  let folders = 0
  const newFolder = async (): Promise<string> => `run-${folders++}`
  await storeLaw({ factory: memoryStoreFactory(files), files, newFolder, runs: 500 })
  expect(folders).toBeGreaterThanOrEqual(500)
})

test('the RocksDB store answers like the model', async () => {
  const files = nodeFileSystem()
  const factory = rocksdbStoreFactory({ files, clock: systemClock() })
  let folders = 0
  const newFolder = async (): Promise<string> => join(root, `run-${folders++}`)
  await storeLaw({ factory, files, newFolder, runs: 25 })
  expect(folders).toBeGreaterThanOrEqual(25)
})
