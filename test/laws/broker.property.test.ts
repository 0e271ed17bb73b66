import { expect, test } from 'vitest'
import { brokerSink } from '../../properties/broker-sink.ts'
import { brokerSource } from '../../properties/broker-source.ts'
import { exactlyOnce } from '../../properties/laws/exactly-once.ts'
import { virtualBroker } from '../../properties/virtual-broker.ts'
import { queries } from './gates/pipelines.ts'

const seed = 20_261_121

test('a death before any step changes nothing in a broker', async () => {
  const report = await exactlyOnce(queries, {
    sink: () => brokerSink(virtualBroker()),
    sources: [
      () => brokerSource(virtualBroker(), 'left'),
      () => brokerSource(virtualBroker(), 'right'),
    ],
    seed,
    runs: 3,
  })
  console.log(`${report.crashes.crashes} deaths, ${report.secondCrashes.crashes} second ones`)
  expect(report.crashes.crashes).toBeGreaterThan(500)
}, 300_000)
