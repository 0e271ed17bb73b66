import fc from 'fast-check'
import { expect, test } from 'vitest'
import { StreamError } from '../../src/core/error.ts'
import { epoch } from '../../src/core/units.ts'
import type { LogEntry } from '../../state/manifest.ts'
import { type Authoritative, planRecovery } from '../../state/recovery.ts'
import { committed, decision, manifest, published, taken } from './log-kit.ts'

const attempt: LogEntry = {
  type: 'attempt',
  token: 1,
  attempt: 'a',
  atMs: 0,
  format: 1,
  queryId: 'query',
}

const says = (number: number): Authoritative => ({
  epoch: epoch(number),
  snapshotId: `snapshot ${number}`,
})

function refusal(entries: readonly LogEntry[], authoritative?: Authoritative): string {
  try {
    planRecovery(entries, authoritative)
  } catch (thrown) {
    if (thrown instanceof StreamError && thrown.code === 'CHECKPOINT_CORRUPT') {
      return String(thrown.message)
    }
    throw thrown
  }
  return 'no refusal'
}

/** Three epochs: 0 committed, 1 published, 2 decided. */
const history: readonly LogEntry[] = [
  attempt,
  published(-1),
  decision(0),
  decision(1),
  published(0),
  committed(0),
  decision(2),
  published(1),
]

test('a first start has nothing to do', () => {
  const nothing = { voids: undefined, manifest: undefined, commitAgain: undefined, runAgain: [] }
  expect(planRecovery([attempt])).toEqual(nothing)
  expect(planRecovery([attempt], 'none')).toEqual(nothing)
})

test('decisions without a manifest run again in order, on the initial checkpoint too', () => {
  const plan = planRecovery([attempt, published(-1), decision(0), decision(1), attempt])
  expect(plan.manifest).toEqual(manifest(-1))
  expect(plan.commitAgain).toBeUndefined()
  expect(plan.runAgain).toEqual([
    { epoch: 0, header: { of: 0 } },
    { epoch: 1, header: { of: 1 } },
  ])
})

test('without an authoritative sink the newest manifest stands and is committed again', () => {
  const plan = planRecovery(history)
  expect(plan.voids).toBeUndefined()
  expect(plan.manifest).toEqual(manifest(1))
  expect(plan.commitAgain).toEqual({
    epoch: 1,
    snapshotId: 'snapshot 1',
    committables: { sink: 'files of 1' },
    noteMissing: true,
  })
  expect(plan.runAgain.map((one) => one.epoch)).toEqual([2])
  expect(planRecovery([...history, committed(1)]).commitAgain?.noteMissing).toBe(false)
})

test('an authoritative sink that has the newest manifest changes nothing', () => {
  expect(planRecovery(history, says(1))).toEqual(planRecovery(history))
})

test('an authoritative sink one epoch behind takes the newest manifest back', () => {
  const plan = planRecovery(history, says(0))
  expect(plan.voids).toEqual(taken(0))
  expect(plan.manifest).toEqual(manifest(0))
  expect(plan.commitAgain?.committables).toEqual({ sink: 'files of 0' })
  expect(plan.runAgain.map((one) => one.epoch)).toEqual([1, 2])
})

test('a sink that has committed the initial checkpoint only takes back the first epoch', () => {
  const early = history.slice(0, 5)
  const plan = planRecovery(early, says(-1))
  expect(plan.voids).toEqual(taken(-1))
  expect(plan.manifest?.epoch).toBe(-1)
  expect(plan.runAgain.map((one) => one.epoch)).toEqual([0, 1])
})

test('a sink without a word is believed at the first start, and when its last commit was noted', () => {
  expect(planRecovery([attempt, published(-1), decision(0)], 'none').manifest?.epoch).toBe(-1)
  const noted = [...history, committed(1)]
  expect(planRecovery(noted, 'none')).toEqual(planRecovery(noted))
})

test('after a void the epoch is published anew under another identity', () => {
  const again: LogEntry = {
    type: 'manifest',
    manifest: manifest(1, { snapshotId: 'other 1', parentSnapshotId: 'snapshot 0' }),
  }
  const plan = planRecovery([...history, attempt, taken(0), again], {
    epoch: epoch(1),
    snapshotId: 'other 1',
  })
  expect(plan.manifest?.snapshotId).toBe('other 1')
  expect(refusal([...history, attempt, taken(0), again], says(1))).toMatch(/does not know/)
})

test('a history that this engine cannot have written is refused', () => {
  const cases: readonly (readonly [RegExp, readonly LogEntry[], Authoritative?])[] = [
    [/does not know/, history, { epoch: epoch(1), snapshotId: 'unheard of' }],
    [/nothing says that it has epoch 1/, history, 'none'],
    [/nothing says that it has epoch 0/, history.slice(0, 5), 'none'],
    [/was noted/, [...history, committed(1)], says(0)],
    [/was published/, [...history.filter((entry) => entry.type !== 'committed')], says(-1)],
    [/decided before the first/, [attempt, decision(0)]],
    [/where 2 is next/, [published(-1), decision(0), decision(1), decision(3)]],
    [/where 1 is next/, [published(-1), decision(0), decision(0)]],
    [/after its checkpoint/, [published(3), decision(3)]],
    [/does not follow/, [published(-1), decision(0), decision(1), published(1)]],
    [/does not follow/, [published(-1), decision(0), published(0), published(0)]],
    [/no decision/, [published(-1), published(0)]],
    [/unknown checkpoint/, [...history, { ...committed(1), snapshotId: 'x' } as LogEntry]],
    [/to go back to is unknown/, [...history, { ...taken(1), snapshotId: 'x' } as LogEntry]],
    [/taken back/, [...history, committed(1), taken(0)]],
  ]
  for (const [pattern, entries, authoritative] of cases) {
    expect(refusal(entries, authoritative)).toMatch(pattern)
  }
})

test('any prefix of a history recovers to its newest manifest and runs exactly the rest again', () => {
  fc.assert(
    fc.property(fc.nat(30), fc.nat(200), (epochs, cut) => {
      const entries: LogEntry[] = [attempt, published(-1)]
      for (let number = 0; number < epochs; number++) {
        entries.push(decision(number))
        if (number > 0) entries.push(published(number - 1), committed(number - 1))
      }
      const prefix = entries.slice(0, Math.max(2, cut % (entries.length + 1)))
      const plan = planRecovery(prefix)
      const manifests = prefix.filter(({ type }) => type === 'manifest').length
      const decisions = prefix.filter(({ type }) => type === 'decision').length
      expect(plan.manifest?.epoch).toBe(manifests - 2)
      expect(plan.runAgain.map((one) => one.epoch)).toEqual(
        Array.from({ length: decisions - (manifests - 1) }, (_, index) => manifests - 1 + index),
      )
    }),
  )
})
