import { spawn } from 'node:child_process'
import { systemClock } from '../src/core/system-clock.ts'
import { calibrate, drift, driftMax } from './calibrate.ts'
import { busySeconds, loadOfLastMinute, loadOnceQuiet, thisMachine } from './machine.ts'
import { type MeasuredRun, reportedRun } from './measured-run.ts'
import { type Spread, spreadOf } from './statistics.ts'

/** One side of a comparison: a Node program that calls `reportRun`. */
export interface Contender {
  readonly name: string
  /** Arguments of Node: the script and what it takes. */
  readonly args: readonly string[]
}

/** All runs of one contender. */
export interface Measurement {
  readonly name: string
  readonly events: number
  readonly runs: readonly MeasuredRun[]
  readonly eventsPerCpuSecond: Spread
  readonly cpuSeconds: Spread
  readonly wallSeconds: Spread
  readonly rssBytesMax: Spread
}

/** How far figures can be trusted. */
export interface Trust {
  /** Why they should not be; empty when nothing was found. Never dropped silently. */
  readonly doubts: readonly string[]
  /** The share by which they may be wrong, as the machine changed its speed meanwhile; 0 if it kept it. */
  readonly margin: number
}

/** A comparison and everything that speaks against it. */
export interface Comparison extends Trust {
  readonly measurements: readonly Measurement[]
}

export interface MeasureOptions {
  /** Events that each run reads, for the rate. */
  readonly events: number
  /** At least 5 for a figure that is published. */
  readonly runs: number
  /** Load of the last minute before anything was measured; later it is our own. Default: as of now. */
  readonly load?: number
}

/** A load above this before the start means that the machine had other work. */
const loadMax = 0.5

/** So many runs are needed to publish. */
const runsMin = 5

/** The load before a measurement of so many runs: what is to be published waits until the machine is quiet. */
export async function loadBefore(runs: number): Promise<number> {
  return runs < runsMin ? loadOfLastMinute() : await loadOnceQuiet(loadMax)
}

/** More of the machine than this in other hands during the runs is a doubt. */
const othersMax = 0.03

/**
 * Runs the contenders in turn, there and back (A B C C B A …), so that none of them always comes after the same
 * other one; each run in a process of its own, between two calibrations.
 * A contender whose runs give different results is an error, not a doubt.
 */
export async function compare(
  contenders: readonly Contender[],
  options: MeasureOptions,
): Promise<Comparison> {
  const load = options.load ?? loadOfLastMinute()
  const before = calibrate()
  const watch = watchOthers()
  const runs = new Map(contenders.map(({ name }): [string, MeasuredRun[]] => [name, []]))
  for (let turn = 0; turn < options.runs; turn++) {
    for (const contender of turn % 2 === 0 ? contenders : contenders.toReversed()) {
      runs.get(contender.name)?.push(await runChild(contender))
    }
  }
  const others = watch([...runs.values()].flat())
  const after = calibrate()
  const measurements = contenders.map(({ name }) =>
    summarize(name, options.events, runs.get(name) ?? []),
  )
  const doubts = doubtsOf({ load, before, after, others, runs: options.runs })
  return { measurements, doubts, margin: marginOf(before, after) }
}

/** Tells at the end which share of the machine other processes had meanwhile. */
function watchOthers(): (runs: readonly MeasuredRun[]) => number | undefined {
  const clock = systemClock()
  const { cores } = thisMachine()
  const startedMs = clock.monotonic()
  const busyBefore = busySeconds()
  const ownBefore = process.cpuUsage()
  return (runs) => {
    const busyAfter = busySeconds()
    if (busyBefore === undefined || busyAfter === undefined) return undefined
    const { user, system } = process.cpuUsage(ownBefore)
    const children = runs.reduce((sum, { processCpuSeconds }) => sum + processCpuSeconds, 0)
    const others = busyAfter - busyBefore - (user + system) / 1e6 - children
    return Math.max(0, others / (((clock.monotonic() - startedMs) / 1000) * cores))
  }
}

/** One run in a process of its own. Rejects with the child's own words when it fails. */
export function runChild({ name, args }: Contender): Promise<MeasuredRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    let complaints = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaints += text
    })
    child.on('error', reject)
    child.on('close', (code) => {
      const run = reportedRun(output)
      if (code === 0 && run !== undefined) resolve(run)
      else reject(new Error(`${name} ended with ${code} and no figures\n${complaints || output}`))
    })
  })
}

/** Median and range of runs that must agree on their result. */
export function summarize(name: string, events: number, runs: readonly MeasuredRun[]): Measurement {
  const results = new Set(runs.map(({ result }) => result))
  if (results.size > 1) {
    throw new Error(`${name} gave different results: ${[...results].join(' and ')}`)
  }
  return {
    name,
    events,
    runs,
    eventsPerCpuSecond: spreadOf(runs.map(({ cpuSeconds }) => events / cpuSeconds)),
    cpuSeconds: spreadOf(runs.map(({ cpuSeconds }) => cpuSeconds)),
    wallSeconds: spreadOf(runs.map(({ wallSeconds }) => wallSeconds)),
    rssBytesMax: spreadOf(runs.map(({ rssBytesMax }) => rssBytesMax)),
  }
}

/** What a change of speed between two calibrations makes of the figures between them. */
export function marginOf(before: number, after: number): number {
  const change = Math.abs(drift(before, after))
  return change > driftMax ? change : 0
}

/** What speaks against figures taken under these circumstances. */
export function doubtsOf(circumstances: {
  readonly load: number
  /** Seconds of the calibration loop. */
  readonly before: number
  readonly after: number
  /** Share of the machine; `undefined` where it cannot be told. */
  readonly others: number | undefined
  readonly runs: number
}): readonly string[] {
  const { load, before, after, others, runs } = circumstances
  const doubts: string[] = []
  if (load > loadMax) {
    doubts.push(`busy machine: the load was ${load.toFixed(2)} before the start, over ${loadMax}`)
  }
  if (others === undefined) {
    doubts.push('it cannot be told what other processes did: there is no /proc/stat')
  } else if (others > othersMax) {
    doubts.push(`busy machine: other processes had ${(others * 100).toFixed(1)} % of it`)
  }
  const change = drift(before, after)
  if (Math.abs(change) > driftMax) {
    doubts.push(`unsteady machine: its speed changed by ${(change * 100).toFixed(1)} %`)
  }
  if (runs < runsMin) doubts.push(`only ${runs} runs; ${runsMin} are needed to publish`)
  return doubts
}
