import { expect, test } from 'vitest'
import type { JobEvent, JobHandle, JobSettings } from '../../actors/job.ts'
import { nactSystem } from '../../actors/nact-system.ts'
import { defaultRestart } from '../../actors/restart-policy.ts'
import { runJob } from '../../actors/supervisor.ts'
import { seededRandom } from '../../src/core/random.ts'
import { systemClock } from '../../src/core/system-clock.ts'
import {
  deploy,
  emptyDisk,
  expectedOutput,
  type Faults,
  type JobShape,
  type Row,
  sorted,
} from './world.ts'

const rows = (count: number): Row[] =>
  Array.from({ length: count }, (_, row) => ({ key: row % 7, value: 1 + (row % 5) }))

const triggers: readonly JobSettings['trigger'][] = [
  { type: 'default' },
  { type: 'availableNow' },
  { type: 'processingTime', intervalMs: 5 },
  { type: 'continuous', intervalMs: 20 },
]

for (const trigger of triggers) {
  test(`on nact and the real clock, with failures, a job under trigger ${trigger.type} commits everything once`, async () => {
    const shape: JobShape = {
      inputs: [rows(120), rows(75)],
      lanes: 3,
      settings: { trigger, credit: { batches: 2, bytes: 1000 } },
      maxRows: 20,
      batchRows: 4,
      sinkKinds: ['repeatable'],
    }
    const disk = emptyDisk()
    const clock = systemClock()
    const random = seededRandom(11)
    const faults: Faults = { rate: 0.005, left: 2 }
    const schedule = { pause: clock.yield, chance: random.next }
    const listener = (event: JobEvent) => {
      if (event.type === 'idle') job.stop(10_000).then(undefined, () => undefined)
    }
    const job: JobHandle = runJob({
      name: 'nact',
      clock,
      random,
      system: nactSystem,
      deploy: () =>
        deploy(disk, shape, schedule, faults, (input) => shape.inputs[input]?.length ?? 0),
      restart: { ...defaultRestart, firstDelayMs: 1 },
      stopTimeoutMs: 10_000,
      listener,
    })
    await job.done
    expect(disk.violations).toEqual([])
    const expected = expectedOutput(disk, shape.inputs)
    expect(disk.commits.get('out0')).toEqual([...expected.keys()])
    for (const [epoch, output] of expected) {
      expect(sorted(disk.visible.get('out0')?.get(epoch) ?? [])).toEqual(sorted(output))
    }
    const total = [...expected.values()].flat().reduce((sum, { delta }) => sum + delta, 0)
    expect(total).toBe([...rows(120), ...rows(75)].reduce((sum, { value }) => sum + value, 0))
  })
}
