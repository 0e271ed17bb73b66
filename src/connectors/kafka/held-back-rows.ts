import { sleep } from '../../core/clock.ts'
import { StreamError } from '../../core/error.ts'
import { partitionName } from './offsets-json.ts'
import { type Asking, askLeader, topicsNow } from './partition-offsets.ts'
import { type DescribedPartition, describeProducersApi } from './protocol/transaction-api.ts'
import { kafkaError, type Producer, type TopicPartition } from './transaction-requests.ts'

/** Partitions hear of the end of a transaction a little later than its coordinator. */
const settleMs = 5_000
const lookMs = 50

/**
 * Fails if a partition of a topic still has a transaction open of one of these producers, all of whose transactions have ended:
 * the brokers have lost the end, hold back what they acknowledged as committed, and everything behind it.
 *
 * Says nothing where it may not look: that takes brokers from 2.8 on, and the right to read the topic.
 *
 * @throws StreamError `KAFKA_ROWS_HELD_BACK`
 */
export async function mustBeShown(
  asking: Asking,
  topic: string,
  producers: readonly Producer[],
): Promise<void> {
  const own = new Map(producers.map((producer) => [producer.id, producer]))
  const [found] = await topicsNow(asking, [topic])
  for (const { partition } of found?.partitions ?? []) {
    await mustShowAll(asking, { topic, partition }, own)
  }
}

async function mustShowAll(
  asking: Asking,
  of: TopicPartition,
  own: ReadonlyMap<number, Producer>,
): Promise<void> {
  const { clock } = asking
  const untilMs = clock.monotonic() + settleMs
  for (;;) {
    const described = await describedBy(asking, of)
    const open = described?.producers.find(({ id, openFrom }) => openFrom >= 0 && own.has(id))
    if (open === undefined) return
    if (clock.monotonic() >= untilMs) {
      throw new StreamError('KAFKA_ROWS_HELD_BACK', {
        partition: partitionName(of),
        offset: open.openFrom,
        transactionalId: own.get(open.id)?.transactionalId ?? '',
      })
    }
    await sleep(clock, lookMs)
  }
}

async function describedBy(
  asking: Asking,
  of: TopicPartition,
): Promise<DescribedPartition | undefined> {
  const { topic, partition } = of
  try {
    const found = await askLeader(asking, of, describeProducersApi.name, async (node) => {
      const request = { topics: [{ topic, partitions: [partition] }] }
      const { topics } = await asking.cluster.ask(node, describeProducersApi, request)
      return topics[0]?.partitions[0] ?? nothing
    })
    return found.error === kafkaError.none ? found : undefined
  } catch (thrown) {
    if (thrown instanceof StreamError && thrown.code === 'KAFKA_VERSION_UNSUPPORTED')
      return undefined
    throw thrown
  }
}

const nothing: DescribedPartition = {
  partition: -1,
  error: kafkaError.unknownServerError,
  message: undefined,
  producers: [],
}
