import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { outputRows } from '../../crash/flights-program.ts'
import { type BuiltPackage, buildPackage } from '../../house/built-package.ts'
import { runProgram } from '../../house/run-program.ts'
import { projectRoot } from '../../house/tree.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-main-job-'))
let built: BuiltPackage

beforeAll(() => {
  built = buildPackage()
  cpSync(join(projectRoot, 'examples'), join(built.folder, 'examples'), { recursive: true })
  expect(built.compile(['examples/flights/main.ts'])).toEqual([])
}, 120_000)

afterAll(() => {
  built.remove()
  rmSync(folder, { recursive: true })
})

test('the main job equals its batch answer, and a second run adds nothing', async () => {
  const program = join(built.folder, 'examples/flights/main.js')
  const options = { timeoutMs: 100_000, arguments: [folder, '3000'] }

  const first = await runProgram(program, options)
  expect(first.exitCode, first.output).toBe(0)
  expect(first.output).toContain('equal to the batch answer: yes')
  // What the engine reported as late is what the rule says is late.
  const [, late, seen] =
    /late rows: (\d+) of 3000, (\d+) of them in this run/.exec(first.output) ?? []
  expect(Number(late), first.output).toBeGreaterThan(0)
  expect(seen).toBe(late)
  const rows = outputRows(folder)
  expect(rows.length).toBeGreaterThan(1_000)

  const second = await runProgram(program, options)
  expect(second.exitCode, second.output).toBe(0)
  expect(second.output).toContain('nothing new')
  expect(second.output).toContain('equal to the batch answer: yes')
  expect(outputRows(folder)).toEqual(rows)
}, 240_000)
