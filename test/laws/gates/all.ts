import { brokerRuns, disturbedBrokerRuns } from './broker-gates.ts'
import { compiledStages } from './compile-gates.ts'
import {
  damages,
  diskFaults,
  doubleCrashes,
  sameAgain,
  singleCrashes,
  zombies,
} from './crash-gates.ts'
import { fileCrashes } from './file-gates.ts'
import { fleetRuns } from './fleet-gates.ts'
import { spoiltReads } from './fuzz-gates.ts'
import type { Gate } from './gate.ts'
import { goldenRestarts } from './golden-gates.ts'
import { poisonedRecords } from './poison-gates.ts'
import {
  clockJumps,
  disturbedRuns,
  interleavings,
  randomQueries,
  rescaledRuns,
} from './run-gates.ts'
import { spellings } from './spelling-gates.ts'
import { taskStates } from './task-state-gates.ts'
import { transactionRuns } from './transaction-gates.ts'

/** Deaths of a process. */
export const crashGates: readonly Gate[] = [singleCrashes, fileCrashes, doubleCrashes, sameAgain]

/** Queries between brokers, and their transactions alone. */
export const brokerGates: readonly Gate[] = [
  brokerRuns,
  transactionRuns,
  disturbedBrokerRuns,
  fleetRuns,
]

/** Everything else that may go wrong, and what must not depend on how a query is run. */
export const faultGates: readonly Gate[] = [
  disturbedRuns,
  taskStates,
  diskFaults,
  damages,
  zombies,
  clockJumps,
  poisonedRecords,
  randomQueries,
  spellings,
  interleavings,
  rescaledRuns,
]

/** Every claim that is counted and needs no process of its own. */
export const gates: readonly Gate[] = [
  ...crashGates,
  ...brokerGates,
  ...faultGates,
  compiledStages,
  spoiltReads,
  goldenRestarts,
]
