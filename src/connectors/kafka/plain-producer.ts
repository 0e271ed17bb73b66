import { type Clock, sleep } from '../../core/clock.ts'
import type { KafkaCluster } from './cluster.ts'
import { codeOf, produce } from './cluster-requests.ts'
import { refusedError } from './error-codes.ts'
import { partitionName } from './offsets-json.ts'
import { initProducerIdApi } from './protocol/transaction-api.ts'
import type { PackedRecords } from './records/record-writer.ts'
import { kafkaError, outcomeOf, type TopicPartition } from './transaction-requests.ts'

export interface PlainProducerOptions {
  readonly cluster: KafkaCluster
  readonly clock: Clock
  /** How long a request is repeated that was lost or is refused for now, milliseconds. */
  readonly retryMs: number
  /** How long a broker may wait for its followers, milliseconds. */
  readonly requestTimeoutMs: number
}

/**
 * Appends records that count at once, at least once: a batch whose answer was lost is sent again under the same number,
 * by which its leader knows it, unless the leader has forgotten the producer.
 */
export interface PlainProducer {
  /** Calls for one partition follow one another. */
  send(to: TopicPartition, records: PackedRecords): Promise<void>
}

interface ProducerId {
  readonly transactionalId: undefined
  readonly id: number
  readonly epoch: number
}

/** A producer that asks for its number when it first sends. */
export function plainProducer(options: PlainProducerOptions): PlainProducer {
  const { clock, retryMs } = options
  let made: Promise<ProducerId | number> | undefined
  /** The next number by partition. */
  const sequences = new Map<string, number>()
  const append = async (to: TopicPartition, records: PackedRecords): Promise<number> => {
    made ??= newProducer(options.cluster)
    const producer = await made
    if (typeof producer === 'number') {
      made = undefined
      return producer
    }
    const sequence = sequences.get(partitionName(to)) ?? 0
    const error = await produce(options, { producer, to, sequence, records })
    if (outcomeOf(error) === 'done') {
      sequences.set(partitionName(to), sequence + records.recordCount)
    }
    if (!isForgotten.has(error)) return error
    made = undefined
    sequences.clear()
    return kafkaError.coordinatorNotAvailable
  }
  return {
    async send(to, records) {
      const untilMs = clock.monotonic() + retryMs
      for (;;) {
        const error = await append(to, records)
        const outcome = outcomeOf(error)
        if (outcome === 'done') return
        if (outcome === 'refused' || clock.monotonic() >= untilMs) {
          const resource = `topic ${to.topic}`
          throw refusedError(error, { request: 'Produce', resource, operation: 'Write' })
        }
        await sleep(clock, retryDelayMs)
      }
    },
  }
}

const retryDelayMs = 20

/** What a leader says that does not know the producer any more, or not as it is. */
const isForgotten: ReadonlySet<number> = new Set([
  kafkaError.outOfOrderSequence,
  kafkaError.invalidProducerEpoch,
  kafkaError.invalidProducerMapping,
  kafkaError.unknownProducer,
])

/** A number that no other producer has, or a code. */
async function newProducer(cluster: KafkaCluster): Promise<ProducerId | number> {
  try {
    const { brokers } = await cluster.metadata([])
    const [first] = brokers
    if (first === undefined) return kafkaError.coordinatorNotAvailable
    const answer = await cluster.ask(first.node, initProducerIdApi, {
      transactionalId: undefined,
      timeoutMs: 60_000,
      producerId: -1,
      producerEpoch: -1,
    })
    const { error, producerId: id, producerEpoch: epoch } = answer
    return error === kafkaError.none ? { transactionalId: undefined, id, epoch } : error
  } catch (thrown) {
    return codeOf(thrown)
  }
}
