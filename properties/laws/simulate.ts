import fc from 'fast-check'
import type { DiskFault } from '../virtual-file-system.ts'
import { judgeOf } from './crash-judge.ts'
import { crashWorld, type Disturbance, type Life } from './crash-world.ts'
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
}

/** What may happen to a process; two of them may happen in one life. */
export type DisturbanceKind =
  | 'death'
  | 'ENOSPC'
  | 'EIO'
  | 'shortRead'
  | 'clock set'
  | 'slow sink'
  | 'query failed'

/** What happens in one life; steps are shares of those that a life has at most. */
interface LifePlan {
  readonly dies: number | undefined
  readonly faults: readonly { readonly at: number; readonly kind: DiskFault }[]
  readonly clock: readonly { readonly at: number; readonly byMs: number }[]
  readonly sinkPauses: number
}

interface SimulatedCase extends CrashCase {
  readonly lives: readonly LifePlan[]
}

/** More steps than a short run has. */
const stepsMax = 1_200
const hourMs = 3_600_000

/**
 * Random runs with everything that may go wrong at once: processes die and come up again, requests to the disk fail,
 * the wall clock is set back and forth by an hour or forward by ten years, the sink is slow, and
 * every interleaving of messages is drawn by lot. After some lives the machine is left alone: then the output is
 * exactly what the reference gives for the epochs in the log, and nothing is left over.
 *
 * @param queries one query, or an arbitrary that makes them
 * @throws LawFailure with the smallest run that shows it
 */
export async function simulate(
  queries: StreamQuery | fc.Arbitrary<StreamQuery>,
  options: Omit<ExactlyOnceOptions, 'again'> = {},
): Promise<SimulationReport> {
  const seen: Record<DisturbanceKind, number> = {
    death: 0,
    ENOSPC: 0,
    EIO: 0,
    shortRead: 0,
    'clock set': 0,
    'slow sink': 0,
    'query failed': 0,
  }
  let lives = 0
  const holds = async (one: SimulatedCase): Promise<void> => {
    const pipeline = pipelineOf(one, options)
    const world = crashWorld(pipeline, one.seed)
    for (const plan of one.lives) {
      lives += 1
      count(seen, plan, await world.live(disturbanceOf(plan)))
    }
    lives += 1
    await world.live()
    await judgeOf(pipeline, { mayLeaveFiles: false })(world, undefined)
  }
  const cases = oneOf(queries).chain((query) =>
    fc
      .record({ one: caseOf(query), lives: fc.array(lifePlan, { minLength: 1, maxLength: 4 }) })
      .map(({ one, lives: plans }) => ({ ...one, lives: plans })),
  )
  const run = await runLaw(
    { name: 'simulate', cases, holds, describe: simulatedText },
    { runs: 100, ...options },
  )
  return { ...run, lives, disturbances: seen }
}

const share = fc.double({ min: 0, max: 1, noNaN: true })

const lifePlan: fc.Arbitrary<LifePlan> = fc.record({
  dies: fc.option(share, { nil: undefined, freq: 3 }),
  faults: fc.array(
    fc.record({ at: share, kind: fc.constantFrom<DiskFault>('ENOSPC', 'EIO', 'shortRead') }),
    { maxLength: 2 },
  ),
  clock: fc.array(
    fc.record({
      at: share,
      byMs: fc.constantFrom(-hourMs, hourMs, 10 * 365 * 24 * hourMs, -1),
    }),
    { maxLength: 2 },
  ),
  sinkPauses: fc.constantFrom(0, 0, 1, 30),
})

function stepOf(at: number): number {
  return Math.floor(at * stepsMax)
}

function disturbanceOf({ dies, faults, clock, sinkPauses }: LifePlan): Disturbance {
  return {
    ...(dies === undefined ? {} : { dieAt: stepOf(dies) }),
    fault: (step) => faults.find(({ at }) => stepOf(at) === step)?.kind,
    during(step, simulated) {
      for (const { at, byMs } of clock) if (stepOf(at) === step) simulated.jump(byMs)
    },
    sinkPauses,
  }
}

function count(
  seen: Record<DisturbanceKind, number>,
  { faults, clock, sinkPauses }: LifePlan,
  { died, steps, error }: Life,
): void {
  if (died) seen.death += 1
  if (error !== undefined) seen['query failed'] += 1
  if (sinkPauses > 0 && steps.some(({ name }) => name.startsWith('table prepare'))) {
    seen['slow sink'] += 1
  }
  for (const { at } of clock) if (stepOf(at) < steps.length) seen['clock set'] += 1
  for (const { at, kind } of faults) {
    const name = steps[stepOf(at)]?.name
    if (name === undefined || /^(?:send|table) /.test(name)) continue
    if (kind === 'shortRead' && !name.startsWith('read ')) continue
    if (kind in seen) seen[kind as DisturbanceKind] += 1
  }
}

function simulatedText(one: SimulatedCase): string {
  const lives = one.lives.map(({ dies, faults, clock, sinkPauses }, life) => {
    const what = [
      ...faults.map(({ at, kind }) => `${kind} at step ${stepOf(at)}`),
      ...clock.map(({ at, byMs }) => `the clock is set by ${byMs} ms at step ${stepOf(at)}`),
      ...(sinkPauses === 0 ? [] : [`the sink waits ${sinkPauses} turns per batch`]),
      ...(dies === undefined ? [] : [`it dies before step ${stepOf(dies)}`]),
    ]
    return `life ${life}: ${what.length === 0 ? 'undisturbed' : what.join(', ')}`
  })
  return [caseText(one), ...lives].join('\n')
}
