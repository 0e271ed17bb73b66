import { brokerRuns, disturbedBrokerRuns } from './broker-gates.ts'
import {
  damages,
  diskFaults,
  doubleCrashes,
  sameAgain,
  singleCrashes,
  zombies,
} from './crash-gates.ts'
import { fileCrashes } from './file-gates.ts'
import type { Gate } from './gate.ts'
import { poisonedRecords } from './poison-gates.ts'
import {
  clockJumps,
  disturbedRuns,
  interleavings,
  randomQueries,
  rescaledRuns,
} from './run-gates.ts'
import { transactionRuns } from './transaction-gates.ts'

/** Every claim that is counted, in the order of its table. */
export const gates: readonly Gate[] = [
  singleCrashes,
  fileCrashes,
  brokerRuns,
  transactionRuns,
  doubleCrashes,
  disturbedRuns,
  disturbedBrokerRuns,
  sameAgain,
  diskFaults,
  damages,
  zombies,
  clockJumps,
  poisonedRecords,
  randomQueries,
  interleavings,
  rescaledRuns,
]
