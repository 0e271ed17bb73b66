/**
 * `npm run laws:kafka -- [--rounds n] [--first n] [--version 3.9.2]`: the kill matrix over one broker of Kafka and over three,
 * half of the rounds each (200 in all by default). Prints each round, and at the end how often each fault struck.
 */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { killMatrix } from './kill-matrix.ts'
import { missingForBrokers, realBrokers } from './real-brokers.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '200' },
    first: { type: 'string', default: '0' },
    version: { type: 'string' },
  },
})
const missing = missingForBrokers()
if (missing !== undefined) throw new Error(missing)
const program = fileURLToPath(new URL('./killed-query.js', import.meta.url))
const print = (line: string): void => void process.stdout.write(`${line}\n`)
const all = new Map<string, number>()
let rounds = 0
let hung = 0
let heldBack = 0
for (const nodes of [1, 3]) {
  const brokers = await realBrokers({
    nodes,
    isProxied: true,
    ...(values.version === undefined ? {} : { version: values.version }),
  })
  try {
    const report = await killMatrix({
      brokers,
      nodes,
      program,
      rounds: Math.ceil(Number(values.rounds) / 2),
      first: Number(values.first),
      report: (line) => print(`${nodes} brokers, ${line}`),
    })
    rounds += report.rounds
    hung += report.hung
    heldBack += report.heldBack
    for (const [fault, times] of report.faults) {
      const name = `${fault}, ${nodes} brokers`
      all.set(name, (all.get(name) ?? 0) + times)
    }
  } finally {
    await brokers.stop()
  }
}
for (const [fault, times] of all) print(`${String(times).padStart(4)}  ${fault}`)
if (hung > 0) print(`${hung} transactions whose ends the brokers had lost were ended by hand`)
if (heldBack > 0) print(`${heldBack} rounds after which brokers hold committed rows back`)
print(`${rounds} rounds: 0 lost, 0 duplicated, marker = last epoch in each`)
