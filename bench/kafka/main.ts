/**
 * `npm run bench:kafka -- [--records n] [--runs n] [--only read | count | write | latency]`: a topic read, counted into
 * another one exactly once, and written exactly once, with one partition and with four, beside kafkajs; and how
 * long a record takes from one topic to a reader of the other. The brokers run on the same cores. It takes a JDK and Maven.
 */
import { parseArgs } from 'node:util'
import { textsOf } from '../../test/kafka/filled-topic.ts'
import { missingForBrokers, type RealBrokers, realBrokers } from '../../test/kafka/real-brokers.ts'
import { script } from '../contenders.ts'
import { type GateFigure, gateTable } from '../gates.ts'
import { thisMachine } from '../machine.ts'
import { type Comparison, type Contender, compare, loadBefore, runChild } from '../measure.ts'
import { spreadOf } from '../statistics.ts'
import { machineLine, measurementTable } from '../table.ts'
import { isNotMet } from '../verdict.ts'
import { fillTopic, mustBeCounted, pageView, plainValue } from './topics.ts'

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '4000000' },
    runs: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
  },
})
const records = Number(values.records)
const runs = Number(values.runs)
/** About a second's work each. */
const rowsPerEpoch = String(Math.min(records, 500_000))
const load = await loadBefore(runs)
const print = (text: string): void => void process.stdout.write(`${text}\n`)

/** Records per second of the wall clock, with the broker on the same cores; and beside kafkajs. */
const readRateMin = 1.5e6
const readRatioMin = 1.2
/** By second of our own CPU. */
const countRateMin = 4e5
/** Per second of the wall clock. */
const writeRateMin = 4e5
/** From one topic to a reader of the other, beyond the length of an epoch, milliseconds. */
const delayMsMax = 150

/** Of the open loop. */
const latencyRows = 20_000
const ratePerSecond = 2_000
/** How long epochs are, milliseconds. */
const intervalsMs = [100, 1_000]

const missing = missingForBrokers()
if (missing !== undefined) throw new Error(missing)
print(machineLine(thisMachine()))
const brokers = await realBrokers()
const gates: GateFigure[] = []
try {
  for (const partitions of [1, 4]) {
    for (const [name, measure] of [
      ['read', measureRead],
      ['count', measureCount],
      ['write', measureWrite],
      ['latency', measureLatency],
    ] as const) {
      if (values.only !== '' && values.only !== name) continue
      gates.push(...(await measure(brokers, partitions)))
    }
  }
} finally {
  await brokers.stop()
}
print(gateTable(gates))
if (gates.some(isNotMet)) process.exitCode = 1

async function newTopic(name: string, partitions: number): Promise<string> {
  const topic = `${name}-${partitions}`
  await brokers.createTopic(topic, partitions)
  return topic
}

/** Runs contenders that all give the same number, and prints what each did per second of the wall clock too. */
async function measured(
  workload: string,
  contenders: readonly Contender[],
  wanted?: number,
): Promise<Comparison & { readonly perSecond: readonly number[] }> {
  const comparison = await compare(contenders, { events: records, runs, load })
  for (const { name, runs: made } of comparison.measurements) {
    const wrong = made.find(({ result }) => wanted !== undefined && result !== String(wanted))
    if (wrong !== undefined) throw new Error(`${name}: ${wrong.result} records, not ${wanted}`)
  }
  const perSecond = comparison.measurements.map(({ wallSeconds }) => records / wallSeconds.median)
  print(measurementTable(workload, comparison))
  for (const [at, { name }] of contenders.entries()) {
    print(`${workload} ${name}: ${((perSecond[at] ?? 0) / 1e6).toFixed(2)} M records/s`)
  }
  return { ...comparison, perSecond }
}

async function measureRead(
  { bootstrap }: RealBrokers,
  partitions: number,
): Promise<readonly GateFigure[]> {
  const topic = await newTopic('read', partitions)
  await fillTopic({ bootstrap, topic, partitions, records, textOf: plainValue })
  const workload = `read, ${partitions} partitions`
  const { perSecond, doubts, margin } = await measured(
    workload,
    [
      { name: 'millrace', args: [script('kafka/read'), bootstrap, topic, rowsPerEpoch] },
      { name: 'kafkajs', args: [script('kafka/read-kafkajs'), bootstrap, topic, String(records)] },
    ],
    records,
  )
  const [ours = Number.NaN, theirs = Number.NaN] = perSecond
  const trust = { doubts, margin, direction: 'at least' } as const
  return [
    { name: workload, value: ours, bound: readRateMin, unit: 'records/s', ...trust },
    {
      name: `${workload}, over kafkajs`,
      value: ours / theirs,
      bound: readRatioMin,
      unit: '',
      ...trust,
    },
  ]
}

/** What is wrong is not measured: a run whose groups Kafka's own consumer reads. */
async function checkCounts(brokers: RealBrokers, from: string, partitions: number): Promise<void> {
  const to = await newTopic('checked-counts', partitions)
  const args = [script('kafka/count'), brokers.bootstrap, from, to, rowsPerEpoch]
  await runChild({ name: 'millrace', args })
  mustBeCounted(textsOf(await brokers.read(to)), records)
}

async function measureCount(
  brokers: RealBrokers,
  partitions: number,
): Promise<readonly GateFigure[]> {
  const { bootstrap } = brokers
  const from = await newTopic('views', partitions)
  const to = await newTopic('counts', partitions)
  await fillTopic({ bootstrap, topic: from, partitions, records, textOf: pageView })
  await checkCounts(brokers, from, partitions)
  const workload = `count, ${partitions} partitions`
  const { measurements, doubts, margin } = await measured(workload, [
    { name: 'millrace', args: [script('kafka/count'), bootstrap, from, to, rowsPerEpoch] },
  ])
  const [ours] = measurements
  return [
    {
      name: `${workload}, exactly once`,
      value: ours?.eventsPerCpuSecond.median ?? Number.NaN,
      bound: countRateMin,
      direction: 'at least',
      unit: 'records/cpu-s',
      doubts,
      margin,
    },
  ]
}

async function measureWrite(
  { bootstrap }: RealBrokers,
  partitions: number,
): Promise<readonly GateFigure[]> {
  const topic = await newTopic('written', partitions)
  const workload = `write, ${partitions} partitions`
  const args = [bootstrap, topic, String(records), rowsPerEpoch]
  const { perSecond, doubts, margin } = await measured(
    workload,
    [
      { name: 'millrace', args: [script('kafka/write'), ...args] },
      { name: 'kafkajs', args: [script('kafka/write-kafkajs'), ...args] },
    ],
    records,
  )
  return [
    {
      name: `${workload}, exactly once`,
      value: perSecond[0] ?? Number.NaN,
      bound: writeRateMin,
      direction: 'at least',
      unit: 'records/s',
      doubts,
      margin,
    },
  ]
}

async function measureLatency(
  { bootstrap }: RealBrokers,
  partitions: number,
): Promise<readonly GateFigure[]> {
  const gates: GateFigure[] = []
  for (const intervalMs of intervalsMs) {
    const delays: number[] = []
    for (let run = 0; run < runs; run++) {
      const name = `latency-${intervalMs}-${run}`
      const [from, to] = [
        await newTopic(`${name}-in`, partitions),
        await newTopic(`${name}-out`, partitions),
      ]
      const numbers = [partitions, intervalMs, ratePerSecond, latencyRows].map(String)
      const args = [script('kafka/latency'), bootstrap, from, to, ...numbers]
      const { figures } = await runChild({ name, args })
      print(
        `latency, ${partitions} partitions, epochs of ${intervalMs} ms: ${JSON.stringify(figures)}`,
      )
      delays.push(figures['p99'] ?? Number.NaN)
    }
    gates.push({
      name: `p99, ${partitions} partitions, epochs of ${intervalMs} ms`,
      value: spreadOf(delays).median,
      bound: intervalMs + delayMsMax,
      direction: 'at most',
      unit: 'ms',
      doubts: [],
      margin: 0,
    })
  }
  return gates
}
