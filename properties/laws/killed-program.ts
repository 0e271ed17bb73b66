import { type Clock, sleep } from '../../src/core/clock.ts'
import { type FileSystem, joinPath } from '../../src/core/file-system.ts'
import { type Child, type ChildEnd, startChild } from '../../src/core/node-child.ts'
import { nodeFileSystem } from '../../src/core/node-file-system.ts'
import { type Random, seededRandom, systemRandom } from '../../src/core/random.ts'
import { systemClock } from '../../src/core/system-clock.ts'
import type { LogEntry } from '../../state/manifest.ts'
import { loggedEntries } from '../logged-epochs.ts'
import { unpaired } from './unpaired.ts'

/** A program with a query, as it runs in production. */
export interface ProgramUnderKill {
  /** The command with its arguments. The folder is empty at first, and kept from one start to the next. */
  readonly command: (folder: string) => readonly string[]
  /** Where the checkpoint of its query lies. */
  readonly checkpoint: (folder: string) => string
  /** What a reader of its output sees, in any order. */
  readonly output: (folder: string) => Promise<readonly string[]> | readonly string[]
  /** Variables of its environment, beside those of this process. */
  readonly env?: Readonly<Record<string, string>>
}

/** How often it is killed, and when. */
export interface KillOptions {
  /** How often it is killed before its end. Default 20. */
  readonly kills?: number
  /** Decides the moments, as far as a real machine allows. Default: drawn by lot. */
  readonly seed?: number
  /** Seconds that one run may take. Default 120. */
  readonly timeout?: number
  /** Folders are made in here. */
  readonly folder: string
  /** Told of each kill. */
  readonly report?: (line: string) => void
}

/** What was tried, all of it with success. */
export interface KillReport {
  readonly seed: number
  readonly rounds: number
  /** Rounds in which the process died before its end; in the others it was faster. */
  readonly killed: number
  /** Kills after a checkpoint was published and before its output was said to be visible. */
  readonly duringCommit: number
  /** Rows of the output. */
  readonly rows: number
}

/**
 * A real process that is killed at any moment, and started again, leaves the output of one that nobody killed. The
 * program runs once in peace; then, round after round, in a folder of its own, it is killed without warning
 * (`SIGKILL`) at a random moment, every fifth time when a checkpoint has just been published and its output is
 * being committed, and started again to run to its end. A kill that comes after the end does not count; there are
 * at most twice as many rounds as kills. The program has to end by itself, as with the trigger
 * `availableNow`, and its output must not depend on how rows fall into epochs.
 *
 * @throws Error that says which rows are missing or too many, or how the program failed
 */
export async function killedProgram(
  program: ProgramUnderKill,
  { kills = 20, seed = lot(), timeout = 120, folder, report }: KillOptions,
): Promise<KillReport> {
  const world: World = {
    program,
    clock: systemClock(),
    files: nodeFileSystem(),
    random: seededRandom(seed),
    timeoutMs: timeout * 1000,
  }
  const begunMs = world.clock.monotonic()
  const wanted = await inFolder(world, joinPath(folder, 'whole'), async (own) => {
    await toTheEnd(world, own)
    return await rowsOf(world, own)
  })
  if (wanted.length === 0) throw new Error('the program ran to its end and left no rows')
  let wholeMs = world.clock.monotonic() - begunMs
  const seen = { seed, rounds: 0, killed: 0, duringCommit: 0, rows: wanted.length }
  for (; seen.killed < kills && seen.rounds < 2 * kills; seen.rounds++) {
    const round = seen.rounds + 1
    const isAimed = round % 5 === 0
    const share = world.random.next()
    const afterMs = share * wholeMs
    await inFolder(world, joinPath(folder, `kill-${round}`), async (own) => {
      const startedMs = world.clock.monotonic()
      const wasKilled = isAimed
        ? await killAtCommit(world, own, Math.floor(share * 20))
        : await killAfter(world, own, afterMs)
      // Programs become faster once the machine has read all their files.
      if (!wasKilled) wholeMs = Math.min(wholeMs, world.clock.monotonic() - startedMs)
      const when = isAimed ? 'while an epoch was committed' : `after ${Math.round(afterMs)} ms`
      const what = wasKilled ? `killed ${when}` : 'ended before it was killed'
      report?.(`round ${round}: ${what}`)
      if (wasKilled) seen.killed += 1
      if (wasKilled && isAimed) seen.duringCommit += 1
      await toTheEnd(world, own)
      mustBeSame(`round ${round}, ${what}, seed ${seed}`, await rowsOf(world, own), wanted)
    })
  }
  return seen
}

/** What a process did that was stopped, replaced and woken. */
export interface ZombieEnd {
  /** `false`: it came to its end before it could be stopped. */
  readonly slept: boolean
  /** The kinds of the entries that the log took once it woke: none, or an `attempt` before all others. */
  readonly logged: readonly LogEntry['type'][]
  readonly end: ChildEnd
}

/**
 * A real process that is stopped (`SIGSTOP`) while it runs, replaced by another one that runs to its end, and woken
 * (`SIGCONT`) changes nothing of the output. The replacement is started over and over until the lease of the
 * checkpoint, `lockLease`, is over.
 *
 * @throws Error that says which rows are missing or too many, or how the replacement failed
 */
export async function sleptProgram(
  program: ProgramUnderKill,
  { seed = lot(), timeout = 120, folder }: Omit<KillOptions, 'kills' | 'report'>,
): Promise<ZombieEnd> {
  const random = seededRandom(seed)
  const [clock, files] = [systemClock(), nodeFileSystem()]
  const world: World = { program, clock, files, random, timeoutMs: timeout * 1000 }
  const wanted = await inFolder(world, joinPath(folder, 'whole'), async (own) => {
    await toTheEnd(world, own)
    return await rowsOf(world, own)
  })
  return await inFolder(world, joinPath(folder, 'zombie'), async (own) => {
    return await besideChild(world, own, async (sleeper) => {
      const epochs = 1 + Math.floor(random.next() * 5)
      const slept = await atCommit(world, own, epochs, sleeper, () => sleeper.pause(true))
      let newest = 0
      if (slept) {
        await takeOver(world, own)
        newest = Math.max(0, ...entryNumbers(world, own))
        mustBeSame('the output of the replacement', await rowsOf(world, own), wanted)
        sleeper.pause(false)
      }
      const end = await withinTime(world, sleeper)
      mustBeSame('the output after the first process woke', await rowsOf(world, own), wanted)
      const logged = slept ? await loggedSince(world, own, newest) : []
      return { slept, logged, end }
    })
  })
}

function logFolder(program: ProgramUnderKill, folder: string): string {
  return joinPath(program.checkpoint(folder), 'log')
}

function entryNumbers({ program, files }: World, folder: string): readonly number[] {
  const names = files.listNow(logFolder(program, folder))
  return names.filter((name) => /^\d+$/.test(name)).map(Number)
}

/** The kinds of the entries after the one with this number. */
async function loggedSince(
  { program, files }: World,
  folder: string,
  newest: number,
): Promise<readonly LogEntry['type'][]> {
  const entries = await loggedEntries(files, program.checkpoint(folder))
  return entries.filter(({ number }) => number > newest).map(({ entry }) => entry.type)
}

interface World {
  readonly program: ProgramUnderKill
  readonly clock: Clock
  readonly files: FileSystem
  readonly random: Random
  readonly timeoutMs: number
}

function lot(): number {
  return Math.floor(systemRandom().next() * 2 ** 31)
}

async function inFolder<Result>(
  { files }: World,
  folder: string,
  use: (folder: string) => Promise<Result>,
): Promise<Result> {
  await files.makeFolder(folder)
  try {
    return await use(folder)
  } finally {
    await files.removeFolder(folder)
  }
}

async function rowsOf({ program }: World, folder: string): Promise<readonly string[]> {
  return [...(await program.output(folder))].sort()
}

function start({ program }: World, folder: string): Child {
  const { command, env = {} } = program
  return startChild(command(folder), { folder, env })
}

/** With a process that is gone afterwards, so that nobody writes into the folder any more. */
async function besideChild<Result>(
  world: World,
  folder: string,
  use: (child: Child) => Promise<Result>,
): Promise<Result> {
  const child = start(world, folder)
  try {
    return await use(child)
  } finally {
    child.kill()
    await child.ended
  }
}

async function toTheEnd(world: World, folder: string): Promise<void> {
  const { exitCode, signal, output } = await withinTime(world, start(world, folder))
  if (exitCode === 0) return
  throw new Error(`the program ended with ${exitCode ?? signal}, and said:\n${output}`)
}

/** The program to its end, as soon as it is let. */
async function takeOver(world: World, folder: string): Promise<void> {
  const { clock, timeoutMs } = world
  const deadlineMs = clock.monotonic() + timeoutMs
  for (;;) {
    try {
      return await toTheEnd(world, folder)
    } catch (thrown) {
      if (clock.monotonic() > deadlineMs) throw thrown
      await sleep(clock, 500)
    }
  }
}

/** The end of a process, which comes in time or is brought about. */
async function withinTime({ clock, timeoutMs }: World, child: Child): Promise<ChildEnd> {
  const cancel = clock.after(timeoutMs, () => child.kill())
  try {
    return await child.ended
  } finally {
    cancel()
  }
}

async function killAfter(world: World, folder: string, delayMs: number): Promise<boolean> {
  const child = start(world, folder)
  const cancel = world.clock.after(delayMs, () => child.kill())
  const { signal } = await withinTime(world, child)
  cancel()
  return signal === 'SIGKILL'
}

async function killAtCommit(world: World, folder: string, epochs: number): Promise<boolean> {
  return await besideChild(world, folder, async (child) => {
    const hit = await atCommit(world, folder, epochs, child, () => child.kill())
    const { signal } = await withinTime(world, child)
    return hit && signal === 'SIGKILL'
  })
}

/** Calls when so many checkpoints have been published; `false` when the process ended before. */
async function atCommit(
  world: World,
  folder: string,
  epochs: number,
  child: Child,
  call: () => void,
): Promise<boolean> {
  const { program, clock, files } = world
  const log = logFolder(program, folder)
  let hasEnded = false
  const ended = child.ended.then(() => {
    hasEnded = true
  })
  const seen = new Set<number>()
  let published = 0
  const deadlineMs = clock.monotonic() + world.timeoutMs
  while (!hasEnded && clock.monotonic() < deadlineMs) {
    for (const number of entryNumbers(world, folder)) {
      if (seen.has(number)) continue
      seen.add(number)
      const entry = new TextDecoder().decode(files.readNow(joinPath(log, String(number))))
      if (!entry.includes('"type":"manifest"')) continue
      published += 1
      if (published <= epochs) continue
      call()
      return true
    }
    await Promise.race([ended, sleep(clock, 1)])
  }
  return false
}

function mustBeSame(what: string, found: readonly string[], wanted: readonly string[]): void {
  const [more, fewer] = unpaired(found, wanted, (row) => row)
  if (more.length + fewer.length === 0) return
  const shown = (rows: readonly string[]) => rows.slice(0, 5).map((row) => `\n    ${row}`)
  throw new Error(
    `${what}:\n  rows too many: ${more.length}${shown(more).join('')}\n  rows missing: ${fewer.length}${shown(fewer).join('')}`,
  )
}
