import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decidedEpochs, logEntries } from '../../properties/logged-epochs.ts'
import { simulatedSession } from '../../properties/simulated-session.ts'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import { seededRandom } from '../../src/core/random.ts'
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

const checkpoint = 'checkpoint'

interface Travel {
  readonly seed: number
  readonly lives: readonly { readonly lanes: number; readonly steps: number }[]
  readonly stateCache: number
  readonly shards: number
}

/** What a travel went through. */
interface Travelled {
  readonly epochs: number
  /** Manifests that name a copy of a store. */
  readonly copies: number
}

/** Runs a query over several lives, then reads every epoch and compares it with the model. */
async function travel(
  one: StateCase,
  { seed, lives, stateCache, shards }: Travel,
): Promise<Travelled> {
  let files = virtualFileSystem()
  const random = seededRandom(seed)
  const given = Array.from({ length: one.inputs }, (): InputRow[] => [])
  const [firstView] = one.views
  let step = 0
  let live: readonly string[] = []
  for (const [life, { lanes, steps }] of lives.entries()) {
    files = files.kill()
    const { session, simulation } = stateSession(files, { seed, life, lanes, shards, stateCache })
    const run = async (): Promise<void> => {
      const running = startCase(session, one, given, { checkpoint })
      for (let left = steps; left > 0; left--, step++) {
        await oneStep(running, given, () => randomRows(random, step / 2, one.nulls))
      }
      if (firstView !== undefined) live = await readBack(session, firstView, checkpoint)
      await running.query.stop()
    }
    await simulation.run(run())
  }
  const entries = await logEntries(files, checkpoint)
  const headers = decidedEpochs(entries)
  const expected = remembered(one, headers, given)
  const { session, simulation } = simulatedSession({ seed, files, life: lives.length })
  const compare = async (): Promise<void> => {
    for (const [epoch, byView] of expected.entries()) {
      for (const [index, view] of one.views.entries()) {
        // The other views read the same entries: now and then is enough.
        if (index > 0 && epoch % 5 > 0) continue
        const found = await readBack(session, view, checkpoint, epoch)
        expect(found, `view ${index} of epoch ${epoch}`).toEqual(byView[index])
      }
    }
  }
  await simulation.run(compare())
  expect(live).toEqual(expected.at(-1)?.[0])
  return { epochs: expected.length, copies: entries.filter(namesCopy).length }
}

function namesCopy(entry: LogEntry): boolean {
  if (entry.type !== 'manifest') return false
  const shards = Object.values(entry.manifest.state).flatMap((state) => Object.values(state))
  return shards.some(({ snapshot }) => snapshot?.cold !== undefined)
}

test.each(stateCases)(
  'every epoch of $name can be read as it was',
  async (one) => {
    let epochs = 0
    let copies = 0
    const life = fc.record({
      lanes: fc.constantFrom(1, 2, 3),
      steps: fc.integer({ min: 1, max: 50 }),
    })
    const travels = fc.record({
      seed: fc.integer({ min: 1, max: 1_000_000 }),
      lives: fc.array(life, { minLength: 1, maxLength: 3 }),
      // With a small cache most entries lie in stores, and snapshots have a copy of these.
      stateCache: fc.constantFrom(1, 4096, 1_000_000),
      shards: fc.constantFrom(1, 3),
    })
    await fc.assert(
      fc.asyncProperty(travels, async (given) => {
        const travelled = await travel(one, given)
        epochs += travelled.epochs
        copies += travelled.copies
      }),
      {
        numRuns: 2,
        seed: 20_261_121,
        examples: [[{ seed: 7, lives: [{ lanes: 1, steps: 130 }], stateCache: 1, shards: 1 }]],
      },
    )
    expect(epochs).toBeGreaterThan(100)
    if (one.changes) expect(copies).toBeGreaterThan(10)
  },
  120_000,
)
