import { brokerSink } from '../../../properties/broker-sink.ts'
import { brokerSource } from '../../../properties/broker-source.ts'
import { type BrokerFate, brokerFaults } from '../../../properties/laws/broker-faults.ts'
import { crashCoverage } from '../../../properties/laws/crash-coverage.ts'
import type { CrashPipeline } from '../../../properties/laws/crash-life.ts'
import { crashPoints } from '../../../properties/laws/crash-points.ts'
import { type CrashCase, pipelineOf } from '../../../properties/laws/exactly-once.ts'
import { simulate } from '../../../properties/laws/simulate.ts'
import { zombie } from '../../../properties/laws/zombie.ts'
import {
  type BrokerFault,
  type VirtualBrokerOptions,
  virtualBroker,
} from '../../../properties/virtual-broker.ts'
import { seededRandom } from '../../../src/core/random.ts'
import type { Gate } from './gate.ts'
import { fewRows, queries, randomCase } from './pipelines.ts'

/** Brokers of both kinds of transactions, alone and among others. */
function clusterOf(seed: number): VirtualBrokerOptions {
  return { seed, transactionVersion: seed % 2 === 0 ? 2 : 1, nodes: seed % 3 === 0 ? 3 : 1 }
}

/** After a fault a query restarts by itself, at once and as often as it has to. */
const restarts = { maxRestarts: 20, restartDelay: 1, poisonAfter: 20 }

/** A query from brokers into a broker, with what happens to their requests. */
export function overBrokers(one: CrashCase, fate?: BrokerFate): CrashPipeline {
  const { seed } = one
  const broker = () =>
    virtualBroker({
      ...clusterOf(seed),
      ...(fate === undefined ? {} : { fault: (_request: number, name: string) => fate(name) }),
    })
  return pipelineOf(one, {
    sink: () => brokerSink(broker()),
    sources: one.query.inputs.map((_, input) => () => brokerSource(broker(), `input${input}`)),
    config: fate === undefined ? {} : restarts,
  })
}

/** Deaths, faults of the broker and zombies of a random query between brokers. */
export const brokerRuns: Gate = {
  id: 'G1B',
  name: 'deaths, broker faults and zombies change nothing in a broker',
  unit: 'crash points and faults',
  wanted: { test: 1_000, long: 100_000 },
  least: { 'two epochs in flight': 30, zombies: 5 },
  async round(seed) {
    const one = randomCase(seed, fewRows)
    const coverage = crashCoverage()
    const second = crashCoverage()
    await crashPoints(overBrokers(one), {
      seed: one.seed,
      every: 2,
      secondAfterEvery: 200,
      secondEvery: 9,
      onCrash: (step, isSecond) => (isSecond ? second : coverage).add(step),
    })
    const faults = await brokerFaults((fate) => overBrokers(one, fate), {
      seed: one.seed,
      every: 4,
    })
    const random = seededRandom(seed)
    let zombies = 0
    let stepsAwake = 0
    for (let tried = 0; tried < 10; tried++) {
      const step = Math.floor(random.next() * 400)
      const report = await zombie(overBrokers(one), { seed: one.seed, step })
      if (report.slept) zombies += 1
      stepsAwake += report.stepsAwake
    }
    return {
      done: coverage.crashes + second.crashes + faults.tried + zombies,
      figures: {
        deaths: coverage.crashes,
        'two epochs in flight': coverage.withTwoInFlight,
        'second deaths': second.crashes,
        'broker faults': faults.tried,
        'queries failed': faults.failed,
        zombies,
        'steps awake': stepsAwake,
      },
      kinds: [...coverage.pairs.keys(), ...faults.kinds],
    }
  },
}

/**
 * Broker faults after which an attempt goes on by itself, unless it is the marker of an epoch that was lost: what ends
 * an attempt while its query starts or stops ends the query, and here nobody starts it again.
 */
const passing: readonly BrokerFault[] = ['lost request', 'lost reply', 'bounce']
const casesAtOnce = 10

/** Everything that may go wrong with processes, disks, clocks and brokers at once. */
export const disturbedBrokerRuns: Gate = {
  id: 'G3B',
  name: 'runs between brokers with all faults at once give what the reference gives',
  unit: 'seeds',
  wanted: { test: 60, long: 20_000 },
  async round(seed) {
    let faults = 0
    const broker = (salt: number) =>
      virtualBroker({
        ...clusterOf(seed + salt),
        fault(request, name) {
          const random = seededRandom((seed + salt) * 1_009 + request)
          if (name.startsWith('TxnOffsetCommit') || random.next() >= 0.04) return undefined
          faults += 1
          return passing[Math.floor(random.next() * passing.length)]
        },
      })
    const { cases, lives, disturbances } = await simulate(queries, {
      seed,
      runs: casesAtOnce,
      sink: () => brokerSink(broker(0)),
      sources: [1, 2].map((input) => () => brokerSource(broker(input), `input${input}`)),
      config: restarts,
    })
    return { done: cases, figures: { lives, 'broker faults': faults, ...disturbances } }
  },
}
