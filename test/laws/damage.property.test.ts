import { expect, test } from 'vitest'
import { damagedCheckpoint } from '../../properties/laws/damaged-checkpoint.ts'
import { storageFaults } from '../../properties/laws/storage-faults.ts'
import { counts, sessions, windows } from './pipelines.ts'

const seed = 1

test.each([windows, counts])(
  'a damaged checkpoint of $name gives the right answer or a refusal, never another answer',
  async (pipeline) => {
    const { tried, right, refused } = await damagedCheckpoint(pipeline, { seed })
    const codes = [...refused].map(([code, times]) => `${code} ${times}`)
    console.log(
      `damaged checkpoints, ${pipeline.name}: ${tried}, right ${right}, ${codes.join(', ')}`,
    )
    expect(tried).toBeGreaterThan(300)
    expect(refused.get('CHECKPOINT_CORRUPT')).toBeGreaterThan(100)
  },
  120_000,
)

test.each([windows, sessions])(
  'a fault of the disk at any request of $name loses nothing and counts nothing twice',
  async (pipeline) => {
    const { tried, failed, refused } = await storageFaults(pipeline, { seed })
    const codes = [...refused].map(([code, times]) => `${code} ${times}`)
    console.log(
      `storage faults, ${pipeline.name}: ${tried}, queries failed ${failed}, refused later ${codes.join(', ')}`,
    )
    expect(tried).toBeGreaterThan(300)
    expect(failed).toBeGreaterThan(100)
  },
  120_000,
)
