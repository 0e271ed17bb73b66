import fc from 'fast-check'
import { afterEach, expect, test, vi } from 'vitest'
import { type Law, LawFailure, runLaw } from '../../properties/laws/run-law.ts'

const small: Law<number> = {
  name: 'small',
  cases: fc.nat(),
  holds: async (number) => {
    if (number > 10) throw new Error(`${number} is too large`)
  },
  describe: (number) => `the number ${number}`,
}

async function failureOf(run: Promise<unknown>): Promise<LawFailure> {
  const thrown: unknown = await run.catch((error: unknown) => error)
  if (!(thrown instanceof LawFailure)) throw new Error(`no law failed: ${String(thrown)}`)
  return thrown
}

/** The same law, and every case that it was tried on. */
function watched(law: Law<number>): { readonly law: Law<number>; readonly tried: number[] } {
  const tried: number[] = []
  const holds = async (number: number): Promise<void> => {
    tried.push(number)
    await law.holds(number)
  }
  return { law: { ...law, holds }, tried }
}

afterEach(() => vi.unstubAllEnvs())

test('a failure shows the smallest case, and how to see it again', async () => {
  const failure = await failureOf(runLaw(small, { seed: 3 }))
  expect(failure).toMatchObject({ law: 'small', seed: 3, counterexample: 11 })
  expect(failure.message).toContain('small does not hold: 11 is too large')
  expect(failure.message).toContain('the number 11')
  expect(failure.message).toContain(`MILLRACE_REPLAY='${failure.replay}' npx vitest run`)
})

test('what was printed runs that case first, given as an option or by the environment', async () => {
  const { replay } = await failureOf(runLaw(small, { seed: 3 }))
  const byOption = watched(small)
  await failureOf(runLaw(byOption.law, { replay }))
  expect(byOption.tried[0]).toBe(11)
  vi.stubEnv('MILLRACE_REPLAY', replay)
  const byEnvironment = watched(small)
  await failureOf(runLaw(byEnvironment.law, {}))
  expect(byEnvironment.tried[0]).toBe(11)
  // Another law goes its own way.
  const other = watched({ ...small, name: 'other', holds: async () => undefined })
  await runLaw(other.law, { runs: 7 })
  expect(other.tried).toHaveLength(7)
})

test('no case begins after the time is over, and what was found is made smaller all the same', async () => {
  const fine = watched({ ...small, holds: async () => undefined })
  const { cases } = await runLaw(fine.law, { runs: 1_000, seconds: 0 })
  expect(cases).toBeGreaterThan(0)
  expect(cases).toBeLessThan(10)
  expect(fine.tried).toHaveLength(cases)
  const slow: Law<number> = {
    ...small,
    cases: fc.integer({ min: 1_000, max: 100_000 }),
    async holds() {
      await new Promise((resolve) => setTimeout(resolve, 20))
      throw new Error('never')
    },
  }
  const failure = await failureOf(runLaw(slow, { seconds: 0.001, seed: 1 }))
  expect(failure.counterexample).toBe(1_000)
})
