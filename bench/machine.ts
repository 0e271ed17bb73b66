import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { sleep } from '../src/core/clock.ts'
import { systemClock } from '../src/core/system-clock.ts'

/** Where and of what a figure was taken; printed with every table. */
export interface Machine {
  readonly processor: string
  readonly cores: number
  readonly memoryGigabytes: number
  readonly system: string
  readonly node: string
  readonly commit: string
}

export function thisMachine(): Machine {
  const processors = cpus()
  return {
    processor: processors[0]?.model ?? 'unknown processor',
    cores: processors.length,
    memoryGigabytes: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release()}`,
    node: process.version,
    commit: commitText(),
  }
}

/** How many processes wanted a core during the last minute, on average. */
export function loadOfLastMinute(): number {
  return loadavg()[0] ?? 0
}

const [quietPauseMs, quietPauses] = [5_000, 36]

/**
 * The load of the last minute, once it is no more than `max`: what was built just before counts as other work. After
 * three minutes it is what it is.
 */
export async function loadOnceQuiet(max: number): Promise<number> {
  const clock = systemClock()
  for (let pauses = 0; loadOfLastMinute() > max && pauses < quietPauses; pauses++) {
    if (pauses === 0) process.stdout.write('waiting for a quiet machine\n')
    await sleep(clock, quietPauseMs)
  }
  return loadOfLastMinute()
}

/**
 * CPU seconds that all processes together have used since the machine started; `undefined` where the
 * system does not tell.
 */
export function busySeconds(): number | undefined {
  try {
    const [total = ''] = readFileSync('/proc/stat', 'utf8').split('\n')
    const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0] = total
      .split(/\s+/)
      .slice(1)
      .map(Number)
    return (user + nice + system + irq + softIrq) / ticksPerSecond
  } catch {
    return undefined
  }
}

/** Linux reports times in hundredths of a second, whatever its own clock. */
const ticksPerSecond = 100

/** The commit, with `+` when the tree holds changes; `unknown` outside a checkout. */
function commitText(): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
    const changed = git('status', '--porcelain', '--untracked-files=no') !== ''
    return git('rev-parse', '--short', 'HEAD') + (changed ? '+' : '')
  } catch {
    return 'unknown'
  }
}
