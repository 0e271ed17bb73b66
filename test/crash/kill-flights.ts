import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { killedProgram } from '../../properties/laws/killed-program.ts'
import { flightsProgram } from './flights-program.ts'

// Kills the main job at random moments and compares its output: `npm run kill [rounds] [seed]`.
const kills = Number(process.argv[2] ?? 10)
const given = process.argv[3]
const folder = mkdtempSync(join(tmpdir(), 'millrace-kill-'))
const main = fileURLToPath(new URL('../../examples/flights/main.js', import.meta.url))
try {
  const report = await killedProgram(flightsProgram(main, 20_000), {
    kills,
    folder,
    ...(given === undefined ? {} : { seed: Number(given) }),
    report: (line) => console.log(line),
  })
  const { killed, duringCommit, rounds, seed } = report
  console.log(`seed ${seed}: killed ${killed} times, ${duringCommit} of them during a commit`)
  console.log(`${rounds}/${rounds}`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
