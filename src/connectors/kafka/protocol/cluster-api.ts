import type { Api } from './api.ts'
import {
  array,
  boolean,
  constant,
  int8,
  int16,
  int32,
  int64,
  noUuid,
  nullableArray,
  nullableString,
  since,
  string,
  struct,
  tagged,
  uuid,
} from './codec.ts'

export interface ApiVersionsResponse {
  readonly error: number
  readonly apis: readonly {
    readonly key: number
    readonly oldest: number
    readonly newest: number
  }[]
  readonly throttleMs: number
  /** What the whole cluster has agreed upon. */
  readonly finalizedFeatures: readonly FinalizedFeature[]
}

export interface FinalizedFeature {
  readonly name: string
  readonly newest: number
  readonly oldest: number
}

/** Which versions of which requests a broker has. Its answer has the header of the first version. */
export const apiVersionsApi: Api<ApiVersionsRequest, ApiVersionsResponse> = {
  name: 'ApiVersions',
  key: 18,
  versions: [3, 3],
  flexibleSince: 3,
  request: struct({ softwareName: string, softwareVersion: string }),
  response: struct({
    error: int16,
    apis: array(struct({ key: int16, oldest: int16, newest: int16 })),
    throttleMs: int32,
    finalizedFeatures: tagged(
      2,
      array(struct<FinalizedFeature>({ name: string, newest: int16, oldest: int16 })),
      [],
    ),
  }),
}

export interface ApiVersionsRequest {
  readonly softwareName: string
  readonly softwareVersion: string
}

export interface MetadataRequest {
  /** `undefined` = all of them. */
  readonly topics: readonly { readonly id: string; readonly name: string | undefined }[] | undefined
  readonly mayCreate: boolean
  readonly wantsClusterRights: boolean
  readonly wantsTopicRights: boolean
}

export interface MetadataResponse {
  readonly throttleMs: number
  readonly brokers: readonly BrokerAddress[]
  readonly cluster: string | undefined
  readonly controller: number
  readonly topics: readonly TopicMetadata[]
}

export interface BrokerAddress {
  readonly node: number
  readonly host: string
  readonly port: number
}

export interface TopicMetadata {
  readonly error: number
  readonly name: string | undefined
  /** Another one under the same name was created anew. */
  readonly id: string
  readonly isInternal: boolean
  readonly partitions: readonly PartitionMetadata[]
}

export interface PartitionMetadata {
  readonly error: number
  readonly partition: number
  /** −1 = there is none now. */
  readonly leader: number
  readonly leaderEpoch: number
}

interface WireBroker extends BrokerAddress {
  readonly rack?: unknown
}

interface WireTopic extends Omit<TopicMetadata, 'partitions'> {
  readonly partitions: readonly WirePartition[]
  readonly rights?: unknown
}

interface WirePartition extends PartitionMetadata {
  readonly replicas?: unknown
  readonly inSync?: unknown
  readonly offline?: unknown
}

interface WireMetadata extends MetadataResponse {
  readonly brokers: readonly WireBroker[]
  readonly topics: readonly WireTopic[]
  readonly clusterRights?: unknown
}

/** Who leads which partition. */
export const metadataApi: Api<MetadataRequest, MetadataResponse> = {
  name: 'Metadata',
  key: 3,
  versions: [5, 12],
  flexibleSince: 9,
  request: struct<MetadataRequest>({
    topics: nullableArray(struct({ id: since(10, uuid, noUuid), name: nullableString })),
    mayCreate: boolean,
    wantsClusterRights: { ...since(8, boolean, false), until: 10 },
    wantsTopicRights: since(8, boolean, false),
  }),
  response: struct<WireMetadata>({
    throttleMs: int32,
    brokers: array(
      struct<WireBroker>({
        node: int32,
        host: string,
        port: int32,
        rack: constant(nullableString, undefined),
      }),
    ),
    cluster: nullableString,
    controller: int32,
    topics: array(
      struct<WireTopic>({
        error: int16,
        name: nullableString,
        id: since(10, uuid, noUuid),
        isInternal: boolean,
        partitions: array(
          struct<WirePartition>({
            error: int16,
            partition: int32,
            leader: int32,
            leaderEpoch: since(7, int32, -1),
            replicas: constant(array(int32), []),
            inSync: constant(array(int32), []),
            offline: constant(array(int32), []),
          }),
        ),
        rights: since(8, constant(int32, 0), 0),
      }),
    ),
    clusterRights: { ...since(8, constant(int32, 0), 0), until: 10 },
  }),
}

export interface FindCoordinatorRequest {
  readonly key: string
  readonly type: number
}

export interface FindCoordinatorResponse extends BrokerAddress {
  readonly throttleMs: number
  readonly error: number
  readonly message: string | undefined
}

/** Of what a coordinator is asked for. */
export const coordinatorOf = { group: 0, transaction: 1 } as const

/** Which broker looks after a group or a transactional id. */
export const findCoordinatorApi: Api<FindCoordinatorRequest, FindCoordinatorResponse> = {
  name: 'FindCoordinator',
  key: 10,
  versions: [1, 3],
  flexibleSince: 3,
  request: struct({ key: string, type: int8 }),
  response: struct<FindCoordinatorResponse>({
    throttleMs: int32,
    error: int16,
    message: nullableString,
    node: int32,
    host: string,
    port: int32,
  }),
}

export interface ListOffsetsRequest {
  readonly isolation: number
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly OffsetQuestion[]
  }[]
}

/** Which offset of a partition is asked for. */
export interface OffsetQuestion {
  readonly partition: number
  readonly leaderEpoch: number
  /** Milliseconds: the first record at or after it; or one of `offsetAt`. */
  readonly timestamp: number
}

/** Times that stand for ends of a partition. */
export const offsetAt = { latest: -1, earliest: -2 } as const

export interface ListOffsetsResponse {
  readonly throttleMs: number
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly FoundOffset[]
  }[]
}

export interface FoundOffset {
  readonly partition: number
  readonly error: number
  /** Of the record that was found; −1 = none. */
  readonly timestamp: number
  /** −1: no record is as late as that. */
  readonly offset: number
  readonly leaderEpoch: number
}

/** Where a partition begins and ends, and where a time is in it. */
export const listOffsetsApi: Api<ListOffsetsRequest, ListOffsetsResponse> = {
  name: 'ListOffsets',
  key: 2,
  versions: [4, 6],
  flexibleSince: 6,
  request: struct<ListOffsetsRequest & { readonly replica?: unknown }>({
    replica: constant(int32, -1),
    isolation: int8,
    topics: array(
      struct({
        topic: string,
        partitions: array(
          struct<OffsetQuestion>({ partition: int32, leaderEpoch: int32, timestamp: int64 }),
        ),
      }),
    ),
  }),
  response: struct<ListOffsetsResponse>({
    throttleMs: int32,
    topics: array(
      struct({
        topic: string,
        partitions: array(
          struct<FoundOffset>({
            partition: int32,
            error: int16,
            timestamp: int64,
            offset: int64,
            leaderEpoch: int32,
          }),
        ),
      }),
    ),
  }),
}
