import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  killedProgram,
  type ProgramUnderKill,
  sleptProgram,
} from '../../properties/laws/killed-program.ts'

/**
 * Counts into a file, notes every so many lines how far it is, and asks nobody whether it may. At its start it may
 * take back the lines that it had not noted.
 */
const source = `
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
const every = Number(process.argv[2])
const takesBack = process.argv[3] === 'true'
mkdirSync('log', { recursive: true })
let at = existsSync('noted') ? Number(readFileSync('noted', 'utf8')) : 0
if (takesBack && existsSync('out')) {
  const lines = readFileSync('out', 'utf8').split('\\n').slice(0, at)
  writeFileSync('out', lines.map((line) => line + '\\n').join(''))
}
while (at < 200) {
  appendFileSync('out', at + '\\n')
  at += 1
  if (at % every === 0) {
    writeFileSync('noted', String(at))
    writeFileSync('log/' + at, '"type":"manifest"')
  }
  await new Promise((resolve) => setTimeout(resolve, 2))
}
`
const seed = 20_260_101
let folder: string
let script: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-careless-'))
  script = join(folder, 'count.mjs')
  writeFileSync(script, source)
})

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

function noting(every: number, takesBack: boolean): ProgramUnderKill {
  return {
    command: () => [process.execPath, script, String(every), String(takesBack)],
    checkpoint: (own) => own,
    output: (own) => {
      const path = join(own, 'out')
      return existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : []
    },
  }
}

test('a program that begins some lines too early after its death is found', async () => {
  const run = killedProgram(noting(40, false), { kills: 10, seed, folder })
  await expect(run).rejects.toThrow(/round \d+, killed [^:]*:\n {2}rows too many: [1-9]/)
}, 60_000)

test('a program that goes on although it was replaced is found', async () => {
  const run = sleptProgram(noting(1, true), { seed, folder })
  await expect(run).rejects.toThrow(/after the first process woke:\n {2}rows too many: [1-9]/)
}, 60_000)
