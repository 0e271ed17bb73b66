import { testGates } from './gates/gate-test.ts'
import { pressureGate } from './gates/pressure-gates.ts'
import { underPressure } from './pressure.ts'

testGates([pressureGate((kind) => underPressure(kind, 4))])
