import { expect, test } from 'vitest'
import { batchSource, madeBatches } from '../../bench/batch-source.ts'
import { slope } from '../../bench/state-gates.ts'
import { parseSchema } from '../../src/batch/ddl.ts'

const schema = parseSchema('n LONG')
const one = { median: 2, min: 1, max: 3 }

test('the slope is the cost of each over that of the first', () => {
  const doubled = { ...one, median: 4 }
  const measured = [
    { name: 'in 1 windows', cpuSeconds: one },
    { name: 'in 6 windows', cpuSeconds: doubled },
  ]
  expect(slope(measured)).toEqual([
    { name: 'in 1 windows', cost: 1 },
    { name: 'in 6 windows', cost: 2 },
  ])
})

test('batches that are made when they are read are the same each time, and end', async () => {
  let made = 0
  const batches = madeBatches(schema, { batches: 2, rows: 3 }, (batch) => {
    made++
    return [{ layout: 'f64', values: Float64Array.of(batch, batch, batch) }]
  })
  expect(batches.at(2)).toBeUndefined()
  expect(batches.at(1)?.rowCount).toBe(3)
  expect(made).toBe(0)
  expect(batches.at(1)?.columns).toEqual(batches.at(1)?.columns)
  expect(batches.at(1)?.columns).toEqual([{ layout: 'f64', values: Float64Array.of(1, 1, 1) }])
})

test('an epoch ends where the batches say, whatever the limit in rows', async () => {
  const batches = madeBatches(schema, { batches: 5, rows: 10 }, () => [])
  const source = batchSource(schema, { ...batches, ends: [2, 5] })
  const start = await source.initial()
  const first = await source.latest(start, { maxRows: 1 })
  expect(first).toEqual({ batches: 2 })
  const second = await source.latest(first, { maxRows: 1 })
  expect(second).toEqual({ batches: 5 })
  expect(await source.latest(second, { maxRows: 1 })).toEqual(second)
  expect(await source.latest(start, {})).toEqual({ batches: 5 })
})
