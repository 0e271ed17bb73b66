import { readFileSync } from 'node:fs'
import { systemClock } from '../src/core/system-clock.ts'

/** What one run in a process of its own did and cost. */
export interface MeasuredRun {
  /** User and system time of all threads of the process during the work, seconds. */
  readonly cpuSeconds: number
  /** The same since the process began: loading of code and start-up included. */
  readonly processCpuSeconds: number
  readonly wallSeconds: number
  readonly rssBytesMax: number
  /** Whatever the work returned, such as its checksum; compared between runs. */
  readonly result: string
  /** Further figures of the work, such as the time to its first output. */
  readonly figures: Readonly<Record<string, number>>
}

/** Adds a further figure to the report of a run. */
export type Note = (figure: string, value: number) => void

/** Marks the line of a child's output that carries its figures. */
const marker = 'measured-run '

/**
 * Runs the work in this process and prints its cost for the parent. Called once, by the main module
 * of a child.
 */
export async function reportRun(work: (note: Note) => unknown): Promise<void> {
  const clock = systemClock()
  const figures: Record<string, number> = {}
  const startedMs = clock.monotonic()
  const before = process.cpuUsage()
  const result = await work((figure, value) => {
    figures[figure] = value
  })
  const used = process.cpuUsage(before)
  const wallSeconds = (clock.monotonic() - startedMs) / 1000
  const whole = process.cpuUsage()
  const run: MeasuredRun = {
    cpuSeconds: (used.user + used.system) / 1e6,
    processCpuSeconds: (whole.user + whole.system) / 1e6,
    wallSeconds,
    rssBytesMax: residentBytesMax(),
    result: JSON.stringify(result ?? null),
    figures,
  }
  process.stdout.write(`\n${marker}${JSON.stringify(run)}\n`)
}

/** The most memory that this process had, where Linux tells: `maxRSS` of a child begins with that of its parent. */
function residentBytesMax(): number {
  let status = ''
  try {
    status = readFileSync('/proc/self/status', 'utf8')
  } catch {
    // Not Linux.
  }
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB/m.exec(status) ?? []
  return (kilobytes === undefined ? process.resourceUsage().maxRSS : Number(kilobytes)) * 1024
}

/** The figures in a child's output; nothing when it did not report. */
export function reportedRun(output: string): MeasuredRun | undefined {
  const line = output.split('\n').find((candidate) => candidate.startsWith(marker))
  return line === undefined ? undefined : JSON.parse(line.slice(marker.length))
}
