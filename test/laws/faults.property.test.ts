import { damages, diskFaults, zombies } from './gates/crash-gates.ts'
import { testGates } from './gates/gate-test.ts'
import { poisonedRecords } from './gates/poison-gates.ts'
import {
  clockJumps,
  disturbedRuns,
  interleavings,
  randomQueries,
  rescaledRuns,
} from './gates/run-gates.ts'

testGates([
  disturbedRuns,
  diskFaults,
  damages,
  zombies,
  clockJumps,
  poisonedRecords,
  randomQueries,
  interleavings,
  rescaledRuns,
])
