import { randomInt } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { killRounds } from './kill-rounds.ts'

// Kills the main job at random moments and compares its output: `npm run kill [rounds] [seed]`.
const rounds = Number(process.argv[2] ?? 10)
const seed = Number(process.argv[3] ?? randomInt(2 ** 31))
console.log(`${rounds} rounds, seed ${seed}`)

const report = await killRounds({
  program: fileURLToPath(new URL('../../examples/flights/main.js', import.meta.url)),
  flights: 20_000,
  rounds,
  seed,
  report: (line) => console.log(line),
})
console.log(`killed ${report.killed} times, ${report.duringCommit} of them during a commit`)
console.log(`${report.equal}/${report.rounds}`)
process.exitCode = report.equal === report.rounds ? 0 : 1
