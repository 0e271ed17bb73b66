import { crashGates } from './gates/all.ts'
import { testGates } from './gates/gate-test.ts'

testGates(crashGates)
