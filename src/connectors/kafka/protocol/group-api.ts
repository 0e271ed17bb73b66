import { type Api, decodeRequest, decodeResponse, encodeRequest, encodeResponse } from './api.ts'
import {
  array,
  bytes,
  constant,
  int16,
  int32,
  nullableBytes,
  nullableString,
  string,
  struct,
} from './codec.ts'
import type { PlainAnswer } from './transaction-api.ts'

/** Who asks: `member` is empty before a coordinator has given it a name. */
export interface GroupMemberName {
  readonly group: string
  readonly generation: number
  readonly member: string
}

interface NoInstance {
  readonly instance?: unknown
}

/** Members that come again are new ones. */
const noInstance = { instance: constant(nullableString, undefined) }

export interface JoinGroupRequest {
  readonly group: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly member: string
  readonly protocolType: string
  readonly protocols: readonly { readonly name: string; readonly metadata: Uint8Array }[]
}

export interface JoinGroupResponse extends PlainAnswer {
  readonly generation: number
  readonly protocol: string
  /** The member that shares out for this generation; it alone is told of all. */
  readonly leader: string
  readonly member: string
  readonly members: readonly { readonly member: string; readonly metadata: Uint8Array }[]
}

/** Answered when all members of a group have asked, or have had their time. */
export const joinGroupApi: Api<JoinGroupRequest, JoinGroupResponse> = {
  name: 'JoinGroup',
  key: 11,
  versions: [5, 6],
  flexibleSince: 6,
  request: struct<JoinGroupRequest & NoInstance>({
    group: string,
    sessionTimeoutMs: int32,
    rebalanceTimeoutMs: int32,
    member: string,
    ...noInstance,
    protocolType: string,
    protocols: array(struct({ name: string, metadata: bytes })),
  }),
  response: struct<JoinGroupResponse>({
    throttleMs: int32,
    error: int16,
    generation: int32,
    protocol: string,
    leader: string,
    member: string,
    members: array(
      struct<JoinGroupResponse['members'][number] & NoInstance>({
        member: string,
        ...noInstance,
        metadata: bytes,
      }),
    ),
  }),
}

export interface SyncGroupRequest extends GroupMemberName {
  /** Of the leader; nobody else has any. */
  readonly assignments: readonly { readonly member: string; readonly assignment: Uint8Array }[]
}

export interface SyncGroupResponse extends PlainAnswer {
  readonly assignment: Uint8Array
}

/** Answered when the leader has said who gets what. */
export const syncGroupApi: Api<SyncGroupRequest, SyncGroupResponse> = {
  name: 'SyncGroup',
  key: 14,
  versions: [3, 4],
  flexibleSince: 4,
  request: struct<SyncGroupRequest & NoInstance>({
    group: string,
    generation: int32,
    member: string,
    ...noInstance,
    assignments: array(struct({ member: string, assignment: bytes })),
  }),
  response: struct<SyncGroupResponse>({ throttleMs: int32, error: int16, assignment: bytes }),
}

/** A member is there, and hears whether the group shares out again. */
export const heartbeatApi: Api<GroupMemberName, PlainAnswer> = {
  name: 'Heartbeat',
  key: 12,
  versions: [3, 4],
  flexibleSince: 4,
  request: struct<GroupMemberName & NoInstance>({
    group: string,
    generation: int32,
    member: string,
    ...noInstance,
  }),
  response: struct<PlainAnswer>({ throttleMs: int32, error: int16 }),
}

export interface LeaveGroupRequest {
  readonly group: string
  readonly members: readonly { readonly member: string }[]
}

export interface LeaveGroupResponse extends PlainAnswer {
  readonly members: readonly { readonly member: string; readonly error: number }[]
}

/** A member goes, and nobody has to wait until it is missed. */
export const leaveGroupApi: Api<LeaveGroupRequest, LeaveGroupResponse> = {
  name: 'LeaveGroup',
  key: 13,
  versions: [3, 4],
  flexibleSince: 4,
  request: struct<LeaveGroupRequest>({
    group: string,
    members: array(
      struct<LeaveGroupRequest['members'][number] & NoInstance>({ member: string, ...noInstance }),
    ),
  }),
  response: struct<LeaveGroupResponse>({
    throttleMs: int32,
    error: int16,
    members: array(
      struct<LeaveGroupResponse['members'][number] & NoInstance>({
        member: string,
        ...noInstance,
        error: int16,
      }),
    ),
  }),
}

/** Partitions by topic, as members of a group write them. */
export interface SharedTopic {
  readonly topic: string
  readonly partitions: readonly number[]
}

interface Subscription {
  readonly topics: readonly string[]
  readonly owned: readonly SharedTopic[]
}

interface Assignment {
  readonly assigned: readonly SharedTopic[]
}

const sharedTopics = array(struct<SharedTopic>({ topic: string, partitions: array(int32) }))
const noUserData = constant(nullableBytes, undefined)

/**
 * What members say of themselves and what they get, in the words of Kafka's consumers, so that its tools can show
 * them. These are no requests: they have a version of their own in front.
 */
const memberWords: Api<Subscription, Assignment> = {
  name: 'ConsumerProtocol',
  key: -1,
  versions: [1, 1],
  flexibleSince: 99,
  request: struct<Subscription & { readonly version?: unknown; readonly data?: unknown }>({
    version: constant(int16, 1),
    topics: array(string),
    data: noUserData,
    owned: sharedTopics,
  }),
  response: struct<Assignment & { readonly version?: unknown; readonly data?: unknown }>({
    version: constant(int16, 1),
    assigned: sharedTopics,
    data: noUserData,
  }),
}

export function encodeSubscription(subscription: Subscription): Uint8Array {
  return encodeRequest(memberWords, 1, subscription)
}

/** @throws WireFault when the bytes are none */
export function decodeSubscription(from: Uint8Array): Subscription {
  return decodeRequest(memberWords, 1, from)
}

export function encodeAssignment(assigned: readonly SharedTopic[]): Uint8Array {
  return encodeResponse(memberWords, 1, { assigned })
}

/** @throws WireFault when the bytes are none; a member that gets nothing may be given none at all */
export function decodeAssignment(from: Uint8Array): readonly SharedTopic[] {
  return from.length === 0 ? [] : decodeResponse(memberWords, 1, from).assigned
}
