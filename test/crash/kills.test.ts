import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { type BuiltPackage, buildPackage } from '../house/built-package.ts'
import { projectRoot } from '../house/tree.ts'
import { testGates } from '../laws/gates/gate-test.ts'
import { programGates } from '../laws/gates/program-gates.ts'

let built: BuiltPackage

beforeAll(() => {
  built = buildPackage()
  cpSync(join(projectRoot, 'examples'), join(built.folder, 'examples'), { recursive: true })
  expect(built.compile(['examples/flights/main.ts'])).toEqual([])
}, 120_000)

afterAll(() => {
  built.remove()
})

testGates(programGates(() => join(built.folder, 'examples/flights/main.js')))
