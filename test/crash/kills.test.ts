import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type BuiltPackage, buildPackage } from '../house/built-package.ts'
import { projectRoot } from '../house/tree.ts'
import { killRounds } from './kill-rounds.ts'

let built: BuiltPackage

beforeAll(() => {
  built = buildPackage()
  cpSync(join(projectRoot, 'examples'), join(built.folder, 'examples'), { recursive: true })
  expect(built.compile(['examples/flights/main.ts'])).toEqual([])
}, 120_000)

afterAll(() => built.remove())

test('twenty kills of a real process with RocksDB and files change nothing in the output', async () => {
  const seed = Number(process.env['MILLRACE_SEED'] ?? 20_260_101)
  const rounds = 20
  const report = await killRounds({
    program: join(built.folder, 'examples/flights/main.js'),
    flights: 1_500,
    rounds,
    seed,
    report: (line) => console.log(`seed ${seed}, ${line}`),
  })
  expect(report.equal).toBe(rounds)
  // Kills that come after the end prove nothing.
  expect(report.killed).toBeGreaterThanOrEqual(12)
  expect(report.duringCommit).toBeGreaterThanOrEqual(2)
}, 400_000)
