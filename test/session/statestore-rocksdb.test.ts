import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { logEntries } from '../../properties/logged-epochs.ts'
import { nodeFileSystem } from '../../src/core/node-file-system.ts'
import { expr } from '../../src/functions.ts'
import type { Session } from '../../src/session/session.ts'
import { realSession } from './real-session.ts'

const root = mkdtempSync(join(tmpdir(), 'millrace-statestore-'))
const temporaryFolder = join(root, 'temporary')
afterAll(() => rmSync(root, { recursive: true, force: true }))
const files = nodeFileSystem()

const openSession = (): Session =>
  realSession(temporaryFolder, { store: 'rocksdb', shards: '1', stateCache: '4 KB' })

test('state in RocksDB is read from copies in the checkpoint, epoch by epoch, while the query runs', async () => {
  const session = openSession()
  const checkpoint = join(root, 'checkpoint')
  const input = session.memoryStream('k INT, n BIGINT')
  const sums = input.toDF().groupBy('k').agg(expr('sum(n)').alias('total')).name('sums')
  const query = sums.writeStream
    .outputMode('update')
    .option('checkpointLocation', checkpoint)
    .format('noop')
    .start()
  const totals = new Map<number, bigint>()
  const remembered: ReadonlyMap<number, bigint>[] = []
  for (let epoch = 0; epoch < 80; epoch++) {
    // Each key rests for many epochs, so that it leaves memory.
    const rows = Array.from({ length: 10 }, (_, index) => [
      (epoch * 10 + index) % 400,
      BigInt(epoch),
    ])
    for (const [k, n] of rows as [number, bigint][]) totals.set(k, (totals.get(k) ?? 0n) + n)
    input.addData(rows)
    await query.processAllAvailable()
    remembered.push(new Map(totals))
  }
  const entries = await logEntries(files, checkpoint)
  const copies = entries.filter(
    (entry) =>
      entry.type === 'manifest' &&
      entry.manifest.state['sums']?.['0']?.snapshot?.cold?.kind === 'rocksdb',
  )
  expect(copies.length).toBeGreaterThan(2)
  for (const epoch of [5, 58, 70, 79]) {
    const frame = session.read.format('statestore').option('batchId', epoch).load(checkpoint)
    const rows = await frame.selectExpr('key.k AS k', 'value.total AS total').collect()
    const found = new Map(rows.map(({ k, total }) => [Number(k), BigInt(String(total))]))
    expect(found, `epoch ${epoch}`).toEqual(remembered[epoch])
  }
  expect(await query.state('sums').get(7)).toEqual({ total: totals.get(7) })
  const savepoint = join(root, 'savepoint')
  await query.savepoint(savepoint)
  await query.stop()
  rmSync(checkpoint, { recursive: true })
  const branch = sums.writeStream
    .outputMode('update')
    .option('checkpointLocation', join(root, 'branch'))
    .format('noop')
    .start({ from: savepoint })
  input.addData([[7, 1000n]])
  await branch.processAllAvailable()
  expect(await branch.state('sums').get(7)).toEqual({ total: (totals.get(7) ?? 0n) + 1000n })
  expect(await branch.state('sums').get(8)).toEqual({ total: totals.get(8) })
  expect(await branch.state('sums').toArray()).toHaveLength(totals.size)
  await session.stop()
  // Copies of stores were made to read them, and are gone.
  expect(readdirSync(temporaryFolder)).toEqual([])
}, 60_000)
