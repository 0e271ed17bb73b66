import { expect, test } from 'vitest'
import type { Deployment, JobEvent, JobHandle, JobSpec, TaskSpec } from '../../actors/job.ts'
import { defaultRestart } from '../../actors/restart-policy.ts'
import { runJob } from '../../actors/supervisor.ts'
import { createSimulation, type Simulation } from '../../properties/simulated-system.ts'
import { seededRandom } from '../../src/core/random.ts'
import { type Disk, deploy, emptyDisk, type Faults, type JobShape, type Row } from './world.ts'

const noFaults: Faults = { rate: 0, left: 0 }
const rows = (count: number): Row[] =>
  Array.from({ length: count }, (_, row) => ({ key: row % 3, value: 1 + (row % 5) }))

const plain: JobShape = {
  inputs: [rows(7), rows(5)],
  lanes: 2,
  settings: {},
  maxRows: 3,
  batchRows: 2,
  sinkKinds: ['repeatable'],
}

interface Started {
  readonly job: JobHandle
  readonly events: JobEvent[]
  readonly disk: Disk
  readonly simulation: Simulation
}

/** Starts a job in a world of its own, or in that of an earlier one. */
function start(
  shape: JobShape,
  options: {
    readonly disk?: Disk
    readonly simulation?: Simulation
    readonly spec?: Partial<JobSpec>
    readonly available?: (input: number) => number
    readonly change?: (deployment: Deployment, attempt: number) => Deployment
    readonly onEvent?: (event: JobEvent, job: JobHandle) => void
  } = {},
): Started {
  const { disk = emptyDisk(), simulation = createSimulation(1), change = (same) => same } = options
  const events: JobEvent[] = []
  const available = options.available ?? ((input: number) => shape.inputs[input]?.length ?? 0)
  const job: JobHandle = runJob({
    name: 'test',
    clock: simulation.clock,
    random: seededRandom(7),
    system: simulation.system,
    deploy: async (attempt) =>
      change(await deploy(disk, shape, simulation, noFaults, available), attempt),
    restart: defaultRestart,
    stopTimeoutMs: 30_000,
    listener: (event) => {
      events.push(event)
      options.onEvent?.(event, job)
    },
    ...options.spec,
  })
  return { job, events, disk, simulation }
}

const stopWhenIdle = (event: JobEvent, job: JobHandle) => {
  if (event.type === 'idle') job.stop(60_000).then(undefined, () => undefined)
}

function decisions(disk: Disk) {
  return disk.log.flatMap((line) => (line.type === 'decision' ? [line.header] : []))
}

test('availableNow reads what is there at the start, in limited epochs, and nothing that comes later', async () => {
  const settings = { trigger: { type: 'availableNow' as const } }
  let asked = 0
  // Rows go on arriving while the job runs.
  const available = (input: number) =>
    Math.min(plain.inputs[input]?.length ?? 0, input === 0 ? 4 + asked++ : 5)
  const { job, disk, simulation } = start({ ...plain, settings }, { available })
  await simulation.run(job.done)
  const ranges = decisions(disk).map(({ ranges }) => [
    ranges?.['in0']?.to['p'],
    ranges?.['in1']?.to['p'],
  ])
  expect(ranges).toEqual([
    [3, 3],
    [4, 5],
    [undefined, undefined],
  ])
})

test('once takes everything in one epoch, whatever the limits', async () => {
  const settings = { trigger: { type: 'once' as const } }
  const { job, disk, simulation } = start({ ...plain, settings })
  await simulation.run(job.done)
  expect(decisions(disk).map(({ ranges }) => ranges)).toEqual([
    { in0: { from: { p: 0 }, to: { p: 7 } }, in1: { from: { p: 0 }, to: { p: 5 } } },
  ])
})

test('a flush ends the input, once in the life of a query', async () => {
  const settings = { trigger: { type: 'availableNow' as const }, flush: true }
  const first = start({ ...plain, settings })
  await first.simulation.run(first.job.done)
  const flushed = decisions(first.disk)
  expect(flushed.at(-1)).toMatchObject({ flush: true, evictWatermark: Number.MAX_SAFE_INTEGER })
  const second = start({ ...plain, settings }, { disk: first.disk })
  await second.simulation.run(second.job.done)
  expect(decisions(second.disk)).toEqual(flushed)
})

test('a processing-time trigger decides on the grid of the wall clock', async () => {
  const simulation = createSimulation(3, { startMs: 1234, hasteMs: 0 })
  const settings = { trigger: { type: 'processingTime' as const, intervalMs: 100 } }
  const { job, disk } = start({ ...plain, settings }, { simulation, onEvent: stopWhenIdle })
  await simulation.run(job.done)
  const [first, ...others] = decisions(disk).map(({ processingTime }) => processingTime / 1000)
  expect(first).toBe(1234)
  expect(others.length).toBeGreaterThan(1)
  for (const at of others) expect(at % 100).toBe(0)
})

test('an idle job opens no epoch and asks no more than ten times a second', async () => {
  let asked = 0
  const { job, simulation, disk } = start(plain, {
    change: (deployment) => ({
      ...deployment,
      sources: deployment.sources.map((each) => ({
        ...each,
        source: {
          ...each.source,
          latest: (from, limit) => {
            asked += 1
            return each.source.latest(from, limit)
          },
        },
      })),
    }),
    onEvent: (_, handle) => {
      if (simulation.clock.monotonic() > 60_000) handle.stop(1000).then(undefined, () => undefined)
    },
  })
  await simulation.run(job.done)
  expect(decisions(disk).length).toBeLessThan(8)
  expect(asked / 2).toBeLessThan(60 * 10 + 40)
})

test('an idle event after wake covers what had arrived before the call', async () => {
  let count = 2
  let woken: number | undefined
  const committed: number[] = []
  const { job, simulation } = start(plain, {
    available: () => count,
    onEvent: (event, handle) => {
      if (event.type === 'committed') committed.push(Number(event.progress.ranges['in0']?.to['p']))
      if (event.type !== 'idle') return
      if (woken === undefined) {
        count = 5
        woken = handle.wake()
      } else if (event.wakes >= woken) {
        expect(committed.at(-1)).toBe(5)
        handle.stop(1000).then(undefined, () => undefined)
      }
    },
  })
  await simulation.run(job.done)
  expect(woken).toBe(1)
})

test('an epoch that fails three times ends the job with its number and the cause', async () => {
  const poison = (deployment: Deployment): Deployment => ({
    ...deployment,
    tasks: deployment.tasks.map((task): TaskSpec => {
      if (task.type !== 'operator') return task
      const open: typeof task.operator.open = (header) => {
        if (header.epoch === 1) throw new Error('bad row')
        task.operator.open(header)
      }
      return { ...task, operator: { ...task.operator, open } }
    }),
  })
  const { job, simulation, events } = start(plain, { change: poison })
  await expect(simulation.run(job.done)).rejects.toMatchObject({
    code: 'EPOCH_POISONED',
    details: { epoch: 1, attempts: 3 },
  })
  expect(events.filter(({ type }) => type === 'restarting').length).toBe(2)
})

test('a first deployment that fails ends the job at once', async () => {
  const { job, simulation } = start(plain, {
    spec: { deploy: () => Promise.reject(new Error('no such folder')) },
  })
  await expect(simulation.run(job.done)).rejects.toThrow('no such folder')
})

test('a first deployment that fails is tried again where the settings say so, as often as any', async () => {
  const restart = { ...defaultRestart, maxRestarts: 3, retryFirst: true }
  for (const failures of [3, 4]) {
    let left = failures
    const { job, events, simulation } = start(plain, {
      spec: { restart },
      onEvent: stopWhenIdle,
      change(deployment) {
        if (left-- > 0) throw new Error('no broker yet')
        return deployment
      },
    })
    const done = simulation.run(job.done)
    if (failures > restart.maxRestarts) await expect(done).rejects.toThrow('no broker yet')
    else await done
    expect(events.filter(({ type }) => type === 'restarting')).toHaveLength(3)
  }
})

test('a handler that never returns ends the job with its name, and nothing is deployed again', async () => {
  let deployed = 0
  const hang = (deployment: Deployment): Deployment => {
    deployed += 1
    return {
      ...deployment,
      tasks: deployment.tasks.map((task): TaskSpec => {
        if (task.type !== 'sink') return task
        return { ...task, sink: { ...task.sink, write: () => new Promise(() => {}) } }
      }),
    }
  }
  const simulation = createSimulation(1, { hasteMs: 0 })
  const { job } = start(plain, { simulation, change: hang })
  const ended = job.done.then(undefined, (cause: unknown) => cause)
  simulation.clock.after(500, () => void job.stop(200).then(undefined, () => undefined))
  expect(await simulation.run(ended)).toMatchObject({
    code: 'STOP_TIMEOUT',
    details: { stuck: '2/0' },
  })
  expect(deployed).toBe(1)
})

test('a stop writes down an empty epoch that was passed over, so that the next start judges rows the same', async () => {
  const one: JobShape = { ...plain, inputs: [rows(1), rows(1)] }
  const { job, simulation, disk } = start(one, { onEvent: stopWhenIdle })
  await simulation.run(job.done)
  // The watermark moved to 1 ms, where the operators have nothing to do.
  const times = { lateWatermark: 1000, evictWatermark: 1000, skipped: 1, ranges: {} }
  expect(decisions(disk)).toMatchObject([{ lateWatermark: 0, evictWatermark: 0 }, times])
  expect(disk.commits.get('out0')).toEqual([0, 1])
})

test('a forced stop drops the open epoch; the next start runs it again with its header', async () => {
  const first = start(plain, {
    onEvent: (event, handle) => {
      if (event.type === 'decided' && event.header.epoch === 1) void handle.force()
    },
  })
  await first.simulation.run(first.job.done)
  const decided = decisions(first.disk)
  const second = start(plain, { disk: first.disk, onEvent: stopWhenIdle })
  await second.simulation.run(second.job.done)
  expect(decisions(second.disk).slice(0, decided.length)).toEqual(decided)
  expect(second.disk.commits.get('out0')).toEqual(decisions(second.disk).map(({ epoch }) => epoch))
})

test('a checkpoint that does not get on in time fails with how many tasks are missing, and where it hangs', async () => {
  const stuck = (deployment: Deployment): Deployment => ({
    ...deployment,
    tasks: deployment.tasks.map((task): TaskSpec => {
      if (task.state === undefined) return task
      return { ...task, state: { ...task.state, persist: () => new Promise(() => {}) } }
    }),
  })
  const settings = { checkpointTimeoutMs: 5000 }
  const { job, simulation, events } = start({ ...plain, settings }, { change: stuck })
  await expect(simulation.run(job.done)).rejects.toMatchObject({
    code: 'STOP_TIMEOUT',
    cause: {
      code: 'CHECKPOINT_TIMEOUT',
      details: { epoch: 0, missing: 2, tasks: 5, waitedMs: 5000 },
    },
  })
  expect(events.filter(({ type }) => type === 'committed')).toEqual([])
})

test('progress tells rows per source and task, ranges and durations under the names of Spark', async () => {
  const settings = { trigger: { type: 'once' as const } }
  const { job, simulation, events } = start({ ...plain, settings })
  await simulation.run(job.done)
  const progress = events.flatMap((event) => (event.type === 'committed' ? [event.progress] : []))
  expect(progress).toHaveLength(1)
  expect(progress[0]).toMatchObject({
    epoch: 0,
    rowsBySource: { in0: 7, in1: 5 },
    ranges: { in0: { from: { p: 0 }, to: { p: 7 } } },
    replayed: false,
  })
  expect(Object.keys(progress[0]?.durationMs ?? {}).sort()).toEqual([
    'addBatch',
    'commitBatch',
    'commitOffsets',
    'getBatch',
    'latestOffset',
    'queryPlanning',
    'triggerExecution',
    'walCommit',
  ])
  const lanes = progress[0]?.tasks.filter(({ task }) => task.startsWith('1/')) ?? []
  expect(lanes.reduce((sum, { rowsIn }) => sum + rowsIn, 0)).toBe(12)
  expect(lanes.every(({ rowsIn }) => rowsIn > 0)).toBe(true)
})
