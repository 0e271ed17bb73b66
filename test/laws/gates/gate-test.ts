import { expect, inject, test } from 'vitest'
import { leaveFigures } from './figures.ts'
import { type Gate, runGate, tableRow } from './gate.ts'

const baseSeed = 20_261_121
const timeoutMs = 600_000

/** One test per gate; what each has tried stands in the table at the end of the run. */
export function testGates(gates: readonly Gate[]): void {
  test.each(gates)(
    '$id: $name',
    async (gate) => {
      const wanted = gate.wanted.test
      const state = await runGate(gate, wanted, baseSeed)
      leaveFigures(inject('figures'), tableRow(gate, state, wanted))
      expect(state.failures).toEqual([])
      expect(state.done).toBeGreaterThanOrEqual(wanted)
      for (const [name, least] of Object.entries(gate.least ?? {})) {
        expect([name, state.figures[name]]).toEqual([name, expect.toSatisfy((n) => n >= least)])
      }
    },
    timeoutMs,
  )
}
