import type { Batch } from '../src/batch/batch.ts'
import { batchOf } from '../src/batch/build.ts'
import { fromRow } from '../src/batch/edge-row.ts'
import { outcomeOf } from '../src/connectors/kafka/transaction-requests.ts'
import { numberAt } from '../src/connectors/numbered-position.ts'
import { readSchema, type SourceContext } from '../src/connectors/registry.ts'
import { withColumns } from '../src/connectors/row-log.ts'
import { sleep } from '../src/core/clock.ts'
import { StreamError } from '../src/core/error.ts'
import type { Source } from '../src/flow/connector.ts'
import type { SourceUnderCrash } from './laws/own-parts.ts'
import type { BrokerClient, VirtualBroker } from './virtual-broker.ts'

const names = ['0', '1'] as const

/**
 * A source over a virtual broker. What arrives is a transaction that overlaps with an aborted one, so
 * offsets are no numbers of rows, and only a reader that leaves aborted records out sees the right ones.
 * Each input of a query needs a topic of its own, after which its format is named.
 */
export function brokerSource(broker: VirtualBroker, topic = 'in'): SourceUnderCrash {
  return {
    factory: (here) => ({
      format: `broker-${topic}`,
      options: [],
      schemaFor(_, given) {
        if (given !== undefined) return given
        throw new StreamError('SCHEMA_REQUIRED', { format: 'broker' })
      },
      // What arrives at once is more than one epoch, so that there are several in flight.
      limits: () => ({ maxRows: offsetsAtOnce }),
      create: async (context) => sourceOver(broker.client(here), topic, context),
    }),
    partitions: names,
    arrive: (rows, name) => broker.append({ topic, partition: Number(name) }, rows),
    rowsBefore(position, name) {
      const end = numberAt(position, name)
      const committed = broker.committed({ topic, partition: Number(name) })
      return committed.filter(({ offset }) => offset < end).length
    },
    twin: () => brokerSource(broker.twin(), topic),
    state: () => broker.state(),
  }
}

const retryDelayMs = 2
/** Of each partition. */
const offsetsAtOnce = 4

function sourceOver(client: BrokerClient, topic: string, context: SourceContext): Source {
  const { schema, columns, clock } = context
  const again = async <Answer extends { readonly error: number }>(
    request: () => Promise<Answer>,
  ): Promise<Answer> => {
    for (;;) {
      const answer = await request()
      if (outcomeOf(answer.error) === 'done') return answer
      await sleep(clock, retryDelayMs)
    }
  }
  const latest = async (name: string): Promise<number> =>
    (await again(() => client.latest({ topic, partition: Number(name) }))).offset
  const read = async (name: string, from: number, to: number): Promise<Batch | undefined> => {
    const partition = { topic, partition: Number(name) }
    const { values } = await again(() => client.fetch(partition, { from, to }))
    if (values.length === 0) return undefined
    const rows = values.map((value) => fromRow(schema, value as readonly unknown[]))
    return withColumns({ ...batchOf(schema, rows), partition: name }, columns)
  }
  return {
    description: `broker-${topic}`,
    schema: readSchema(context),
    replayable: true,
    initial: async () => Object.fromEntries(names.map((name) => [name, 0])),
    async latest(from, { maxRows = Number.POSITIVE_INFINITY }) {
      const ends: [string, number][] = []
      for (const name of names) {
        ends.push([name, Math.min(await latest(name), numberAt(from, name) + maxRows)])
      }
      return Object.fromEntries(ends)
    },
    async *read({ from, to }, { index, count }) {
      for (const [at, name] of names.entries()) {
        const [first, end] = [numberAt(from, name), numberAt(to, name)]
        if (at % count !== index || first === end) continue
        // In two requests, so that a process may die between them.
        const middle = Math.floor((first + end) / 2)
        for (const [start, stop] of [
          [first, middle],
          [middle, end],
        ] as const) {
          const batch = await read(name, start, stop)
          if (batch !== undefined) yield batch
        }
      }
    },
    async poll(from) {
      for (const name of names) {
        const start = numberAt(from, name)
        const end = await latest(name)
        const batch = await read(name, start, end)
        if (batch !== undefined) return { batch, position: { ...from, [name]: end } }
      }
      return undefined
    },
    commit: async () => undefined,
    close: async () => undefined,
  }
}
