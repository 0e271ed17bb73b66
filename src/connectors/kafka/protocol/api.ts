import type { Codec, WireVersion } from './codec.ts'
import { WireFault } from './wire-fault.ts'
import { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

/** A request of the Kafka protocol and its answer. */
export interface Api<Request, Response> {
  /** As in Kafka's own documents. */
  readonly name: string
  readonly key: number
  /** The versions that are described here, both included. */
  readonly versions: readonly [oldest: number, newest: number]
  readonly flexibleSince: number
  readonly request: Codec<Request>
  readonly response: Codec<Response>
}

/** The versions that a broker has of a request. */
export interface BrokerVersions {
  readonly oldest: number
  readonly newest: number
}

/** The newest version that both sides have; `undefined` if there is none. */
export function commonVersion(
  { versions: [oldest, newest] }: Pick<Api<unknown, unknown>, 'versions'>,
  broker: BrokerVersions | undefined,
): number | undefined {
  if (broker === undefined) return undefined
  const version = Math.min(newest, broker.newest)
  return version >= Math.max(oldest, broker.oldest) ? version : undefined
}

/** A request as bytes, without the header that every request has. */
export function encodeRequest<Request>(
  api: Api<Request, unknown>,
  version: number,
  request: Request,
): Uint8Array {
  return encoded(api.request, request, versionOf(api, version))
}

/** An answer as bytes, without the header that every answer has. */
export function encodeResponse<Response>(
  api: Api<unknown, Response>,
  version: number,
  response: Response,
): Uint8Array {
  return encoded(api.response, response, versionOf(api, version))
}

/** @throws WireFault when the bytes are no such request */
export function decodeRequest<Request>(
  api: Api<Request, unknown>,
  version: number,
  bytes: Uint8Array,
): Request {
  return decoded(api.request, bytes, versionOf(api, version))
}

/** @throws WireFault when the bytes are no such answer */
export function decodeResponse<Response>(
  api: Api<unknown, Response>,
  version: number,
  bytes: Uint8Array,
): Response {
  return decoded(api.response, bytes, versionOf(api, version))
}

/** Whether lengths are variable in this version, as they are in its headers. */
export function versionOf(
  { flexibleSince }: Pick<Api<unknown, unknown>, 'flexibleSince'>,
  version: number,
): WireVersion {
  return { version, isFlexible: version >= flexibleSince }
}

function encoded<Value>(codec: Codec<Value>, value: Value, at: WireVersion): Uint8Array {
  const writer = new WireWriter()
  codec.write(writer, value, at)
  return writer.finish()
}

function decoded<Value>(codec: Codec<Value>, bytes: Uint8Array, at: WireVersion): Value {
  const reader = new WireReader(bytes)
  const value = codec.read(reader, at)
  if (reader.at < reader.end) throw new WireFault(`${reader.end - reader.at} bytes too many`)
  return value
}
