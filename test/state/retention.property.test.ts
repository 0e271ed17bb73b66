import fc from 'fast-check'
import { expect, test } from 'vitest'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import { epoch } from '../../src/core/units.ts'
import { writeDelta } from '../../state/delta.ts'
import { openEpochLog } from '../../state/local-epoch-log.ts'
import type { LogFile } from '../../state/log-file.ts'
import type { LogEntry, Manifest } from '../../state/manifest.ts'
import { filesOfState, foldState } from '../../state/manifest-state.ts'
import { planRecovery } from '../../state/recovery.ts'
import { cleanUp, planRetention, removeOrphans } from '../../state/retention.ts'
import { committed, decision, logOptions, manifest } from './log-kit.ts'

/**
 * A query in which every epoch has a delta and some begin with a snapshot; one second each. So many epochs are
 * decided `ahead` of the one whose checkpoint comes next.
 */
function historyOf(
  epochs: number,
  snapshotEvery: number,
  committedTo: number,
  ahead: number,
): LogFile<LogEntry>[] {
  let state: Manifest['state'] = {}
  const entries: LogEntry[] = [{ type: 'manifest', manifest: manifest(-1) }]
  for (let number = 0; number < ahead; number++) entries.push(decision(number))
  for (let number = 0; number < epochs; number++) {
    entries.push(decision(number + ahead))
    const place = { operator: 'count', shard: 0 }
    const part = { epoch: epoch(number), path: `deltas/1-${number}`, offset: 0, length: 1, crc: 0 }
    const hot = [{ path: `snapshots/1-${number}.hot`, offset: 0, length: 1, crc: 0 }]
    const snapshot = { fromEpoch: epoch(number), validFrom: epoch(number), hot, cold: undefined }
    const isSnapshot = number % snapshotEvery === snapshotEvery - 1
    state = foldState(state, [
      { deltas: [{ ...place, part }], snapshots: isSnapshot ? [{ ...place, snapshot }] : [] },
    ])
    entries.push({ type: 'manifest', manifest: manifest(number, { state }) })
    if (number <= committedTo) entries.push(committed(number))
  }
  let seconds = 0
  return entries.map((entry, number) => {
    if (entry.type === 'manifest') seconds++
    return { number, atMs: seconds * 1000, entry }
  })
}

test('what is kept recovers as before, with every limit obeyed and every file it needs', () => {
  fc.assert(
    fc.property(
      fc.record({
        epochs: fc.integer({ min: 1, max: 60 }),
        snapshotEvery: fc.integer({ min: 1, max: 20 }),
        uncommitted: fc.nat(5),
        ahead: fc.nat(4),
        minEpochsToRetain: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 30 })),
        minRetentionMs: fc.oneof(fc.constant(0), fc.nat(30_000)),
      }),
      ({ epochs, snapshotEvery, uncommitted, ahead, ...limits }) => {
        const records = historyOf(epochs, snapshotEvery, epochs - 1 - uncommitted, ahead)
        const nowMs = (epochs + 1) * 1000
        const plan = planRetention(records, limits, nowMs)
        const kept = records.filter(({ number }) => number >= plan.firstEntry)
        expect(planRecovery(kept.map(({ entry }) => entry))).toEqual(
          planRecovery(records.map(({ entry }) => entry)),
        )
        const manifests = kept.flatMap(({ entry }) => (entry.type === 'manifest' ? [entry] : []))
        const dropped = new Set(plan.drop)
        for (const one of manifests) {
          for (const path of filesOfState(one.manifest.state)) expect(dropped.has(path)).toBe(false)
        }
        const wanted = records.filter(
          ({ entry, atMs, number }) =>
            entry.type === 'manifest' &&
            (nowMs - atMs < limits.minRetentionMs ||
              entry.manifest.epoch >= epochs - limits.minEpochsToRetain ||
              entry.manifest.epoch >= epochs - 1 - uncommitted) &&
            number < plan.firstEntry,
        )
        expect(wanted).toEqual([])
        // And it does let go: nothing that no limit asks for stays, but for decisions ahead of their manifests.
        const spare = manifests.filter(
          ({ manifest: { epoch: of } }) =>
            of < epochs - limits.minEpochsToRetain &&
            (of + 2) * 1000 <= nowMs - limits.minRetentionMs &&
            of < epochs - 1 - uncommitted,
        )
        expect(spare.length).toBeLessThanOrEqual(ahead)
      },
    ),
    // The log begins behind the decision of epoch 1, whose checkpoint it holds.
    {
      examples: [
        [
          {
            epochs: 2,
            snapshotEvery: 1,
            uncommitted: 0,
            ahead: 2,
            minEpochsToRetain: 1,
            minRetentionMs: 0,
          },
        ],
      ],
    },
  )
})

test('the clean-up deletes what the log no longer names, and what dead attempts left', async () => {
  const files = virtualFileSystem()
  const log = await openEpochLog(logOptions(files))
  let state: Manifest['state'] = {}
  await log.append({ type: 'manifest', manifest: manifest(-1) })
  for (let number = 0; number < 10; number++) {
    await log.append(decision(number))
    const blocks = [{ operator: 'count', shard: 0, block: new Uint8Array([1]) }]
    const owner = { token: log.token, task: '1/0' }
    const deltas = await writeDelta(files, 'checkpoint', { owner, epoch: epoch(number), blocks })
    const path = `snapshots/${log.token}-${number}`
    await files.create(`checkpoint/${path}.hot`, new Uint8Array([1]))
    await files.makeFolder(`checkpoint/${path}.cold`)
    await files.create(`checkpoint/${path}.cold/entries`, new Uint8Array([1]))
    const snapshot = {
      fromEpoch: epoch(number + 1),
      validFrom: epoch(number),
      hot: [{ path: `${path}.hot`, offset: 0, length: 1, crc: 0 }],
      cold: { folder: `${path}.cold`, kind: 'memory' as const, files: [] },
    }
    state = foldState(state, [{ deltas, snapshots: [{ operator: 'count', shard: 0, snapshot }] }])
    await log.append({ type: 'manifest', manifest: manifest(number, { state }) })
    await log.append(committed(number))
  }
  const limits = { minEpochsToRetain: 2, minRetentionMs: 0 }
  await cleanUp({ files, root: 'checkpoint', log, minEntries: 1 }, limits, 1e9)
  const ofState = (): readonly string[] =>
    files.allFiles().filter((path) => /checkpoint\/(deltas|snapshots)\//.test(path))
  // A delta that its own snapshot covers is named by no manifest: the next attempt collects it.
  const snapshots = ofState().filter((path) => path.includes('snapshots/'))
  expect(snapshots).toEqual(
    ['1-8.cold/entries', '1-8.hot', '1-9.cold/entries', '1-9.hot'].map(
      (name) => `checkpoint/snapshots/${name}`,
    ),
  )
  await log.close()
  const next = await openEpochLog(logOptions(files))
  expect(planRecovery(next.entries).manifest?.epoch).toBe(9)
  await files.create('checkpoint/deltas/2-10-1=2f0', new Uint8Array())
  await removeOrphans({ files, root: 'checkpoint', log: next })
  expect(ofState()).toEqual(['checkpoint/deltas/2-10-1=2f0', ...snapshots].toSorted())
})
