import { doubleCrashes, sameAgain, singleCrashes } from './gates/crash-gates.ts'
import { fileCrashes } from './gates/file-gates.ts'
import { testGates } from './gates/gate-test.ts'

testGates([singleCrashes, fileCrashes, doubleCrashes, sameAgain])
