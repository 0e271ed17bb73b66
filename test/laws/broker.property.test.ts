import { brokerRuns, disturbedBrokerRuns } from './gates/broker-gates.ts'
import { testGates } from './gates/gate-test.ts'
import { transactionRuns } from './gates/transaction-gates.ts'

testGates([transactionRuns, brokerRuns, disturbedBrokerRuns])
