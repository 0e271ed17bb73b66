import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kafkaCluster } from '../../src/connectors/kafka/cluster.ts'
import { kafkajsTransport } from '../../src/connectors/kafka/kafkajs-transport.ts'
import { runCompiler } from '../house/built-package.ts'
import { projectRoot } from '../house/tree.ts'
import { brokerSuite, type ClusterUnderTest } from './broker-suite.ts'
import { killMatrix } from './kill-matrix.ts'
import {
  type BrokerOptions,
  missingForBrokers,
  type RealBrokers,
  realBrokers,
} from './real-brokers.ts'

const client = { clientId: 'test', connectTimeoutMs: 5_000, requestTimeoutMs: 30_000 }
const missing = missingForBrokers()
if (missing !== undefined) {
  if (process.env['CI'] === 'true') throw new Error(missing)
  process.stdout.write(`real brokers of Kafka are left out: ${missing}\n`)
}

/** One cluster each, for all the checks of a suite. */
const clusters: readonly (BrokerOptions & { readonly transactionVersion: 1 | 2 })[] = [
  { nodes: 1, transactionVersion: 1, features: ['transaction.version=0'] },
  { nodes: 3, transactionVersion: 2 },
]
/** Maven may have to bring everything first. */
const startMs = 300_000
const killRounds = 10
const killsMs = 600_000

for (const { transactionVersion, ...options } of clusters) {
  const { nodes = 1 } = options
  const name = `${nodes} of Kafka, transactions ${transactionVersion}`
  describe.skipIf(missing !== undefined)(name, () => {
    let brokers: RealBrokers | undefined
    beforeAll(async () => {
      brokers = await realBrokers(options)
    }, startMs)
    afterAll(() => brokers?.stop())
    const under = (): ClusterUnderTest => {
      if (brokers === undefined) throw new Error('the brokers did not start')
      return clusterUnder(brokers)
    }
    brokerSuite(name, under, { seconds: 60, transactionVersion, nodes })
    test(
      `${name}: a query that is killed at any step of a commit loses nothing and doubles nothing`,
      async () => {
        if (brokers === undefined) throw new Error('the brokers did not start')
        const report = await killMatrix({ brokers, nodes, program, rounds: killRounds })
        const { rounds, faults, hung, heldBack } = report
        expect(rounds).toBe(killRounds)
        const kinds = [...faults].map(([fault, times]) => `${times} x ${fault}`)
        process.stdout.write(
          `${name}, kills: ${kinds.join('; ')}; ends lost by brokers: ${hung}, rows held back: ${heldBack}\n`,
        )
      },
      killsMs,
    )
  })
}

/** The program that is killed, compiled by itself. */
let program = ''
let folder = ''

beforeAll(() => {
  if (missing !== undefined) return
  folder = mkdtempSync(join(tmpdir(), 'millrace-killed-'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  symlinkSync(join(projectRoot, 'node_modules'), join(folder, 'node_modules'))
  const errors = runCompiler(folder, {
    extends: join(projectRoot, 'tsconfig.json'),
    compilerOptions: { rootDir: projectRoot, outDir: join(folder, 'dist'), declaration: false },
    include: [],
    files: [join(projectRoot, 'test/kafka/killed-query.ts')],
  })
  expect(errors).toEqual([])
  program = join(folder, 'dist/test/kafka/killed-query.js')
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
