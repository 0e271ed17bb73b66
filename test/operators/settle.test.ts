import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rowsAsText } from '../../properties/laws/rows-as-text.ts'
import type { Batch } from '../../src/batch/batch.ts'
import { batchOf } from '../../src/batch/build.ts'
import { gatherRows } from '../../src/batch/gather.ts'
import { longType } from '../../src/batch/schema.ts'
import type { Value } from '../../src/batch/value.ts'
import type { Epoch, Micros } from '../../src/core/units.ts'
import type { EpochHeader } from '../../src/flow/message.ts'
import type { Output } from '../../src/flow/operator.ts'
import { orderByValue } from '../../src/operators/order-by-value.ts'
import { settleOperator } from '../../src/operators/settle.ts'
import { rowsCase } from '../batch/arbitraries.ts'

const start = 0 as Micros
const header: EpochHeader = {
  epoch: 0 as Epoch,
  processingTime: start,
  lateWatermark: start,
  evictWatermark: start,
  idle: [],
  ranges: {},
}
const schema = [{ name: 'n', type: longType, nullable: true }]

/** What one epoch gives out when rows without a place come in this order. */
async function settled(values: Float64Array): Promise<readonly number[]> {
  const seen: number[] = []
  const output: Output = {
    emit({ columns: [column], selection, rowCount }: Batch) {
      if (column?.layout !== 'f64') throw new Error('numbers come out as numbers')
      const rows = selection ?? Int32Array.from({ length: rowCount }, (_, row) => row)
      for (const row of rows) seen.push(column.values[row] ?? Number.NaN)
      return undefined
    },
    emitSide: () => undefined,
  }
  const operator = settleOperator(false)
  operator.open(header)
  const columns = [{ layout: 'f64', values }] as const
  await operator.process(0, { schema, rowCount: values.length, columns }, output)
  await operator.closeEpoch(header, output)
  return seen
}

test('rows without a place come out in one order, however many they are and however they arrive', async () => {
  const rowCount = 200_000
  const values = Float64Array.from({ length: rowCount }, (_, row) => (row * 7919) % rowCount)
  const forwards = await settled(values)
  expect(new Set(forwards).size).toBe(rowCount)
  expect(await settled(values.toReversed())).toEqual(forwards)
})

test('rows are in one order by value, whatever their types and however they were cut into batches', () => {
  const inTwo = (list: readonly (readonly Value[])[], at: number) => [
    list.slice(0, at),
    list.slice(at),
  ]
  let twins = 0
  fc.assert(
    fc.property(rowsCase, fc.nat(), fc.nat(), ({ schema: types, rows }, cut, turn) => {
      const all = [...rows, ...rows.slice(0, 3)]
      const ordered = (list: readonly (readonly Value[])[], at: number): readonly string[] => {
        const batches = inTwo(list, at % (list.length + 1)).map((part) => batchOf(types, part))
        return rowsAsText(gatherRows(orderByValue(batches)))
      }
      const [front = [], back = []] = inTwo(all, turn % (all.length + 1))
      expect(ordered([...back, ...front].toReversed(), cut)).toEqual(ordered(all, 0))
      twins += Math.min(rows.length, 3)
    }),
    { numRuns: 300 },
  )
  expect(twins).toBeGreaterThan(100)
})
