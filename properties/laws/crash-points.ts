import type { KeptTableOptions } from '../kept-table.ts'
import { logEntries } from '../logged-epochs.ts'
import { type Judge, type JudgeOptions, judgeOf, type Verdict } from './crash-judge.ts'
import { type CrashPipeline, checkpoint } from './crash-life.ts'
import { type CrashWorld, crashWorld, type KeptLife, type Life } from './crash-world.ts'
import { knownWorlds } from './known-worlds.ts'
import type { CrashStep } from './step-watch.ts'

/** Which crashes are tried. */
export interface CrashPointOptions extends Omit<JudgeOptions, 'mayLeaveFiles'> {
  readonly seed: number
  /** Tries only steps of which this is true. Default: all of them. */
  readonly only?: (step: string) => boolean
  /** Tries only every so manieth step; the seed says which. Default 1. */
  readonly every?: number
  /** A second crash, while the process comes up again: after every so manieth first crash … */
  readonly secondAfterEvery?: number
  /** … before every so manieth step of the restart. Default 7. */
  readonly secondEvery?: number
  /** Dies a second time only before steps of which this is true. Default: any. */
  readonly secondOnly?: (step: string) => boolean
  /** Told of each crash that did no harm. */
  readonly onCrash?: (crash: CrashStep, isSecond: boolean) => void
}

/** What was tried, all of it with success. */
export interface CrashPointReport {
  readonly steps: number
  readonly crashes: number
  readonly doubleCrashes: number
  /** How many different worlds all these crashes left: the same one is not revived twice. */
  readonly worlds: number
}

/** A crash after which something is wrong. */
export class CrashFailure extends Error {
  override readonly name = 'CrashFailure'
  /** The steps before which the process died, one per life. */
  readonly crashes: readonly CrashStep[]

  /** Made by `crashPoints`. */
  constructor(message: string, crashes: readonly CrashStep[], cause: unknown) {
    super(message, { cause })
    this.crashes = crashes
  }
}

/**
 * Whatever the moment at which a process dies, every row counts once. The pipeline runs once to
 * count its steps (each request to the disk and to the table, each message of an actor); then, for each
 * step, a new world dies before it, finds what the crash left of its disk, and runs to the end. Its
 * output must be exactly what the reference gives for the epochs in its log, and, for appended rows,
 * what the run without a crash gave; nothing may be left over. Deaths that leave the same, byte for byte,
 * are one: what a process does is a function of what it finds.
 *
 * @throws CrashFailure that names the step and shows what led to it
 */
export async function crashPoints(
  pipeline: CrashPipeline,
  options: CrashPointOptions,
): Promise<CrashPointReport> {
  const { seed, only = () => true, every = 1, onCrash } = options
  const { secondAfterEvery, secondEvery = 7, secondOnly = () => true } = options
  const isTurn = (step: number, nth: number): boolean => step % nth === seed % nth
  const judge = judgeOf(pipeline, options)
  const whole = await undisturbed(pipeline, { seed, judge })
  const worlds = knownWorlds()
  let crashes = 0
  let doubleCrashes = 0
  for (const [at, step] of whole.life.steps.entries()) {
    if (!only(step.name) || !isTurn(at, every)) continue
    const first: Death = { at, life: whole.life }
    const isTwice = secondAfterEvery !== undefined && isTurn(at, secondAfterEvery)
    const world = whole.life.worldAt(at) ?? (await deadWorld(pipeline, seed, [at]))
    const mustLive = worlds.isNew(world) || isTwice
    const restart = await revived(world, [first], async () => {
      if (!mustLive) return undefined
      const kept = isTwice ? await world.liveAndKeep() : undefined
      if (kept === undefined) await world.live()
      await judge(world, whole.verdict)
      return kept
    })
    crashes += 1
    onCrash?.(step, false)
    if (restart === undefined) continue
    for (const [second, secondStep] of restart.steps.entries()) {
      if (!secondOnly(secondStep.name) || !isTurn(second, secondEvery)) continue
      const again = restart.worldAt(second) ?? (await deadWorld(pipeline, seed, [at, second]))
      const deaths = [first, { at: second, life: restart }]
      await revived(again, deaths, async () => {
        if (!worlds.isNew(again)) return
        await again.live()
        await judge(again, whole.verdict)
      })
      doubleCrashes += 1
      onCrash?.(secondStep, true)
    }
  }
  return { steps: whole.life.steps.length, crashes, doubleCrashes, worlds: worlds.count() }
}

interface UndisturbedOptions {
  readonly seed: number
  readonly judge: Judge
  readonly table?: KeptTableOptions
}

/** The pipeline from its beginning to its end, and what came out. */
export async function undisturbed(
  pipeline: CrashPipeline,
  { seed, judge, table }: UndisturbedOptions,
): Promise<{ readonly life: KeptLife; readonly verdict: Verdict }> {
  const world = crashWorld(pipeline, seed, table)
  return await revived(world, [], async () => {
    const life = await world.liveAndKeep()
    return { life, verdict: await judge(world, undefined) }
  })
}

/** A world whose process died before these steps of its lives, for parts of one's own that cannot be copied. */
async function deadWorld(
  pipeline: CrashPipeline,
  seed: number,
  dieAt: readonly number[],
): Promise<CrashWorld> {
  const world = crashWorld(pipeline, seed)
  for (const at of dieAt) await world.live({ dieAt: at })
  return world
}

/** A death before a step of a life. */
interface Death {
  readonly at: number
  readonly life: Life
}

/** What happens after deaths; an error tells of them. */
async function revived<Result>(
  world: CrashWorld,
  deaths: readonly Death[],
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (cause) {
    throw await failureOf(world, deaths, cause)
  }
}

/** How many steps before a death are shown. */
const shownSteps = 12

async function failureOf(
  world: CrashWorld,
  deaths: readonly Death[],
  cause: unknown,
): Promise<CrashFailure> {
  const what = cause instanceof Error ? cause.message : String(cause)
  const steps = deaths.map(({ at, life }) => life.steps[at] as CrashStep)
  const where = deaths.flatMap(({ at, life }, death) => [
    `The process died before step ${at}, "${steps[death]?.name}" (${steps[death]?.phase}). Before that it did:`,
    ...life.steps.slice(Math.max(0, at - shownSteps), at).map(({ name }) => `  ${name}`),
  ])
  const log = await logText(world)
  const message = [
    what,
    '',
    ...(where.length === 0 ? ['Nothing was disturbed.'] : where),
    '',
    'The log of its epochs at the end:',
    ...log,
  ]
  return new CrashFailure(message.join('\n'), steps, cause)
}

async function logText(world: CrashWorld): Promise<readonly string[]> {
  try {
    const entries = await logEntries(world.disk(), checkpoint)
    return entries.map((entry) => {
      switch (entry.type) {
        case 'decision':
          return `  decided  ${shortText(entry.header)}`
        case 'manifest':
          return `  manifest of epoch ${entry.manifest.epoch}`
        default:
          return `  ${entry.type}`
      }
    })
  } catch (thrown) {
    return [`  it cannot be read: ${String(thrown)}`]
  }
}

function shortText(value: unknown): string {
  const text = JSON.stringify(value)
  return text.length <= 160 ? text : `${text.slice(0, 160)}…`
}
