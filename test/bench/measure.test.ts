import { expect, test } from 'vitest'
import { compare, doubtsOf, marginOf, runChild, summarize } from '../../bench/measure.ts'
import type { MeasuredRun } from '../../bench/measured-run.ts'
import { geometricMean, spreadOf } from '../../bench/statistics.ts'
import { ratioTable, textTable, verdictOf } from '../../bench/table.ts'
import { gateVerdict } from '../../bench/verdict.ts'

const run = (cpuSeconds: number, result = '"same"'): MeasuredRun => ({
  cpuSeconds,
  processCpuSeconds: cpuSeconds + 0.1,
  wallSeconds: cpuSeconds,
  rssBytesMax: 2 ** 27,
  result,
  figures: {},
})

const child = (report: string) => ({
  name: 'child',
  args: ['-e', `console.log('noise'); console.log('measured-run ' + ${JSON.stringify(report)})`],
})

test('a child reports its figures among its other output', async () => {
  expect(await runChild(child(JSON.stringify(run(1))))).toEqual(run(1))
})

test('a child that fails or does not report is an error with its own words', async () => {
  const failing = { name: 'failing', args: ['-e', 'throw new Error("out of luck")'] }
  await expect(runChild(failing)).rejects.toThrow('out of luck')
  await expect(runChild({ name: 'silent', args: ['-e', ''] })).rejects.toThrow('no figures')
})

test('contenders run in turn, as often as asked', async () => {
  const contenders = ['a', 'b'].map((name) => ({ ...child(JSON.stringify(run(2))), name }))
  const { measurements, doubts } = await compare(contenders, { events: 1000, runs: 2 })
  expect(measurements.map(({ name, runs }) => [name, runs.length])).toEqual([
    ['a', 2],
    ['b', 2],
  ])
  expect(measurements[0]?.eventsPerCpuSecond.median).toBe(500)
  expect(doubts).toContain('only 2 runs; 5 are needed to publish')
})

test('runs with different results are refused', () => {
  expect(() => summarize('liar', 10, [run(1), run(1, '"other"')])).toThrow('different results')
})

test('a busy machine and a drifting clock are doubts', () => {
  const quiet = { load: 0.1, before: 1, after: 1.04, others: 0.02, runs: 5 }
  expect(doubtsOf(quiet)).toEqual([])
  expect(doubtsOf({ ...quiet, after: 1.06 })).toEqual([
    'unsteady machine: its speed changed by 6.0 %',
  ])
  expect(doubtsOf({ ...quiet, after: 0.94 })).toHaveLength(1)
  expect(marginOf(1, 1.04)).toBe(0)
  expect(marginOf(1, 0.94)).toBeCloseTo(0.06)
  expect(doubtsOf({ ...quiet, load: 2 })).toEqual([
    'busy machine: the load was 2.00 before the start, over 0.5',
  ])
  expect(doubtsOf({ ...quiet, others: 0.2 })).toEqual([
    'busy machine: other processes had 20.0 % of it',
  ])
  expect(doubtsOf({ ...quiet, others: undefined })).toHaveLength(1)
  expect(doubtsOf({ ...quiet, runs: 4 })).toEqual(['only 4 runs; 5 are needed to publish'])
})

test('the median of an even count is between the middle two', () => {
  expect(spreadOf([5, 1, 3])).toEqual({ median: 3, min: 1, max: 5 })
  expect(spreadOf([4, 1, 3, 10])).toEqual({ median: 3.5, min: 1, max: 10 })
  expect(() => spreadOf([])).toThrow(RangeError)
  expect(geometricMean([2, 8])).toBeCloseTo(4)
})

test('the ratio table shows median, range, gate and doubts', () => {
  const ours = summarize('millrace', 1_000_000, [run(0.5), run(0.4), run(0.8)])
  const theirs = summarize('by hand', 1_000_000, [run(1), run(1), run(1.25)])
  const row = { workload: 'q0 file', ours, theirs, floor: 1, doubts: [], margin: 0 }
  const text = ratioTable([row])
  expect(text).toContain('2.00 (1.25–3.13)')
  expect(text).toContain('2000 (1250–2500)')
  expect(verdictOf(row)).toBe('met')
  expect(verdictOf({ ...row, floor: 2.5 })).toBe('MISSED')
  expect(verdictOf({ ...row, floor: 1.95, margin: 0.06 })).toBe('VOID')
  const memory = {
    value: 98,
    bound: 100,
    direction: 'at most',
    unit: 'bytes',
    margin: 0.06,
  } as const
  expect(gateVerdict(memory)).toBe('met')
  expect(gateVerdict({ ...memory, unit: 's' })).toBe('VOID')
  expect(ratioTable([{ ...row, doubts: ['unsteady'] }])).toContain('q0 file: unsteady')
})

test('columns of a text table are as wide as their widest cell', () => {
  expect(
    textTable([
      ['a', 'b'],
      ['long', 'x'],
    ]),
  ).toBe('a     b\n----  -\nlong  x')
})
