import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Batch } from '../../src/batch/batch.ts'
import { batchOf } from '../../src/batch/build.ts'
import { longType, type Schema, stringType, timestampType } from '../../src/batch/schema.ts'
import type { Value } from '../../src/batch/value.ts'
import type { EpochHeader } from '../../src/flow/message.ts'
import type { StateContext } from '../../src/operators/context.ts'
import type { JoinSpec } from '../../src/operators/join/spec.ts'
import { streamJoinOperator } from '../../src/operators/join/stream-join.ts'
import { volatileState } from '../../src/runtime/volatile-state.ts'
import {
  collector,
  type Pressure,
  pressure,
  shardOf,
  shards,
  underPressure,
} from './pressed-operator.ts'
import { steppedHeaders } from './stepped-headers.ts'

const second = 1_000_000
const schema: Schema = [
  { name: 'key', type: longType, nullable: true },
  { name: 'time', type: timestampType, nullable: true },
  { name: 'name', type: stringType, nullable: true },
]

interface JoinRow {
  readonly side: 0 | 1
  readonly key: bigint | null
  readonly seconds: number | null
  readonly name: string
}

const joinRow: fc.Arbitrary<JoinRow> = fc.record({
  side: fc.constantFrom<0 | 1>(0, 1),
  key: fc.option(
    // A key beyond 2^53 makes the tables hold their keys as bytes.
    fc.oneof(
      { weight: 12, arbitrary: fc.bigInt({ min: 0n, max: 5n }) },
      { weight: 1, arbitrary: fc.constant(2n ** 60n + 1n) },
    ),
    { freq: 9 },
  ),
  seconds: fc.option(fc.integer({ min: 0, max: 40 }), { freq: 12 }),
  name: fc.string({ maxLength: 6 }),
})

interface Plan {
  readonly epochs: readonly (readonly JoinRow[])[]
  readonly type: JoinSpec['type']
  /** Seconds from a row's time to the watermark that ends its wait; −1 = it waits for ever. */
  readonly waits: readonly [number, number]
  readonly steps: readonly number[]
  readonly conditional: boolean
}

const plan: fc.Arbitrary<Plan> = fc.record({
  epochs: fc.array(fc.array(joinRow, { maxLength: 14 }), { minLength: 1, maxLength: 8 }),
  type: fc.constantFrom<JoinSpec['type']>(
    'inner',
    'leftOuter',
    'rightOuter',
    'fullOuter',
    'leftSemi',
    'leftAnti',
  ),
  waits: fc.tuple(fc.integer({ min: -1, max: 9 }), fc.integer({ min: -1, max: 9 })),
  steps: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 8, maxLength: 8 }),
  conditional: fc.boolean(),
})

function specOf({ type, waits, conditional }: Plan): JoinSpec {
  const nulled = schema.map((field) => ({ ...field, nullable: true }))
  const name = (index: number) => ({
    kind: 'column' as const,
    index,
    name: 'name',
    type: stringType,
    nullable: true,
  })
  const side = (wait: number) => ({
    keys: [0],
    time: 1,
    ...(wait < 0 ? {} : { due: { column: 1, offsetMicros: wait * second } }),
  })
  return {
    operator: 'join-0',
    type,
    keyTypes: [longType],
    nullSafe: [false],
    pairs: {
      left: schema,
      right: schema,
      output: type === 'leftSemi' || type === 'leftAnti' ? nulled : [...nulled, ...nulled],
      ...(conditional
        ? {
            condition: {
              kind: 'call' as const,
              name: '<=',
              args: [name(2), name(5)],
              type: { kind: 'boolean' as const },
              nullable: true,
            },
          }
        : {}),
    },
    left: side(waits[0]),
    right: side(waits[1]),
    watermarkShift: 0,
    outputShift: 0,
  }
}

const headersOf = ({ epochs, steps }: Plan): readonly EpochHeader[] =>
  steppedHeaders(
    epochs.map((_, epoch) => steps[epoch] ?? 0),
    true,
  )

function batchesOf(rows: readonly JoinRow[], size: number): readonly [0 | 1, Batch][] {
  const cells = (row: JoinRow): Value[] => [
    row.key,
    row.seconds === null ? null : row.seconds * second,
    row.name,
  ]
  const batches: [0 | 1, Batch][] = []
  for (let from = 0; from < rows.length; from += size) {
    const part = rows.slice(from, from + size)
    for (const side of [0, 1] as const) {
      const own = part.filter((row) => row.side === side)
      if (own.length > 0) batches.push([side, batchOf(schema, own.map(cells))])
    }
  }
  return batches
}

/** All in memory, all left rows before all right ones. */
async function plainly(given: Plan): Promise<readonly (readonly string[])[]> {
  const state = volatileState('join-0', shards.length)
  const context = { state, shardOf, restoredWatermark: Number.MIN_SAFE_INTEGER }
  const operator = await streamJoinOperator(specOf(given), context)
  const results: (readonly string[])[] = []
  for (const header of headersOf(given)) {
    const { output, rows } = collector()
    operator.open(header)
    const all = batchesOf(given.epochs[header.epoch] ?? [], 1000)
    for (const [side, batch] of all) await operator.process(side, batch, output)
    await operator.closeEpoch(header, output)
    operator.freeze()
    results.push(rows())
  }
  return results
}

interface Circumstances {
  readonly pressure: Pressure
  readonly batchSize: number
  readonly rotate: number
}

/** With state that does not fit in memory, rows mixed in another way, and restarts. */
function pressed(given: Plan, { pressure: how, batchSize, rotate }: Circumstances) {
  const operator = {
    name: 'join-0',
    open: (context: StateContext) => streamJoinOperator(specOf(given), context),
    headers: headersOf(given),
    batchesOf(epoch: number) {
      const all = given.epochs[epoch] ?? []
      const at = all.length === 0 ? 0 : rotate % all.length
      return batchesOf([...all.slice(at), ...all.slice(0, at)], batchSize)
    },
  }
  return underPressure(operator, how)
}

test('a join gives the same with rows out of memory, in any order within an epoch, over restarts', async () => {
  const circumstances: fc.Arbitrary<Circumstances> = fc.record({
    pressure,
    batchSize: fc.integer({ min: 1, max: 6 }),
    rotate: fc.nat(20),
  })
  let cold = 0
  await fc.assert(
    fc.asyncProperty(plan, circumstances, async (given, how) => {
      const found = await pressed(given, how)
      expect(found.results).toEqual(await plainly(given))
      cold += found.cold ? 1 : 0
    }),
    { numRuns: 300 },
  )
  expect(cold).toBeGreaterThan(50)
}, 60_000)

test('left rows that are chosen more at once than a batch holds come out once each, by several right rows', async () => {
  const row = (side: 0 | 1, name: string): JoinRow => ({ side, key: 1n, seconds: null, name })
  const given: Plan = {
    epochs: [
      Array.from({ length: 3000 }, (_, k) => row(0, `l${k}`)),
      ['r0', 'r1', 'r2'].map((name) => row(1, name)),
    ],
    type: 'leftSemi',
    waits: [-1, -1],
    steps: [0, 0],
    conditional: false,
  }
  const [none, chosen] = await plainly(given)
  expect(none).toEqual([])
  expect(chosen).toHaveLength(3000)
  expect(new Set(chosen).size).toBe(3000)
})
