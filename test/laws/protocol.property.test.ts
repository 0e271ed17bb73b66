import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { JobEvent, JobHandle, JobSettings } from '../../actors/job.ts'
import { defaultRestart } from '../../actors/restart-policy.ts'
import { runJob } from '../../actors/supervisor.ts'
import { createSimulation, type Simulation } from '../../properties/simulated-system.ts'
import { StreamError } from '../../src/core/error.ts'
import { seededRandom } from '../../src/core/random.ts'
import type { SinkKind } from '../../src/flow/connector.ts'
import type { EpochHeader } from '../../src/flow/message.ts'
import {
  type Disk,
  deploy,
  emptyDisk,
  eventTime,
  expectedOutput,
  type Faults,
  headerText,
  type JobShape,
  type Row,
  sorted,
} from '../actors/world.ts'

const row = fc.record({ key: fc.nat(4), value: fc.integer({ min: 1, max: 9 }) })
const input = fc.array(row, { minLength: 1, maxLength: 16 })

const trigger = fc.constantFrom<JobSettings['trigger']>(
  { type: 'default' },
  { type: 'availableNow' },
  { type: 'processingTime', intervalMs: 50 },
  { type: 'continuous', intervalMs: 30 },
)

const sinkKinds = fc.constantFrom<readonly SinkKind[]>(
  ['repeatable'],
  ['authoritative', 'repeatable'],
  ['authoritative', 'repeatable', 'repeatable'],
  ['repeatable', 'bestEffort'],
  ['repeatable', 'immediate'],
)

interface Run {
  readonly seed: number
  readonly inputs: readonly (readonly Row[])[]
  readonly trigger: JobSettings['trigger']
  readonly sinkKinds: readonly SinkKind[]
  readonly lanes: number
  readonly maxRows: number
  readonly batchRows: number
  readonly creditBatches: number
  readonly epochsInFlight: number
  readonly faults: number
  readonly kills: number
}

const run: fc.Arbitrary<Run> = fc.record({
  seed: fc.integer(),
  inputs: fc.tuple(input, input),
  trigger,
  sinkKinds,
  lanes: fc.constantFrom(2, 1, 3),
  maxRows: fc.integer({ min: 1, max: 6 }),
  batchRows: fc.integer({ min: 1, max: 3 }),
  creditBatches: fc.integer({ min: 1, max: 3 }),
  epochsInFlight: fc.integer({ min: 1, max: 3 }),
  faults: fc.nat(3),
  kills: fc.nat(2),
})

interface Outcome {
  readonly disk: Disk
  readonly events: readonly JobEvent[]
}

/** Starts the job as often as it is killed, and then until it ends well, on one disk. */
async function live(run: Run): Promise<Outcome> {
  const disk = emptyDisk()
  const events: JobEvent[] = []
  const random = seededRandom(run.seed)
  const faults: Faults = { rate: 0.02, left: run.faults }
  // A failure during the stop ends a job, and another start takes up from there.
  for (let life = 0; life <= run.kills + run.faults; life++) {
    const killAt = life < run.kills ? Math.floor(random.next() * 400) : Number.POSITIVE_INFINITY
    const seed = random.next()
    try {
      await liveOnce(run, { disk, events, faults, killAt, seed, startMs: life * 1e6 })
      if (life >= run.kills) return { disk, events }
    } catch (cause) {
      if (!(cause instanceof Error && cause.message.includes('injected fault'))) throw cause
    }
  }
  throw new Error('more failures than were injected')
}

interface Life {
  readonly disk: Disk
  readonly events: JobEvent[]
  readonly faults: Faults
  readonly killAt: number
  readonly seed: number
  readonly startMs: number
}

async function liveOnce(run: Run, life: Life): Promise<void> {
  const { disk, events, faults, killAt, startMs } = life
  const simulation = createSimulation(Math.floor(life.seed * 2 ** 32), { startMs })
  const { trigger, epochsInFlight, creditBatches } = run
  const settings = { trigger, epochsInFlight, credit: { batches: creditBatches, bytes: 64 } }
  const shape: JobShape = { ...run, settings }
  const arrivals = arrivalsOf(run, simulation)
  let job: JobHandle | undefined
  const listener = (event: JobEvent) => {
    events.push(event)
    if (event.type !== 'idle' || !arrivals.done()) return
    job?.stop(60_000).then(undefined, () => undefined)
  }
  job = runJob({
    name: 'law',
    clock: simulation.clock,
    random: seededRandom(run.seed),
    system: simulation.system,
    deploy: () => deploy(disk, shape, simulation, faults, arrivals.available),
    restart: { ...defaultRestart, poisonAfter: 10 },
    stopTimeoutMs: 30_000,
    listener,
  })
  await simulation.run(job.done, { isDead: (steps) => steps >= killAt, maxSteps: 40_000 })
}

/** Rows arrive as time goes by, or are all there for triggers that end by themselves. */
function arrivalsOf(run: Run, simulation: Simulation) {
  const ends = run.trigger.type === 'availableNow'
  const available = (input: number) => {
    const all = run.inputs[input]?.length ?? 0
    if (ends) return all
    return Math.min(all, Math.floor(all / 2) + Math.floor(simulation.clock.now() / 7))
  }
  const done = () => run.inputs.every((rows, index) => available(index) === rows.length)
  return { available, done }
}

function check(run: Run, { disk, events }: Outcome): void {
  // Every decision is in the log once, in order, and covers the input exactly.
  const decisions = disk.log.flatMap((line) => (line.type === 'decision' ? [line.header] : []))
  expect(decisions.map(({ epoch }) => epoch)).toEqual(decisions.map((_, index) => index))
  run.inputs.forEach((rows, index) => {
    let position = 0
    for (const { ranges } of decisions) {
      const range = ranges?.[`in${index}`]
      if (range === undefined) continue
      expect(range.from).toEqual({ p: position })
      position = Number(range.to['p'])
    }
    expect(position).toBe(rows.length)
  })
  // Every decided epoch is visible once, in order, with the rows of the model, in every such sink.
  const expected = expectedOutput(disk, run.inputs)
  run.sinkKinds.forEach((kind, index) => {
    if (kind !== 'repeatable' && kind !== 'authoritative') return
    const name = `out${index}`
    expect(disk.commits.get(name) ?? []).toEqual(decisions.map(({ epoch }) => epoch))
    for (const [epoch, rows] of expected) {
      expect(sorted(disk.visible.get(name)?.get(epoch) ?? [])).toEqual(sorted(rows))
    }
  })
  // Manifests never skip an epoch, and none but decided epochs have one.
  const manifests = disk.log.flatMap((line) =>
    line.type === 'manifest' ? [line.manifest.epoch] : [],
  )
  expect(manifests).toEqual(decisions.map(({ epoch }) => epoch))
  expect(disk.violations).toEqual([])
  // Whoever ran an epoch, in whatever attempt, ran it with the header that is in the log; an open
  // epoch of the continuous trigger that was never decided may come again with other times.
  if (run.trigger.type !== 'continuous') {
    for (const header of decisions) {
      expect([...(disk.opened.get(header.epoch) ?? [])]).toEqual([headerText(header)])
    }
  }
  checkTimes(run, decisions)
  checkEffects(run, disk, expected)
  for (const event of events) {
    if (event.type !== 'restarting') continue
    const { cause } = event.failure
    expect(cause instanceof StreamError && cause.code === 'CHECKPOINT_TIMEOUT').toBe(false)
  }
}

/** Both watermarks follow from the rows of the epochs before, however often the job was restarted. */
function checkTimes(run: Run, decisions: readonly EpochHeader[]): void {
  const largest = [0, 0]
  let evicted = 0
  for (const { ranges, ...header } of decisions) {
    const watermark = Math.min(...largest)
    expect(header.evictWatermark).toBe(watermark)
    expect(header.lateWatermark).toBe(header.skipped === undefined ? evicted : watermark)
    evicted = watermark
    run.inputs.forEach((rows, index) => {
      const range = ranges?.[`in${index}`]
      for (let row = Number(range?.from['p'] ?? 0); row < Number(range?.to['p'] ?? 0); row++) {
        const at = Math.floor(eventTime(row, rows[row]?.value ?? 0) / 1000) * 1000
        largest[index] = Math.max(largest[index] ?? 0, at)
      }
    })
  }
}

/** Sinks without a second phase see every epoch at least once, whole and in order but for repetitions. */
function checkEffects(run: Run, disk: Disk, expected: ReturnType<typeof expectedOutput>): void {
  if (!run.sinkKinds.some((kind) => kind === 'bestEffort' || kind === 'immediate')) return
  let newest = -1
  for (const { epoch, rows } of disk.effects) {
    expect(epoch).toBeLessThanOrEqual(newest + 1)
    newest = Math.max(newest, epoch)
    if (run.trigger.type !== 'continuous') {
      expect(sorted(rows)).toEqual(sorted(expected.get(epoch) ?? []))
    }
  }
  expect(newest).toBe(expected.size - 1)
}

test('any interleaving with any failures and kills commits each decided epoch once, in order, as the model says', async () => {
  await fc.assert(
    fc.asyncProperty(run, async (chosen) => check(chosen, await live(chosen))),
    { numRuns: 300 },
  )
}, 60_000)
