import { expect, test } from 'vitest'
import { spillingState } from '../../properties/spilling-state.ts'
import { batchOf } from '../../src/batch/build.ts'
import { longType, type Schema, timestampType } from '../../src/batch/schema.ts'
import { deduplicateOperator } from '../../src/operators/deduplicate.ts'
import { collector } from './pressed-operator.ts'
import { steppedHeaders } from './stepped-headers.ts'

const second = 1_000_000
const schema: Schema = [
  { name: 'key', type: longType, nullable: false },
  { name: 'time', type: timestampType, nullable: false },
]

test('entries that are given out while what is due is loaded fall due when they have left', async () => {
  const { state, spill } = spillingState('deduplicate-0', 1)
  let spillsNow = false
  const operator = await deduplicateOperator(
    {
      operator: 'deduplicate-0',
      keys: [{ column: 0, name: 'key', type: longType }],
      timeColumn: 1,
      withinMicros: 0,
      watermarkShift: 0,
    },
    {
      state: {
        ...state,
        async *scan(shard, from, to) {
          const found = []
          for await (const entry of state.scan(shard, from, to)) found.push(entry)
          // What is read is what was there before.
          if (spillsNow && to === undefined) spill(1 << 20)
          yield* found
        },
      },
      shardOf: () => 0,
      restoredWatermark: Number.MIN_SAFE_INTEGER,
    },
  )
  const rows = [[[1n, 4]], [[2n, 30]], [], [], [], [], []]
  const due: (number | undefined)[] = []
  for (const header of steppedHeaders([0, 0, 1, 4, 0, 50], false)) {
    operator.open(header)
    const batch = batchOf(
      schema,
      (rows[header.epoch] ?? []).map(([key, time]) => [key ?? null, Number(time) * second]),
    )
    await operator.process(0, batch, collector().output)
    if (header.epoch === 2) spill(1 << 20)
    spillsNow = header.epoch === 3
    const { nextWatermark, progress } = await operator.closeEpoch(header, collector().output)
    due.push(nextWatermark)
    for (const frozen of operator.freeze() ?? []) frozen.encode()
    if (header.epoch === 5) expect(progress?.['deduplicate-0']?.rowsTotal).toBe(0)
  }
  const at = (seconds: number): number => seconds * second
  expect(due).toEqual([at(4), at(4), at(4), at(30), at(30), undefined])
})
