import { expect, test } from 'vitest'
import { brokerRuns } from './gates/broker-gates.ts'
import { gateTable, runGate } from './gates/gate.ts'
import { transactionRuns } from './gates/transaction-gates.ts'

const seed = 20_261_121

test('transactions are committed once and in order whatever happens to their requests', async () => {
  const wanted = transactionRuns.wanted.test
  const state = await runGate(transactionRuns, wanted, seed)
  console.log(gateTable([{ gate: transactionRuns, state, wanted }]))
  expect(state.failures).toEqual([])
}, 120_000)

test('whatever happens to a query between brokers, its rows count once', async () => {
  const state = await runGate(brokerRuns, brokerRuns.wanted.test, seed)
  console.log(gateTable([{ gate: brokerRuns, state, wanted: brokerRuns.wanted.test }]))
  expect(state.failures).toEqual([])
}, 300_000)
