import { expect, test } from 'vitest'
import { brokerRuns, disturbedBrokerRuns } from './gates/broker-gates.ts'
import { gateTable, runGate } from './gates/gate.ts'
import { transactionRuns } from './gates/transaction-gates.ts'

const seed = 20_261_121

test.each([transactionRuns, brokerRuns, disturbedBrokerRuns])(
  '$id: $name',
  async (gate) => {
    const wanted = gate.wanted.test
    const state = await runGate(gate, wanted, seed)
    console.log(gateTable([{ gate, state, wanted }]))
    expect(state.failures).toEqual([])
  },
  300_000,
)
