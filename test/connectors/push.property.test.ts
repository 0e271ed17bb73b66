import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SimulatedCrash, virtualFileSystem } from '../../properties/virtual-file-system.ts'
import { seededRandom } from '../../src/core/random.ts'
import { outcomeOf, pushProcess, readOn } from './push-world.ts'

const pushes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 8 })

/** Pushes and commits until the process dies at a step of the disk, then what the next one finds. */
async function afterDeath(
  sizes: readonly number[],
  death: { readonly atStep: number; readonly seed: number; readonly power: boolean },
) {
  let dead = false
  const files = virtualFileSystem({
    random: seededRandom(death.seed),
    onStep(_, number) {
      if (number < death.atStep) return
      dead = true
      throw new SimulatedCrash('here')
    },
  })
  const first = pushProcess(files)
  const accepted: number[] = []
  let committed = 0
  let next = 0
  const send = async (process: typeof first, id: number, numbers: readonly number[]) => {
    const rows = numbers.map((n) => ({ n }))
    return await outcomeOf(process.handle.push(rows, { id: String(id) }))
  }
  const groups = sizes.map((size) => Array.from({ length: size }, () => next++))
  try {
    let source = await first.start()
    for (const [id, numbers] of groups.entries()) {
      if ((await send(first, id, numbers)) === 'done') accepted.push(id)
      if (dead) break
      // A restart closes the file, so that commits have several to delete.
      await source.close()
      source = await first.start()
      if (id % 3 === 2) {
        const row = groups.slice(0, id).flat().length
        // The engine has it in its manifest before the source hears of it.
        committed = row
        await source.commit({ '0': row })
      }
    }
  } catch (thrown) {
    if (!(thrown instanceof SimulatedCrash)) throw thrown
  }
  const disk = death.power ? files.crash() : files.kill()
  const second = pushProcess(disk)
  const source = await second.start()
  const { numbers } = await readOn(source, { '0': committed })
  for (const [id, group] of groups.entries()) {
    if (!accepted.includes(id)) expect(await send(second, id, group)).toBe('done')
  }
  const all = await readOn(source, { '0': committed })
  return { found: numbers, all: all.numbers, groups, accepted, committed, dead }
}

test('what was accepted survives a death at any step, once and in order; a repeated push adds nothing', async () => {
  let deaths = 0
  await fc.assert(
    fc.asyncProperty(
      pushes,
      fc.record({ atStep: fc.nat(160), seed: fc.nat(1000), power: fc.boolean() }),
      async (sizes, death) => {
        const { found, all, groups, accepted, committed, dead } = await afterDeath(sizes, death)
        deaths += dead ? 1 : 0
        const expected = groups.flat().slice(committed)
        // A prefix of what was sent that holds at least everything accepted, in whole pushes.
        expect(found).toEqual(expected.slice(0, found.length))
        const lastAccepted = accepted.at(-1)
        const least =
          lastAccepted === undefined ? 0 : groups.slice(0, lastAccepted + 1).flat().length
        expect(found.length + committed).toBeGreaterThanOrEqual(least)
        const ends = groups.map((_, index) => groups.slice(0, index + 1).flat().length)
        expect([committed, ...ends]).toContain(found.length + committed)
        // Every push is sent again by a client that had no answer: nothing is missing or there twice.
        expect(all).toEqual(expected)
      },
    ),
    { numRuns: 800 },
  )
  expect(deaths).toBeGreaterThan(200)
}, 20_000)
