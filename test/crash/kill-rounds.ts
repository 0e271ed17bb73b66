import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, watch } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runProgram } from '../house/run-program.ts'

export interface KillOptions {
  /** The compiled main job, `examples/flights/main.js`. */
  readonly program: string
  /** How many flights it reads; fewer make a round shorter. */
  readonly flights: number
  readonly rounds: number
  /** The same seed kills at the same moments, as far as a real machine allows. */
  readonly seed: number
  /** Called after each round. */
  readonly report?: (line: string) => void
}

export interface KillReport {
  readonly rounds: number
  /** Rounds whose output was that of the run that nobody killed. */
  readonly equal: number
  /** Rounds in which the process died before its end; the others came too late. */
  readonly killed: number
  /** Kills at the moment when output became visible. */
  readonly duringCommit: number
}

/** A run takes no longer, killed or not. */
const runMsMax = 120_000

/**
 * Runs the main job once in peace, then round after round with a kill −9 at a random moment and a
 * second run to the end. Every fifth kill is aimed at a commit, the narrowest window there is.
 */
export async function killRounds(options: KillOptions): Promise<KillReport> {
  const random = sequence(options.seed)
  const started = performance.now()
  const wanted = await inFolder(async (folder) => {
    await runToTheEnd(options, folder)
    return outputRows(folder)
  })
  const wholeMs = performance.now() - started
  if (wanted.length === 0) throw new Error('the undisturbed run wrote no rows')

  const report = { rounds: options.rounds, equal: 0, killed: 0, duringCommit: 0 }
  for (let round = 0; round < options.rounds; round++) {
    const aimed = round % 5 === 4
    const share = random()
    await inFolder(async (folder) => {
      const killed = aimed
        ? await killAtCommit(options, folder, 1 + Math.floor(share * 20))
        : await killAfter(options, folder, share * wholeMs)
      await runToTheEnd(options, folder)
      const equal = JSON.stringify(outputRows(folder)) === JSON.stringify(wanted)
      if (equal) report.equal++
      if (killed) report.killed++
      if (killed && aimed) report.duringCommit++
      const moment = aimed ? 'during a commit' : `after ${Math.round(share * wholeMs)} ms`
      options.report?.(
        `round ${round + 1}: ${killed ? `killed ${moment}` : 'ended first'}, ${equal ? 'equal' : 'DIFFERENT'}`,
      )
    })
  }
  return report
}

/** Every committed row as text, sorted: what a reader of the output folder sees. */
export function outputRows(folder: string): readonly string[] {
  const output = join(folder, 'output')
  if (!existsSync(output)) return []
  const visible = readdirSync(output).filter((name) => /^[^._].*\.json$/.test(name))
  const lines = visible.flatMap((name) => readFileSync(join(output, name), 'utf8').split('\n'))
  return lines.filter(Boolean).sort()
}

async function runToTheEnd({ program, flights }: KillOptions, folder: string): Promise<void> {
  const outcome = await runProgram(program, {
    timeoutMs: runMsMax,
    arguments: [folder, String(flights)],
  })
  if (outcome.exitCode !== 0)
    throw new Error(`the run ended with ${outcome.exitCode}: ${outcome.output}`)
}

async function killAfter(options: KillOptions, folder: string, delayMs: number): Promise<boolean> {
  const child = start(options, folder)
  const timer = setTimeout(() => child.kill('SIGKILL'), delayMs)
  const killed = await wasKilled(child)
  clearTimeout(timer)
  return killed
}

/** Kills when the output folder has changed so many times: a file of an epoch is being renamed in. */
async function killAtCommit(
  options: KillOptions,
  folder: string,
  changes: number,
): Promise<boolean> {
  const child = start(options, folder)
  let seen = 0
  const top = watch(folder, () => {
    if (!existsSync(join(folder, 'output')) || seen > 0) return
    seen = 1
    const output = watch(join(folder, 'output'), (_, name) => {
      // Hidden files are being prepared; visible ones are being committed.
      if (name === null || /^[._]/.test(name)) return
      seen++
      if (seen > changes) child.kill('SIGKILL')
    })
    child.on('exit', () => output.close())
  })
  const killed = await wasKilled(child)
  top.close()
  return killed
}

function start({ program, flights }: KillOptions, folder: string): ChildProcess {
  return spawn(process.execPath, [program, folder, String(flights)], { stdio: 'ignore' })
}

function wasKilled(child: ChildProcess): Promise<boolean> {
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (_, signal) => resolve(signal === 'SIGKILL'))
  })
}

async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-kill-'))
  try {
    return await use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Numbers in [0, 1) that depend on the seed only (mulberry32). */
function sequence(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
