import { expect, test } from 'vitest'
import { testGates } from './gates/gate-test.ts'
import { goldenRestarts } from './gates/golden-gates.ts'
import { formats } from './golden/golden-file.ts'

test('the first format that was released is still tried', () => {
  expect(formats()).toContain('format-1')
})

testGates([goldenRestarts])
