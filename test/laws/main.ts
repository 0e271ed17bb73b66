/**
 * `npm run laws -- [--minutes n] [--only G1,G5] [--seed n] [--state file] [--until-failure]`: the laws of the engine on random
 * pipelines for as long as is asked, 60 minutes by default, each gate with the same share of what a long run wants.
 * What was done is kept in a file: the next call goes on with new seeds. Ends with the table of figures, and with
 * exit code 1 if any claim failed.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { gates as simulatedGates } from './gates/all.ts'
import { type GateState, gateTable, nothingDone, oneRound, tableRow } from './gates/gate.ts'
import { pressedProcess, pressureGate } from './gates/pressure-gates.ts'
import { programGates } from './gates/program-gates.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    only: { type: 'string', default: '' },
    seed: { type: 'string', default: '1' },
    state: { type: 'string', default: '.millrace/laws.json' },
    'until-failure': { type: 'boolean', default: false },
  },
})
const flights = fileURLToPath(new URL('../../examples/flights/main.js', import.meta.url))
const gates = [
  ...simulatedGates,
  ...programGates(() => flights),
  pressureGate((kind) => pressedProcess(kind, 60)),
]
const chosen = gates.filter(({ id }) => values.only === '' || values.only.split(',').includes(id))
if (chosen.length === 0) {
  throw new Error(`no gate ${values.only}: there are ${gates.map(({ id }) => id).join(', ')}`)
}
const states = new Map<string, GateState>(Object.entries(readStates()))
const stateOf = (id: string): GateState => states.get(id) ?? nothingDone
const endMs = performance.now() + Number(values.minutes) * 60_000
const tableEveryMs = 60_000
let tableMs = performance.now() + tableEveryMs

while (performance.now() < endMs && !(values['until-failure'] && hasFailed())) {
  // The one that lags behind most is next.
  const [gate] = chosen.toSorted(
    (left, right) =>
      stateOf(left.id).done / left.wanted.long - stateOf(right.id).done / right.wanted.long,
  )
  if (gate === undefined) break
  const before = stateOf(gate.id)
  const after = await oneRound(gate, before, Number(values.seed) * 1_000_003)
  states.set(gate.id, after)
  writeStates()
  for (const { seed, why } of after.failures.slice(before.failures.length)) {
    process.stdout.write(`${gate.id} FAILED, round seed ${seed}: ${why}\n`)
  }
  if (performance.now() < tableMs) continue
  tableMs = performance.now() + tableEveryMs
  printTable()
}
printTable()
if (hasFailed()) process.exitCode = 1

function hasFailed(): boolean {
  return chosen.some(({ id }) => stateOf(id).failures.length > 0)
}

function printTable(): void {
  const rows = chosen.map((gate) => tableRow(gate, stateOf(gate.id), gate.wanted.long))
  process.stdout.write(`${gateTable(rows)}\n`)
}

function readStates(): Readonly<Record<string, GateState>> {
  try {
    return JSON.parse(readFileSync(values.state, 'utf8'))
  } catch {
    return {}
  }
}

function writeStates(): void {
  mkdirSync(dirname(values.state), { recursive: true })
  writeFileSync(values.state, JSON.stringify(Object.fromEntries(states), undefined, 2))
}
