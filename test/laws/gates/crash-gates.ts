import { crashCoverage } from '../../../properties/laws/crash-coverage.ts'
import type { CrashPipeline } from '../../../properties/laws/crash-life.ts'
import { crashPoints } from '../../../properties/laws/crash-points.ts'
import { crashWorld } from '../../../properties/laws/crash-world.ts'
import { damagedCheckpoint } from '../../../properties/laws/damaged-checkpoint.ts'
import { storageFaults } from '../../../properties/laws/storage-faults.ts'
import { zombie } from '../../../properties/laws/zombie.ts'
import { crc32c } from '../../../src/core/crc32c.ts'
import { seededRandom } from '../../../src/core/random.ts'
import { inputsOf, type LogicalPlan } from '../../../src/plan/logical.ts'
import type { Gate, Round } from './gate.ts'
import { fewRows, randomPipeline } from './pipelines.ts'

/** Every single crash of a random pipeline. */
export const singleCrashes: Gate = {
  id: 'G1',
  name: 'a death before any step changes nothing',
  unit: 'crash points',
  wanted: { test: 10_000, long: 250_000 },
  least: { stateful: 6, 'two epochs in flight': 3_000 },
  round: (seed) => crashRound(seed, false),
}

/** Every pair of a crash and one more while the process comes up. */
export const doubleCrashes: Gate = {
  id: 'G2',
  name: 'a second death during recovery changes nothing',
  unit: 'ordered pairs',
  wanted: { test: 2_000, long: 50_000 },
  round: (seed) => crashRound(seed, true),
}

async function crashRound(seed: number, isTwice: boolean): Promise<Round> {
  const { pipeline, one } = randomPipeline(seed)
  const coverage = crashCoverage()
  const isAimed = isTwice && seed % 2 === 1
  const { worlds } = await crashPoints(isAimed ? { ...pipeline, cutsPower } : pipeline, {
    seed: one.seed,
    onCrash(step, isSecond) {
      if (isSecond === isTwice) coverage.add(step)
    },
    // A few hundred pairs of a pipeline, others of the next one.
    ...(isTwice ? (isAimed ? namesAtRisk : anyPairs) : {}),
  })
  const plan = await planOf(pipeline, one.seed)
  return {
    done: coverage.crashes,
    figures: {
      stateful: keepsState(plan) ? 1 : 0,
      'two inputs': one.query.inputs.length > 1 ? 1 : 0,
      'two epochs in flight': coverage.withTwoInFlight,
      'different worlds': worlds,
      rows: one.arrivals.flatMap((arrival) => arrival.flat()).length,
    },
    kinds: [...coverage.pairs.keys()],
  }
}

const anyPairs = { every: 61, secondAfterEvery: 61, secondEvery: 7 }

/** What a killed process named and did not sync is there for the next one, and may go when it dies in a power cut. */
const cutsPower = (life: number): boolean => life > 0
const isSyncOfNames = (step: string): boolean => step.startsWith('sync folder ')
const namesAtRisk = {
  only: isSyncOfNames,
  every: 2,
  secondAfterEvery: 2,
  secondOnly: isSyncOfNames,
  secondEvery: 1,
}

async function planOf(pipeline: CrashPipeline, seed: number): Promise<LogicalPlan> {
  const world = crashWorld(pipeline, seed)
  await world.live()
  return world.plan()
}

function keepsState(plan: LogicalPlan): boolean {
  const stateful: readonly LogicalPlan['kind'][] = [
    'aggregate',
    'deduplicate',
    'join',
    'asofJoin',
    'process',
    'own',
    'topN',
    'limit',
  ]
  return stateful.includes(plan.kind) || inputsOf(plan).some(keepsState)
}

/** The same seed gives the same run, step by step. */
export const sameAgain: Gate = {
  id: 'G4',
  name: 'the same seed gives the same run',
  unit: 'pipelines run twice',
  wanted: { test: 50, long: 1_000 },
  async round(seed) {
    const { pipeline, one } = randomPipeline(seed)
    const [first, second] = [await traceOf(pipeline, one.seed), await traceOf(pipeline, one.seed)]
    if (first !== second) throw new Error(`two runs of seed ${seed} differ: ${first}, ${second}`)
    return { done: 1 }
  },
}

/** A hash of every step and every byte that a run left. */
async function traceOf(pipeline: CrashPipeline, seed: number): Promise<string> {
  const world = crashWorld(pipeline, seed)
  const { steps } = await world.live()
  const disk = world.disk()
  const parts = steps.map(({ name }) => name)
  for (const path of disk.allFiles()) {
    disk.tamper(path, (bytes) => {
      parts.push(`${path} ${crc32c(bytes)}`)
      return bytes
    })
  }
  return `${steps.length} steps, ${crc32c(new TextEncoder().encode(parts.join('\n')))}`
}

/** Faults of the disk at every request of a random pipeline. */
export const diskFaults: Gate = {
  id: 'G5',
  name: 'a fault of the disk at any request loses nothing',
  unit: 'faults',
  wanted: { test: 3_000, long: 54_000 },
  async round(seed) {
    const { pipeline, one } = randomPipeline(seed, fewRows)
    const { tried, failed, refused } = await storageFaults(pipeline, { seed: one.seed, every: 3 })
    const later = [...refused.values()].reduce((sum, times) => sum + times, 0)
    return { done: tried, figures: { 'queries failed': failed, 'refused later': later } }
  },
}

/** Damages of the checkpoint of a random pipeline. */
export const damages: Gate = {
  id: 'G6',
  name: 'a damaged checkpoint gives no wrong answer',
  unit: 'damages',
  wanted: { test: 2_000, long: 60_000 },
  async round(seed) {
    const { pipeline, one } = randomPipeline(seed)
    const random = seededRandom(seed)
    const all = { tried: 0, right: 0, refused: new Map<string, number>() }
    // Which entry of the log is the newest depends on the death; for a bit any death will do.
    for (const lossOnly of [...Array<boolean>(10).fill(true), false]) {
      const after = 0.3 + 0.65 * random.next()
      const report = await damagedCheckpoint(pipeline, { seed: one.seed, lossOnly, after })
      all.tried += report.tried
      all.right += report.right
      for (const [code, times] of report.refused)
        all.refused.set(code, (all.refused.get(code) ?? 0) + times)
    }
    const refused = [...all.refused.values()].reduce((sum, times) => sum + times, 0)
    const figures = { right: all.right, refused }
    return { done: all.tried, figures, kinds: [...all.refused.keys()] }
  },
}

/** A process that is stopped, replaced and woken. */
export const zombies: Gate = {
  id: 'G9',
  name: 'a process that was replaced writes nothing when it wakes',
  unit: 'zombies',
  wanted: { test: 20, long: 2_000 },
  async round(seed) {
    const { pipeline, one } = randomPipeline(seed)
    const step = Math.floor(seededRandom(seed).next() * 400)
    const { slept, stepsAwake } = await zombie(pipeline, { seed: one.seed, step })
    return { done: slept ? 1 : 0, figures: { 'steps awake': stepsAwake } }
  },
}
