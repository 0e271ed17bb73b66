import { expect, test } from 'vitest'
import { brokerRuns } from './gates/broker-gates.ts'
import { gateTable, runGate } from './gates/gate.ts'

const seed = 20_261_121

test('whatever happens to a query between brokers, its rows count once', async () => {
  const state = await runGate(brokerRuns, brokerRuns.wanted.test, seed)
  console.log(gateTable([{ gate: brokerRuns, state, wanted: brokerRuns.wanted.test }]))
  expect(state.failures).toEqual([])
}, 300_000)
