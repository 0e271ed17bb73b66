import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { killedProgram, sleptProgram } from '../../properties/laws/killed-program.ts'
import { type BuiltPackage, buildPackage } from '../house/built-package.ts'
import { projectRoot } from '../house/tree.ts'
import { leaveFigures } from '../laws/gates/figures.ts'
import { flightsProgram } from './flights-program.ts'

const seed = 20_260_101
let built: BuiltPackage
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-kill-'))
  built = buildPackage()
  cpSync(join(projectRoot, 'examples'), join(built.folder, 'examples'), { recursive: true })
  expect(built.compile(['examples/flights/main.ts'])).toEqual([])
}, 120_000)

afterAll(() => {
  built.remove()
  rmSync(folder, { recursive: true, force: true })
})

test('twenty kills of a real process with RocksDB and files change nothing in the output', async () => {
  const kills = 20
  const startMs = performance.now()
  const program = flightsProgram(join(built.folder, 'examples/flights/main.js'), 1_500)
  const report = await killedProgram(program, { kills, seed, folder })
  const { killed, duringCommit, rows } = report
  leaveFigures(inject('figures'), {
    id: 'G7',
    name: 'a real process that is killed leaves the output of one that nobody killed',
    done: `${killed} of ${kills} kills`,
    rounds: report.rounds,
    seconds: (performance.now() - startMs) / 1000,
    failed: 0,
    figures: `during a commit ${duringCommit}, rows ${rows}`,
  })
  // Kills that come after the end prove nothing.
  expect(killed).toBeGreaterThanOrEqual(12)
  expect(duringCommit).toBeGreaterThanOrEqual(2)
}, 400_000)

test('a real process that is stopped, replaced and woken writes nothing more', async () => {
  const program = flightsProgram(join(built.folder, 'examples/flights/main.js'), 1_500)
  const { slept, end } = await sleptProgram(program, { seed, folder })
  expect(slept).toBe(true)
  // It is told that another one took its place.
  expect(end.output).toContain('FENCED')
  expect(end.exitCode).not.toBe(0)
}, 120_000)
