/**
 * `npm run laws:mutants -- [--only text] [--minutes n] [--at-once n]`: plants each fault of `faults.ts` and
 * `broker-mistakes.ts` by itself in a copy of the sources, builds it, and runs the gates that are to find it until
 * one fails, at most so many minutes each (5 by default), in so many copies at once (2 by default). Prints what was
 * caught by which gate after how much, and ends with caught/total; exit code 1 if any fault stays unnoticed.
 */
import { execFile } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { GateState } from '../gates/gate.ts'
import { brokerMistakes } from './broker-mistakes.ts'
import { type PlantedFault, plantedFaults } from './faults.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    minutes: { type: 'string', default: '5' },
    'at-once': { type: 'string', default: '2' },
  },
})
const all = [...plantedFaults, ...brokerMistakes]
const chosen = all.filter(({ name, area }) => `${area}: ${name}`.includes(values.only))
const waiting = [...chosen]
let caught = 0
await Promise.all(Array.from({ length: Number(values['at-once']) }, inOneCopy))
process.stdout.write(`${caught}/${chosen.length} caught\n`)
if (caught < chosen.length || chosen.length === 0) process.exitCode = 1

/** Takes one fault after the other, in a copy of the sources of its own. */
async function inOneCopy(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-mutants-'))
  try {
    copySources(folder)
    for (let fault = waiting.shift(); fault !== undefined; fault = waiting.shift()) {
      const by = await tried(fault, folder)
      if (by !== undefined) caught += 1
      process.stdout.write(`${fault.area}: ${fault.name}: ${by ?? 'NOT CAUGHT'}\n`)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function copySources(folder: string): void {
  const root = process.cwd()
  for (const name of ['src', 'actors', 'state', 'properties', 'test', 'bench', 'examples']) {
    cpSync(join(root, name), join(folder, name), { recursive: true })
  }
  for (const name of ['package.json', 'tsconfig.json', 'vitest.config.ts']) {
    cpSync(join(root, name), join(folder, name))
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
}

/** What caught the fault; `undefined` if nothing did. */
async function tried(fault: PlantedFault, folder: string): Promise<string | undefined> {
  const { file, also, gates } = fault
  const path = join(folder, file)
  const text = readFileSync(path, 'utf8')
  const changed = [fault, ...(also === undefined ? [] : [also])].reduce((before, change) => {
    const parts = before.split(change.find)
    if (parts.length === 2) return parts.join(change.replace)
    throw new Error(`${file} holds ${change.find} ${parts.length - 1} times`)
  }, text)
  writeFileSync(path, changed)
  try {
    // What a mistake leaves unused is none of its own.
    const unused = ['--noUnusedLocals', 'false', '--noUnusedParameters', 'false']
    const built = await run(folder, join('node_modules', '.bin', 'tsc'), unused)
    if (built.status !== 0) {
      throw new Error(`the changed ${file} does not compile:\n${built.output}`)
    }
    for (const gate of gates) {
      const by = await caughtBy(gate, folder)
      if (by !== undefined) return by
    }
    return undefined
  } finally {
    writeFileSync(path, text)
  }
}

async function caughtBy(gate: string, folder: string): Promise<string | undefined> {
  const state = join(folder, 'laws.json')
  rmSync(state, { force: true })
  const program = join('dist', 'test', 'laws', 'main.js')
  const options = ['--only', gate, '--minutes', values.minutes, '--until-failure', '--state', state]
  const { status } = await run(folder, process.execPath, [program, ...options])
  if (status === 0) return undefined
  if (!existsSync(state)) return `${gate}, which could not even begin`
  const states: Readonly<Record<string, GateState>> = JSON.parse(readFileSync(state, 'utf8'))
  const { rounds = 0, done = 0, seconds = 0 } = states[gate] ?? {}
  return `${gate}, round ${rounds}, after ${done} in ${seconds.toFixed(0)} s`
}

/** A program to its end; the status of one that was killed is `null`. */
function run(
  folder: string,
  command: string,
  parts: readonly string[],
): Promise<{ readonly status: number | null; readonly output: string }> {
  return new Promise((resolve) => {
    const options = { cwd: folder, maxBuffer: 1 << 28 }
    const child = execFile(command, parts, options, (_, output) =>
      resolve({ status: child.exitCode, output }),
    )
  })
}
