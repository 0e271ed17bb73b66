import type { Clock } from '../../core/clock.ts'
import type { CheckedOptions } from '../option-spec.ts'
import type { BrokerVersions } from './protocol/api.ts'

/** Where a broker listens. */
export interface HostPort {
  readonly host: string
  readonly port: number
}

/** A request as it goes over the wire, without the header that every request has. */
export interface WireRequest {
  readonly name: string
  readonly key: number
  readonly version: number
  /** Its headers have tagged fields too. */
  readonly isFlexible: boolean
  readonly body: Uint8Array
}

/**
 * The way to brokers: connections, encryption and who we are, and nothing of what is said over them. A connection is
 * made with the first request and made again with the first request after it was lost. Requests for records go over a
 * connection of their own, as brokers answer in order and may wait for records.
 */
export interface KafkaTransport {
  link(address: HostPort): BrokerLink
  close(): Promise<void>
}

/** The way to one broker. */
export interface BrokerLink {
  readonly address: HostPort
  /**
   * The versions that the broker has, by the number of the request.
   * @throws StreamError `KAFKA_UNREACHABLE`, `KAFKA_AUTHENTICATION_FAILED`, with the step that failed
   */
  versions(): Promise<ReadonlyMap<number, BrokerVersions>>
  /**
   * The body of the answer.
   * @throws StreamError as `versions` when it was never sent, `KAFKA_CONNECTION_LOST` when nobody knows whether it was
   *   received
   */
  request(request: WireRequest): Promise<Uint8Array>
  close(): Promise<void>
}

/** How connections are made to brokers; tests pass brokers of their own. */
export type OpenTransport = (context: {
  readonly options: CheckedOptions
  readonly clock: Clock
}) => KafkaTransport | Promise<KafkaTransport>
