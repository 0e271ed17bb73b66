import fc from 'fast-check'
import { expect, test } from 'vitest'
import { logEntries } from '../../properties/logged-epochs.ts'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import { seededRandom } from '../../src/core/random.ts'
import type { EpochHeader } from '../../src/flow/message.ts'
import type { LogEntry } from '../../state/manifest.ts'
import { type InputRow, type StateCase, stateCases } from './state-models.ts'
import {
  oneStep,
  randomRows,
  readBack,
  remembered,
  startCase,
  stateSession,
} from './state-travel.ts'

const savepoint = 'savepoints/monday'

interface Branch {
  readonly lanes: number
  readonly steps: number
}

interface Story {
  readonly seed: number
  readonly before: number
  readonly stateCache: number
  readonly branches: readonly Branch[]
}

/** The headers of a log, whatever epoch it begins with. */
function headersOf(entries: readonly LogEntry[]): readonly EpochHeader[] {
  return entries.flatMap((entry) =>
    entry.type === 'decision' ? [entry.header as unknown as EpochHeader] : [],
  )
}

/**
 * A query takes a savepoint and goes on; queries begin with it, each with rows of its own. All of them must
 * end with the state that the model has after their epochs.
 */
async function branchOff(one: StateCase, { seed, before, stateCache, branches }: Story) {
  let files = virtualFileSystem()
  const random = seededRandom(seed)
  const rows = (step: number) => () => randomRows(random, step / 2, one.nulls)
  const given = Array.from({ length: one.inputs }, (): InputRow[] => [])
  let until: number | undefined
  const ids = new Set<string>()
  const settings = { seed, shards: 3, stateCache }
  const first = stateSession(files, { ...settings, life: 0, lanes: 2 })
  let shared: readonly InputRow[][] = []
  const begin = async (): Promise<void> => {
    const running = startCase(first.session, one, given, { checkpoint: 'origin' })
    for (let step = 0; step < before; step++) await oneStep(running, given, rows(step))
    shared = given.map((some) => [...some])
    const made = running.query.savepoint(savepoint)
    // Rows that come while the copy is made belong to the next epochs.
    for (let step = before; step < before + 5; step++) await oneStep(running, given, rows(step))
    until = (await made).epoch
    ids.add(running.query.id)
    await running.query.stop()
  }
  await first.simulation.run(begin())
  const origin = headersOf(await logEntries(files, 'origin'))
  const trunk = origin.filter(({ epoch }) => epoch <= (until ?? -1))
  for (const [index, { lanes, steps }] of branches.entries()) {
    files = files.kill()
    const checkpoint = `branch-${index}`
    const own = shared.map((some) => [...some])
    const life = stateSession(files, { ...settings, life: index + 1, lanes })
    const run = async (): Promise<void> => {
      const running = startCase(life.session, one, own, { checkpoint, from: savepoint })
      await running.query.processAllAvailable()
      ids.add(running.query.id)
      for (let step = before; step < before + steps; step++) {
        await oneStep(running, own, rows(step))
      }
      await running.query.stop()
      const after = headersOf(await logEntries(files, checkpoint))
      const expected = remembered(one, [...trunk, ...after], own).at(-1) ?? []
      for (const [at, view] of one.views.entries()) {
        const found = await readBack(life.session, view, checkpoint)
        expect(found, `view ${at} of ${checkpoint}`).toEqual(expected[at] ?? [])
      }
    }
    await life.simulation.run(run())
  }
  expect(ids.size, 'every branch is a query of its own').toBe(1 + branches.length)
  // Nobody has touched the original: it goes on from its own end.
  const expected = remembered(one, origin, given).at(-1) ?? []
  const last = stateSession(files, { ...settings, life: 9, lanes: 1 })
  const [view] = one.views
  if (view === undefined) throw new Error('nothing is looked at')
  await last.simulation.run(
    readBack(last.session, view, 'origin').then((found) => {
      expect(found).toEqual(expected[0] ?? [])
    }),
  )
  return trunk.length
}

test.each(stateCases)(
  'queries that begin with a savepoint of $name go on from it, the first one too',
  async (one) => {
    let epochs = 0
    const branch = fc.record({
      lanes: fc.constantFrom(1, 2, 3),
      steps: fc.integer({ min: 0, max: 12 }),
    })
    const stories = fc.record({
      seed: fc.integer({ min: 1, max: 1_000_000 }),
      before: fc.integer({ min: 0, max: 40 }),
      stateCache: fc.constantFrom(1, 1_000_000),
      branches: fc.array(branch, { minLength: 1, maxLength: 3 }),
    })
    await fc.assert(
      fc.asyncProperty(stories, async (story) => {
        epochs += await branchOff(one, story)
      }),
      { numRuns: 6, seed: 20_261_121 },
    )
    expect(epochs).toBeGreaterThan(50)
  },
  120_000,
)
