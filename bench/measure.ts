import { spawn } from 'node:child_process'
import { calibrate, drift, driftMax } from './calibrate.ts'
import { loadOfLastMinute } from './machine.ts'
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

/** A comparison and everything that speaks against it. */
export interface Comparison {
  readonly measurements: readonly Measurement[]
  /** Why the figures should not be trusted; empty when nothing was found. Never dropped silently. */
  readonly doubts: readonly string[]
}

export interface MeasureOptions {
  /** Events that each run reads, for the rate. */
  readonly events: number
  /** At least 5 for a figure that is published. */
  readonly runs: number
  /** Load of the last minute above which the machine counts as busy. */
  readonly loadMax?: number
}

/**
 * Runs the contenders in turn, A B A B …, each run in a process of its own, between two calibrations.
 * A contender whose runs give different results is an error, not a doubt.
 */
export async function compare(
  contenders: readonly Contender[],
  options: MeasureOptions,
): Promise<Comparison> {
  const load = loadOfLastMinute()
  const before = calibrate()
  const runs = new Map(contenders.map(({ name }): [string, MeasuredRun[]] => [name, []]))
  for (let turn = 0; turn < options.runs; turn++) {
    for (const contender of contenders) {
      runs.get(contender.name)?.push(await runChild(contender))
    }
  }
  const after = calibrate()
  const measurements = contenders.map(({ name }) =>
    summarize(name, options.events, runs.get(name) ?? []),
  )
  return { measurements, doubts: doubtsOf({ load, before, after, options }) }
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

/** What speaks against figures taken under these circumstances. */
export function doubtsOf(circumstances: {
  readonly load: number
  readonly before: number
  readonly after: number
  readonly options: MeasureOptions
}): readonly string[] {
  const { load, before, after, options } = circumstances
  const doubts: string[] = []
  const loadMax = options.loadMax ?? 0.5
  if (load > loadMax) {
    doubts.push(`busy machine: the load was ${load.toFixed(2)} before the start, over ${loadMax}`)
  }
  const change = drift(before, after)
  if (Math.abs(change) > driftMax) {
    doubts.push(`void: the calibration loop drifted by ${(change * 100).toFixed(1)} %`)
  }
  if (options.runs < 5) doubts.push(`only ${options.runs} runs; 5 are needed to publish`)
  return doubts
}
