import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kafkaCluster } from '../../src/connectors/kafka/cluster.ts'
import { kafkajsTransport } from '../../src/connectors/kafka/kafkajs-transport.ts'
import { runCompiler } from '../house/built-package.ts'
import { projectRoot } from '../house/tree.ts'
import { brokerSuite, type ClusterUnderTest } from './broker-suite.ts'
import { fleetRun } from './fleet-run.ts'
import { groupSuite } from './group-suite.ts'
import { killMatrix } from './kill-matrix.ts'
import { leaveOutWithoutBrokers } from './left-out.ts'
import { movingLeaders } from './moving-leaders.ts'
import { type BrokerOptions, type RealBrokers, realBrokers } from './real-brokers.ts'

const client = { clientId: 'test', connectTimeoutMs: 5_000, requestTimeoutMs: 30_000 }
const isLeftOut = leaveOutWithoutBrokers('transactions, kills and fleets')

/** One cluster each, for all the checks of a suite. */
const clusters: readonly (BrokerOptions & {
  readonly transactionVersion: 1 | 2
  readonly killRounds: number
})[] = [
  { version: '3.9.2', nodes: 1, transactionVersion: 1, killRounds: 8 },
  { nodes: 3, transactionVersion: 2, killRounds: 12 },
]
/** Maven may have to bring everything first. */
const startMs = 300_000
const killsMs = 600_000

for (const { transactionVersion, killRounds, ...options } of clusters) {
  const { nodes = 1, version = 'of today' } = options
  const name = `${nodes} of Kafka ${version}, transactions ${transactionVersion}`
  describe.skipIf(isLeftOut)(name, () => {
    let brokers: RealBrokers | undefined
    beforeAll(async () => {
      brokers = await realBrokers({ ...options, isProxied: true })
    }, startMs)
    afterAll(() => brokers?.stop())
    const under = (): ClusterUnderTest => {
      if (brokers === undefined) throw new Error('the brokers did not start')
      return clusterUnder(brokers)
    }
    brokerSuite(name, under, { seconds: 60, transactionVersion, nodes })
    groupSuite(name, under, 60)
    test(
      `${name}: a query that is killed at any step of a commit loses nothing and doubles nothing`,
      async () => {
        if (brokers === undefined) throw new Error('the brokers did not start')
        const report = await killMatrix({
          brokers,
          nodes,
          program: join(programs, 'killed-query.js'),
          rounds: killRounds,
        })
        const { rounds, faults, hung, heldBack } = report
        expect(rounds).toBe(killRounds)
        const kinds = [...faults].map(([fault, times]) => `${times} x ${fault}`)
        process.stdout.write(
          `${name}, kills: ${kinds.join('; ')}; ends lost by brokers: ${hung}, rows held back: ${heldBack}\n`,
        )
      },
      killsMs,
    )
    // A leader of one node has nowhere to go.
    if (nodes > 1) {
      test(
        `${name}: leaders that move while a query runs take nothing with them`,
        async () => {
          if (brokers === undefined) throw new Error('the brokers did not start')
          await movingLeaders(brokers)
        },
        killsMs,
      )
    }
    test(
      `${name}: processes that share partitions take over from each other`,
      async () => {
        if (brokers === undefined) throw new Error('the brokers did not start')
        await fleetRun(brokers, join(programs, 'fleet-member.js'))
      },
      killsMs,
    )
  })
}

/** Where the programs lie that are killed, compiled by themselves. */
let programs = ''
let folder = ''

beforeAll(() => {
  if (isLeftOut) return
  folder = mkdtempSync(join(tmpdir(), 'millrace-killed-'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  symlinkSync(join(projectRoot, 'node_modules'), join(folder, 'node_modules'))
  const errors = runCompiler(folder, {
    extends: join(projectRoot, 'tsconfig.json'),
    compilerOptions: { rootDir: projectRoot, outDir: join(folder, 'dist'), declaration: false },
    include: [],
    files: ['killed-query.ts', 'fleet-member.ts'].map((name) =>
      join(projectRoot, 'test/kafka', name),
    ),
  })
  expect(errors).toEqual([])
  programs = join(folder, 'dist/test/kafka')
}, 60_000)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

let topics = 0

function clusterUnder(brokers: RealBrokers): ClusterUnderTest {
  const addresses = brokers.bootstrap.split(',').map((each) => {
    const [host = '', port] = each.split(':')
    return { host, port: Number(port) }
  })
  return {
    connect: () => kafkaCluster(kafkajsTransport(client), addresses),
    async newTopic() {
      const topic = `topic-${topics++}`
      await brokers.createTopic(topic, 1)
      return topic
    },
    letTimePass: () => new Promise((resolve) => setTimeout(resolve, 1_500)),
    async committed({ topic }) {
      const records = await brokers.read(topic)
      return records.map(({ value }) => new TextDecoder().decode(value))
    },
  }
}
