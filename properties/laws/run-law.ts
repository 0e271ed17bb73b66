import fc from 'fast-check'
import { systemClock } from '../../src/core/system-clock.ts'
import { replayCommand, replayOf } from './replay.ts'

/** How long a law tries, and from which seed. */
export interface LawOptions {
  /** The most random cases that are tried. */
  readonly runs?: number
  /** After so many seconds no case but the first one begins. Default: all runs, however long they take. */
  readonly seconds?: number
  /** Default: drawn by lot. A failure prints it. */
  readonly seed?: number
  /** What a failure printed: only its case is tried. Default: the variable `MILLRACE_REPLAY` of the process. */
  readonly replay?: string
}

/** A claim about random cases. */
export interface Law<Case> {
  /** The function that the user called. */
  readonly name: string
  readonly cases: fc.Arbitrary<Case>
  /** Throws what is wrong. */
  readonly holds: (one: Case) => Promise<void>
  /** The input of a case as a person reads it, over several lines. */
  readonly describe: (one: Case) => string
}

/** How a law ended well. */
export interface LawRun {
  readonly seed: number
  /** Cases that were tried. */
  readonly cases: number
  readonly seconds: number
}

/** A law that does not hold, with the smallest case that shows it and how to see it again. */
export class LawFailure extends Error {
  override readonly name = 'LawFailure'
  readonly law: string
  readonly seed: number
  /** For the option `replay`. */
  readonly replay: string
  /** The smallest case that was found. */
  readonly counterexample: unknown

  /** Failures are made by laws. */
  constructor(
    message: string,
    found: Pick<LawFailure, 'law' | 'seed' | 'replay' | 'counterexample'>,
    cause: unknown,
  ) {
    super(message, { cause })
    this.law = found.law
    this.seed = found.seed
    this.replay = found.replay
    this.counterexample = found.counterexample
  }
}

/**
 * Tries a law on random cases until one fails, which is then made smaller.
 * @throws LawFailure
 */
export async function runLaw<Case>(
  law: Law<Case>,
  { runs = 100, seconds, seed, replay }: LawOptions,
): Promise<LawRun> {
  const clock = systemClock()
  const startMs = clock.monotonic()
  const passedSeconds = (): number => (clock.monotonic() - startMs) / 1000
  const again = replayOf(law.name, replay)
  let cases = 0
  let failed = false
  const property = fc.asyncProperty(law.cases, async (one) => {
    // A law that has tried nothing says nothing; and what is found is made smaller even when the time is over.
    const isOver = seconds !== undefined && passedSeconds() > seconds
    if (isOver && cases > 0 && !failed) return
    cases += 1
    try {
      await law.holds(one)
    } catch (thrown) {
      failed = true
      throw thrown
    }
  })
  const details = await fc.check(property, {
    numRuns: runs,
    ...(seed === undefined ? {} : { seed }),
    ...(again === undefined ? {} : { seed: again.seed, path: again.path }),
  })
  if (details.failed) throw failureOf(law, details)
  return { seed: details.seed, cases, seconds: passedSeconds() }
}

function failureOf<Case>(law: Law<Case>, details: fc.RunDetails<[Case]>): LawFailure {
  const { seed, counterexample, counterexamplePath, errorInstance, numRuns, numShrinks } = details
  const [one] = counterexample ?? []
  const why = errorInstance instanceof Error ? errorInstance.message : String(errorInstance)
  const token = { law: law.name, seed, path: counterexamplePath ?? '0' }
  const { replay, command } = replayCommand(token)
  const lines = [
    `${law.name} does not hold: ${why}`,
    '',
    `The smallest input found (case ${numRuns}, made smaller ${numShrinks} times):`,
    ...(one === undefined ? [] : law.describe(one).split('\n')).map((line) => `  ${line}`),
    '',
    `Seed ${seed}. To see it again:`,
    `  ${command}`,
  ]
  const found = { law: law.name, seed, replay, counterexample: one }
  return new LawFailure(lines.join('\n'), found, errorInstance)
}
