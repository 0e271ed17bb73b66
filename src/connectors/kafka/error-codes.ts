import { StreamError } from '../../core/error.ts'
import { kafkaError } from './transaction-requests.ts'

/** What a broker was asked, for the words of an error. */
export interface Asked {
  readonly request: string
  /** Such as `topic orders` or `group app.eos`. */
  readonly resource: string
  /** The right that it takes, such as `Read`. */
  readonly operation: string
}

/** The error for a code after which asking again does not help. */
export function refusedError(code: number, asked: Asked): StreamError {
  const { request, resource, operation } = asked
  if (denied.has(code)) return new StreamError('KAFKA_DENIED', { resource, operation, code })
  if (code === kafkaError.unknownTopicOrPartition) {
    return new StreamError('KAFKA_TOPIC_NOT_FOUND', { resource })
  }
  if (tooLarge.has(code)) return new StreamError('KAFKA_RECORD_TOO_LARGE', { resource, code })
  const why = names.get(code) ?? 'no code of the protocol that is known here'
  return new StreamError('KAFKA_REQUEST_REFUSED', { request, resource, code, why })
}

/** Codes of missing rights. */
const denied: ReadonlySet<number> = new Set([
  kafkaError.topicDenied,
  kafkaError.groupDenied,
  kafkaError.clusterDenied,
  kafkaError.transactionDenied,
])

/** A batch is more than the topic or a segment of its log takes. */
const tooLarge: ReadonlySet<number> = new Set([10, 18])

/** What the codes say that no step of ours expects; as in the table of the protocol's guide. */
const names: ReadonlyMap<number, string> = new Map([
  [-1, 'the broker failed'],
  [1, 'the offset is out of range'],
  [2, 'a record is corrupt'],
  [17, 'the topic is not valid'],
  [19, 'too few replicas are in sync'],
  [20, 'too few replicas were in sync after the append'],
  [25, 'the group does not know the member'],
  [33, 'the SASL mechanism is not supported'],
  [35, 'the version of the request is not supported'],
  [42, 'the request is not valid'],
  [50, 'the timeout of transactions is more than the broker allows (transaction.max.timeout.ms)'],
  [56, 'the disk of the broker failed'],
  [76, 'the codec is not supported'],
  [87, 'a record is not valid'],
])
