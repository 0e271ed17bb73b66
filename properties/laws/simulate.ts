import fc from 'fast-check'
import type { DiskFault } from '../virtual-file-system.ts'
import { judgeOf } from './crash-judge.ts'
import type { Disturbance } from './crash-life.ts'
import { crashWorld, type Life } from './crash-world.ts'
import {
  type CrashCase,
  caseOf,
  caseText,
  type ExactlyOnceOptions,
  pipelineOf,
} from './exactly-once.ts'
import { type LawRun, runLaw } from './run-law.ts'
import { oneOf } from './stream-equals-batch.ts'
import type { StreamQuery } from './stream-query.ts'

/** What a law over disturbed runs has seen. */
export interface SimulationReport extends LawRun {
  readonly lives: number
  /** How often each kind of disturbance took effect. */
  readonly disturbances: Readonly<Record<DisturbanceKind, number>>
  /** How many lives ended with a query that failed on a bad disk. */
  readonly failed: number
}

/** What may happen to a process; several of them may happen in one life. */
export type DisturbanceKind =
  | 'death'
  | 'ENOSPC'
  | 'EIO'
  | 'shortRead'
  | 'clock set'
  | 'clock stops'
  | 'slow sink'
  | 'stop'
  | 'other lanes'
  | 'restart in place'

/** What is disturbed, and how often. */
export interface SimulateOptions extends Omit<ExactlyOnceOptions, 'again'> {
  /** Default: all kinds. */
  readonly only?: readonly DisturbanceKind[]
}

/** What happens in one life, by the numbers of its steps. */
interface LifePlan {
  readonly dies: number | undefined
  readonly faults: readonly { readonly at: number; readonly kind: DiskFault }[]
  readonly clock: readonly { readonly at: number; readonly byMs: number | 'stops' }[]
  readonly sinkPauses: number
  readonly stops: number | undefined
  readonly lanes: number | undefined
  /** How often a query that fails is tried again in the same process. */
  readonly restarts: number
}

interface SimulatedCase extends CrashCase {
  readonly lives: readonly LifePlan[]
}

/** About as many steps as a run has. */
const stepsMax = 600
/** More reads than a process makes when it comes up. */
const readsMax = 24
const hourMs = 3_600_000

/**
 * Random runs with everything that may go wrong at once: processes die and come up again, requests to the disk fail,
 * the wall clock stops, is set back and forth by an hour or forward by ten years, the sink is slow, the
 * query is stopped and begun again, on as many lanes or on others, and every interleaving of messages is drawn by
 * lot. After some lives the machine is left alone: then the output is
 * exactly what the reference gives for the epochs in the log, and nothing is left over.
 *
 * @param queries one query, or an arbitrary that makes them
 * @throws LawFailure with the smallest run that shows it
 */
export async function simulate(
  queries: StreamQuery | fc.Arbitrary<StreamQuery>,
  options: SimulateOptions = {},
): Promise<SimulationReport> {
  const seen = seenNothing()
  const { only = Object.keys(seen) as DisturbanceKind[] } = options
  let [lives, failed] = [0, 0]
  const holds = async (one: SimulatedCase): Promise<void> => {
    const pipeline = pipelineOf(one, options)
    const world = crashWorld(pipeline, one.seed)
    for (const plan of one.lives) {
      lives += 1
      const life = await world.live(disturbanceOf(plan))
      if (life.error !== undefined) failed += 1
      count(seen, plan, life)
    }
    lives += 1
    await world.live()
    await judgeOf(pipeline, { mayLeaveFiles: false })(world, undefined)
  }
  const cases = oneOf(queries).chain((query) =>
    fc
      .record({
        one: caseOf(query),
        lives: fc.array(lifePlan(only), { minLength: 1, maxLength: 4 }),
      })
      .map(({ one, lives: plans }) => ({ ...one, lives: plans })),
  )
  const run = await runLaw(
    { name: 'simulate', cases, holds, describe: simulatedText },
    { runs: 100, ...options },
  )
  return { ...run, lives, failed, disturbances: seen }
}

function seenNothing(): Record<DisturbanceKind, number> {
  return {
    death: 0,
    ENOSPC: 0,
    EIO: 0,
    shortRead: 0,
    'clock set': 0,
    'clock stops': 0,
    'slow sink': 0,
    stop: 0,
    'other lanes': 0,
    'restart in place': 0,
  }
}

/** All are equally likely: small numbers are no more interesting. */
const step = fc.noBias(fc.nat(stepsMax - 1))

function lifePlan(only: readonly DisturbanceKind[]): fc.Arbitrary<LifePlan> {
  const has = (kind: DisturbanceKind): boolean => only.includes(kind)
  const faults = (['ENOSPC', 'EIO', 'shortRead'] as const).filter(has)
  const clocks = [
    ...(has('clock set') ? [-hourMs, hourMs, 10 * 365 * 24 * hourMs, -1] : []),
    ...(has('clock stops') ? (['stops'] as const) : []),
  ]
  return fc.record({
    dies: perhaps(has('death'), step),
    faults: some(faults, (kind) => fc.record({ at: step, kind })),
    clock: some(clocks, (byMs) => fc.record({ at: step, byMs })),
    sinkPauses: has('slow sink') ? fc.constantFrom(0, 0, 1, 30) : fc.constant(0),
    stops: perhaps(has('stop'), step),
    lanes: perhaps(has('other lanes'), fc.constantFrom(1, 2, 3)),
    restarts: has('restart in place') ? fc.constantFrom(0, 3) : fc.constant(0),
  })
}

/** Mostly, if it may be at all. */
function perhaps<Choice>(
  may: boolean,
  choice: fc.Arbitrary<Choice>,
): fc.Arbitrary<Choice | undefined> {
  return may ? fc.option(choice, { nil: undefined, freq: 3 }) : fc.constant(undefined)
}

/** Up to two of the choices. */
function some<Choice, Result>(
  choices: readonly Choice[],
  make: (choice: fc.Arbitrary<Choice>) => fc.Arbitrary<Result>,
): fc.Arbitrary<Result[]> {
  if (choices.length === 0) return fc.constant([])
  return fc.array(make(fc.constantFrom(...choices)), { maxLength: 2 })
}

function readOf(at: number): number {
  return at % readsMax
}

function disturbanceOf(plan: LifePlan): Disturbance {
  const { dies, faults, clock, sinkPauses, stops, lanes, restarts } = plan
  let reads = 0
  return {
    ...(dies === undefined ? {} : { dieAt: dies }),
    ...(stops === undefined ? {} : { stopAt: stops }),
    config: { maxRestarts: restarts, ...(lanes === undefined ? {} : { lanes }) },
    fault(now, request) {
      const read = isRead(request) ? reads++ : undefined
      return faults.find(({ at, kind }) =>
        kind === 'shortRead' ? readOf(at) === read : at === now,
      )?.kind
    },
    during(now, simulated) {
      for (const { at, byMs } of clock) {
        if (at !== now) continue
        if (byMs === 'stops') simulated.freeze(true)
        else simulated.jump(byMs)
      }
    },
    sinkPauses,
  }
}

function isRead(request: string): boolean {
  return request.startsWith('read ')
}

function count(
  seen: Record<DisturbanceKind, number>,
  { faults, clock, sinkPauses, stops, lanes, restarts }: LifePlan,
  { died, steps, error }: Life,
): void {
  if (died) seen.death += 1
  if (stops !== undefined && stops < steps.length) seen.stop += 1
  if (lanes !== undefined) seen['other lanes'] += 1
  const before = seen.ENOSPC + seen.EIO + seen.shortRead
  if (sinkPauses > 0 && steps.some(({ name }) => name.startsWith('table prepare'))) {
    seen['slow sink'] += 1
  }
  for (const { at, byMs } of clock) {
    if (at < steps.length) seen[byMs === 'stops' ? 'clock stops' : 'clock set'] += 1
  }
  const reads = steps.filter(({ name }) => isRead(name)).length
  for (const { at, kind } of faults) {
    if (kind === 'shortRead') {
      if (readOf(at) < reads) seen.shortRead += 1
      continue
    }
    const name = steps[at]?.name
    if (name === undefined || /^(?:send|table) /.test(name)) continue
    if (kind === 'ENOSPC' || kind === 'EIO') seen[kind] += 1
  }
  const failed = seen.ENOSPC + seen.EIO + seen.shortRead > before
  if (failed && restarts > 0 && error === undefined) seen['restart in place'] += 1
}

function simulatedText(one: SimulatedCase): string {
  const lives = one.lives.map((plan, life) => {
    const { dies, faults, clock, sinkPauses, stops, lanes, restarts } = plan
    const what = [
      ...faults.map(({ at, kind }) =>
        kind === 'shortRead' ? `${kind} at read ${readOf(at)}` : `${kind} at step ${at}`,
      ),
      ...clock.map(({ at, byMs }) => {
        const what = byMs === 'stops' ? 'stops' : `is set by ${byMs} ms`
        return `the clock ${what} at step ${at}`
      }),
      ...(sinkPauses === 0 ? [] : [`the sink waits ${sinkPauses} turns per batch`]),
      ...(stops === undefined ? [] : [`it is told to stop at step ${stops}`]),
      ...(lanes === undefined ? [] : [`lanes: ${lanes}`]),
      ...(restarts === 0 ? [] : [`it may begin again ${restarts} times`]),
      ...(dies === undefined ? [] : [`it dies before step ${dies}`]),
    ]
    return `life ${life}: ${what.length === 0 ? 'undisturbed' : what.join(', ')}`
  })
  return [caseText(one), ...lives].join('\n')
}
