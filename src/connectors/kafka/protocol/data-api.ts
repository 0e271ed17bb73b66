import type { Api } from './api.ts'
import {
  array,
  bytes,
  constant,
  int8,
  int16,
  int32,
  int64,
  nullableArray,
  nullableBytes,
  nullableString,
  since,
  string,
  struct,
} from './codec.ts'

export interface FetchRequest {
  /** How long the broker may wait for `minBytes`. */
  readonly maxWaitMs: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly isolation: number
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly FetchQuestion[]
  }[]
}

/** Which records a reader may see. */
export const isolation = { uncommitted: 0, committed: 1 } as const

export interface FetchQuestion {
  readonly partition: number
  /** A broker that knows an older or newer leader refuses; −1 = whoever it is. */
  readonly leaderEpoch: number
  readonly offset: number
  readonly maxBytes: number
}

export interface FetchResponse {
  readonly throttleMs: number
  readonly error: number
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly FetchedRecords[]
  }[]
}

export interface FetchedRecords {
  readonly partition: number
  readonly error: number
  /** One after the last record that all replicas have. */
  readonly highWatermark: number
  /** Before it there is no open transaction. */
  readonly lastStableOffset: number
  /** Where the partition begins. */
  readonly logStart: number
  /** In no order that could be relied upon. */
  readonly aborted: readonly AbortedTransaction[] | undefined
  /** Whole batches, the first one perhaps with records before the one asked for, the last one perhaps cut off. */
  readonly records: Uint8Array | undefined
}

export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

interface WireFetchRequest extends FetchRequest {
  readonly replica?: unknown
  readonly session?: unknown
  readonly sessionEpoch?: unknown
  readonly forgotten?: unknown
  readonly rack?: unknown
}

interface WireFetchResponse extends FetchResponse {
  readonly session?: unknown
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly WireFetchedRecords[]
  }[]
}

interface WireFetchedRecords extends FetchedRecords {
  readonly preferredReplica?: unknown
}

/** Records of partitions. */
export const fetchApi: Api<FetchRequest, FetchResponse> = {
  name: 'Fetch',
  key: 1,
  versions: [11, 11],
  flexibleSince: 12,
  request: struct<WireFetchRequest>({
    replica: constant(int32, -1),
    maxWaitMs: int32,
    minBytes: int32,
    maxBytes: int32,
    isolation: int8,
    // Without a session: every request says all it wants.
    session: constant(int32, 0),
    sessionEpoch: constant(int32, -1),
    topics: array(
      struct({
        topic: string,
        partitions: array(
          struct<FetchQuestion & { readonly logStart?: unknown }>({
            partition: int32,
            leaderEpoch: int32,
            offset: int64,
            logStart: constant(int64, -1),
            maxBytes: int32,
          }),
        ),
      }),
    ),
    forgotten: constant(array(int32), []),
    rack: constant(string, ''),
  }),
  response: struct<WireFetchResponse>({
    throttleMs: int32,
    error: int16,
    session: constant(int32, 0),
    topics: array(
      struct({
        topic: string,
        partitions: array(
          struct<WireFetchedRecords>({
            partition: int32,
            error: int16,
            highWatermark: int64,
            lastStableOffset: int64,
            logStart: int64,
            aborted: nullableArray(
              struct<AbortedTransaction>({ producerId: int64, firstOffset: int64 }),
            ),
            preferredReplica: constant(int32, -1),
            records: nullableBytes,
          }),
        ),
      }),
    ),
  }),
}

export interface ProduceRequest {
  readonly transactionalId: string | undefined
  /** −1 = all that are in sync have it before the answer. */
  readonly acks: number
  readonly timeoutMs: number
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly { readonly partition: number; readonly records: Uint8Array }[]
  }[]
}

export interface ProduceResponse {
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly ProducedRecords[]
  }[]
  readonly throttleMs: number
}

export interface ProducedRecords {
  readonly partition: number
  readonly error: number
  /** Of the first record. */
  readonly offset: number
  /** What is wrong with the records, if the broker says so. */
  readonly message: string | undefined
}

interface WireProducedRecords extends ProducedRecords {
  readonly appendTime?: unknown
  readonly logStart?: unknown
  readonly wrong?: unknown
}

/** Which record of a batch was refused. */
const wrongRecord = struct<{ readonly index: number; readonly message: string | undefined }>({
  index: int32,
  message: nullableString,
})

/** Appends records. */
export const produceApi: Api<ProduceRequest, ProduceResponse> = {
  name: 'Produce',
  key: 0,
  versions: [7, 12],
  flexibleSince: 9,
  request: struct<ProduceRequest>({
    transactionalId: nullableString,
    acks: int16,
    timeoutMs: int32,
    topics: array(
      struct({
        topic: string,
        partitions: array(
          struct<{ readonly partition: number; readonly records: Uint8Array }>({
            partition: int32,
            records: bytes,
          }),
        ),
      }),
    ),
  }),
  response: struct<ProduceResponse>({
    topics: array(
      struct({
        topic: string,
        partitions: array(
          struct<WireProducedRecords>({
            partition: int32,
            error: int16,
            offset: int64,
            appendTime: constant(int64, -1),
            logStart: constant(int64, -1),
            wrong: since(8, constant(array(wrongRecord), []), []),
            message: since(8, nullableString, undefined),
          }),
        ),
      }),
    ),
    throttleMs: int32,
  }),
}
