import type { Batch } from '../src/batch/batch.ts'
import { batchOf } from '../src/batch/build.ts'
import { fromRow } from '../src/batch/edge-row.ts'
import { rowsOf } from '../src/batch/read.ts'
import { binaryType, type Schema } from '../src/batch/schema.ts'
import { partitionName, partitionOf } from '../src/connectors/kafka/offsets-json.ts'
import { kafkaSourceOver } from '../src/connectors/kafka/source.ts'
import { numberAt } from '../src/connectors/numbered-position.ts'
import { checkOptions, readSchema, type SourceContext } from '../src/connectors/registry.ts'
import { withColumns } from '../src/connectors/row-log.ts'
import { StreamError } from '../src/core/error.ts'
import type { Source } from '../src/flow/connector.ts'
import { packUserValue, unpackUserValue } from '../src/operators/user-state-codec.ts'
import type { CrashSurroundings, SourceUnderCrash } from './laws/own-parts.ts'
import type { VirtualBroker } from './virtual-broker.ts'

/**
 * Kafka's source over a virtual broker. What arrives is a transaction that overlaps with an aborted one, so
 * offsets are no numbers of rows, and only a reader that leaves aborted records out sees the right ones.
 * Each input of a query needs a topic of its own, after which its format is named.
 */
export function brokerSource(broker: VirtualBroker, topic = 'in'): SourceUnderCrash {
  const partitions = [0, 1].map((partition) => partitionName({ topic, partition }))
  broker.createTopic(topic, partitions.length)
  return {
    factory: (here) => ({
      format: `broker-${topic}`,
      options: [],
      schemaFor(_, given) {
        if (given !== undefined) return given
        throw new StreamError('SCHEMA_REQUIRED', { format: 'broker' })
      },
      // What arrives at once is more than one epoch, so that there are several in flight.
      limits: () => ({ maxRows: partitions.length * offsetsAtOnce }),
      create: (context) => sourceOver(broker, here, topic, context),
    }),
    partitions,
    arrive: (rows, name) =>
      broker.append(
        partitionOf(name),
        rows.map((row) => packUserValue(row)),
      ),
    rowsBefore(position, name) {
      const end = numberAt(position, name)
      return broker.committed(partitionOf(name)).filter(({ offset }) => offset < end).length
    },
    twin: () => brokerSource(broker.twin(), topic),
    state: () => broker.state(),
  }
}

const valueSchema: Schema = [{ name: 'value', type: binaryType, nullable: true }]
/** Less than an epoch, so that a process may die between two requests for it. */
const bytesAtOnce = '200'
/** Of each partition. */
const offsetsAtOnce = 4

/** Kafka's own source, whose records are rows. */
async function sourceOver(
  broker: VirtualBroker,
  here: CrashSurroundings,
  topic: string,
  context: SourceContext,
): Promise<Source> {
  const { schema, columns } = context
  const factory = kafkaSourceOver(() => broker.transport(here))
  const options = checkOptions(factory, {
    'kafka.bootstrap.servers': broker.bootstrap.map(({ host, port }) => `${host}:${port}`).join(),
    subscribe: topic,
    startingOffsets: 'earliest',
    'kafka.max.partition.fetch.bytes': bytesAtOnce,
  })
  const inner = await factory.create({
    ...context,
    schema: valueSchema,
    columns: undefined,
    options,
  })
  const rowsOfBatch = (batch: Batch): Batch => {
    const rows = Array.from(rowsOf(batch), ([value]) =>
      fromRow(schema, unpackUserValue(value as Uint8Array) as readonly unknown[]),
    )
    return withColumns({ ...batch, ...batchOf(schema, rows) }, columns)
  }
  return {
    ...inner,
    description: `broker-${topic}`,
    schema: readSchema(context),
    async *read(range, share) {
      for await (const batch of inner.read(range, share)) yield rowsOfBatch(batch)
    },
    async poll(from, maxRows) {
      const found = await inner.poll?.(from, maxRows)
      return found && { ...found, batch: rowsOfBatch(found.batch) }
    },
  }
}
