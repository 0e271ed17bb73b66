import { type Clock, sleep } from '../../core/clock.ts'
import type {
  PartitionMembership,
  PartitionOwner,
  SharingOptions,
} from '../../flow/partition-sharing.ts'
import type { KafkaCluster } from './cluster.ts'
import { askCoordinator, type Question } from './cluster-requests.ts'
import { refusedError } from './error-codes.ts'
import { partitionName, partitionOf } from './offsets-json.ts'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  heartbeatApi,
  type JoinGroupResponse,
  joinGroupApi,
  leaveGroupApi,
  type SharedTopic,
  syncGroupApi,
} from './protocol/group-api.ts'
import { shareOut } from './share-out.ts'
import { kafkaError, outcomeOf } from './transaction-requests.ts'

export interface GroupMembershipOptions extends SharingOptions {
  /** Connections of its own: the answer to a request of a member may take as long as all others do. */
  readonly cluster: KafkaCluster
  readonly clock: Clock
  /** The partitions to be shared, as they are now, by name. */
  partitions(): Promise<readonly string[]>
  /** How often new partitions are looked for, milliseconds. */
  readonly metadataMaxAgeMs: number
  /** How long brokers that are away are asked again, milliseconds. */
  readonly patienceMs: number
}

/** What a sharing of a group is called. */
interface Generation {
  readonly generation: number
  readonly isLeader: boolean
  readonly members: JoinGroupResponse['members']
}

interface Member extends GroupMembershipOptions {
  readonly owner: PartitionOwner
  /** Its name, which the coordinator gives it. */
  id: string
  isLeaving: boolean
  /** Ends a sleep. */
  wake: () => void
  /** When the coordinator was heard of last, milliseconds. */
  heardMs: number
}

/** Sharing does not agree with that of other clients, which then cannot come into the group by mistake. */
const protocol = { type: 'consumer', name: 'millrace-cooperative' } as const

/**
 * A member of a group of Kafka that shares out partitions among its members, who let go of nothing that they may keep
 * (KIP-429). Who works on a partition is for its checkpoint to decide: the group says whose turn it is to try.
 */
export function groupMembership(
  options: GroupMembershipOptions,
  owner: PartitionOwner,
): PartitionMembership {
  const own: Member = {
    ...options,
    owner,
    id: '',
    isLeaving: false,
    wake: () => undefined,
    heardMs: options.clock.monotonic(),
  }
  const done = takePart(own)
  done.catch(() => undefined)
  return {
    done,
    async leave() {
      own.isLeaving = true
      own.wake()
      await done
    },
  }
}

async function takePart(own: Member): Promise<void> {
  const { owner } = own
  try {
    while (!own.isLeaving) {
      const generation = await join(own)
      if (generation === undefined) continue
      const assigned = await sync(own, generation)
      if (assigned === undefined || own.isLeaving) continue
      const owned = owner.owned()
      owner.gained(assigned.filter((name) => !owned.includes(name)))
      await work(
        own,
        generation,
        owned.filter((name) => !assigned.includes(name)),
      )
    }
  } finally {
    await owner.released(owner.owned())
    await leave(own)
  }
}

/** Asks to be a member; `undefined` = to be asked again. */
async function join(own: Member): Promise<Generation | undefined> {
  const owned = byTopic(own.owner.owned())
  const topics = [...new Set((await own.partitions()).map((name) => partitionOf(name).topic))]
  const { error, answer } = await ask(own, {
    api: joinGroupApi,
    request: {
      group: own.group,
      sessionTimeoutMs: own.sessionTimeoutMs,
      rebalanceTimeoutMs: own.rebalanceTimeoutMs,
      member: own.id,
      protocolType: protocol.type,
      protocols: [{ name: protocol.name, metadata: encodeSubscription({ topics, owned }) }],
    },
    errorOf: (joined) => joined.error,
  })
  if (error === kafkaError.memberIdRequired && answer !== undefined) {
    own.id = answer.member
    return undefined
  }
  if (!(await goesOn(own, error, 'JoinGroup')) || answer === undefined) return undefined
  const { generation, leader, member, members } = answer
  own.id = member
  return { generation, isLeader: leader === member, members }
}

/** Says who gets what, if that is up to this member, and hears what it gets itself. */
async function sync(
  own: Member,
  { generation, isLeader, members }: Generation,
): Promise<readonly string[] | undefined> {
  const shares = isLeader ? await sharesOf(own, members) : []
  while (!own.isLeaving) {
    const { error, answer } = await ask(own, {
      api: syncGroupApi,
      request: { group: own.group, generation, member: own.id, assignments: shares },
      errorOf: (synced) => synced.error,
    })
    if ((await goesOn(own, error, 'SyncGroup')) && answer !== undefined) {
      return decodeAssignment(answer.assignment).flatMap(({ topic, partitions }) =>
        partitions.map((partition) => partitionName({ topic, partition })),
      )
    }
    // The same question helps as long as this may still be the newest generation.
    if (outcomeOf(error) !== 'again') return undefined
  }
  return undefined
}

async function sharesOf(
  { partitions }: Member,
  members: Generation['members'],
): Promise<readonly { readonly member: string; readonly assignment: Uint8Array }[]> {
  const claims = members.map(({ member, metadata }) => ({
    member,
    owned: decodeSubscription(metadata).owned.flatMap(({ topic, partitions: numbers }) =>
      numbers.map((partition) => partitionName({ topic, partition })),
    ),
  }))
  return [...shareOut(await partitions(), claims)].map(([member, names]) => ({
    member,
    assignment: encodeAssignment(byTopic(names)),
  }))
}

/** Is a member until the group shares out again; `goes` is to be released first, and then there is a new sharing. */
async function work(
  own: Member,
  { generation, isLeader }: Generation,
  goes: readonly string[],
): Promise<void> {
  const { clock, owner } = own
  const known = isLeader ? (await own.partitions()).join() : ''
  let isReleased = goes.length === 0
  const releasing = isReleased
    ? Promise.resolve()
    : owner.released(goes).finally(() => {
        isReleased = true
        own.wake()
      })
  const mustRejoin = (): boolean => goes.length > 0 && isReleased
  let lookedMs = clock.monotonic()
  while (!own.isLeaving && !mustRejoin()) {
    await pause(own, own.sessionTimeoutMs / heartbeats)
    if (own.isLeaving || mustRejoin()) break
    const { error } = await ask(own, {
      api: heartbeatApi,
      request: { group: own.group, generation, member: own.id },
      errorOf: (answer) => answer.error,
    })
    if (error === kafkaError.rebalanceInProgress) break
    if (!(await goesOn(own, error, 'Heartbeat')) && own.id === '') break
    if (isLeader && clock.monotonic() - lookedMs >= own.metadataMaxAgeMs) {
      lookedMs = clock.monotonic()
      if ((await own.partitions()).join() !== known) break
    }
  }
  await releasing
}

/** How many heartbeats there are to a session timeout. */
const heartbeats = 6

/**
 * Whether a request was done. If the group knows this member no more, or nobody knows whether it does, everything is
 * released: others may have it already, and would wait for it.
 */
async function goesOn(own: Member, error: number, request: string): Promise<boolean> {
  const { clock, owner } = own
  const nowMs = clock.monotonic()
  if (error === kafkaError.none) {
    own.heardMs = nowMs
    return true
  }
  if (isForgotten.has(error)) {
    own.heardMs = nowMs
    await forget(own)
    return false
  }
  const isAway = outcomeOf(error) !== 'refused' || error === kafkaError.rebalanceInProgress
  if (!isAway || nowMs - own.heardMs >= own.patienceMs) {
    throw refusedError(error, { request, resource: `group ${own.group}`, operation: 'Read' })
  }
  const isMissed = nowMs - own.heardMs >= own.sessionTimeoutMs
  if (isMissed && owner.owned().length > 0) await forget(own)
  else await pause(own, retryDelayMs)
  return false
}

const retryDelayMs = 100

async function forget(own: Member): Promise<void> {
  own.id = ''
  await own.owner.released(own.owner.owned())
}

const isForgotten: ReadonlySet<number> = new Set([
  kafkaError.illegalGeneration,
  kafkaError.unknownMember,
])

async function leave(own: Member): Promise<void> {
  if (own.id === '') return
  // If it does not come through, the group misses this member a little later.
  await ask(own, {
    api: leaveGroupApi,
    request: { group: own.group, members: [{ member: own.id }] },
    errorOf: (answer) => answer.error,
  })
}

function ask<Request, Response>(
  { cluster, group }: Member,
  question: Question<Request, Response>,
): Promise<{ readonly error: number; readonly answer?: Response }> {
  return askCoordinator(cluster, { type: 'group', key: group }, question)
}

/** Waits until `wake`, or for so long. */
async function pause(own: Member, delayMs: number): Promise<void> {
  if (own.isLeaving) return
  const woken = new Promise<void>((resolve) => {
    own.wake = resolve
  })
  await Promise.race([woken, sleep(own.clock, delayMs)])
}

function byTopic(names: readonly string[]): readonly SharedTopic[] {
  const topics = new Map<string, number[]>()
  for (const name of names) {
    const { topic, partition } = partitionOf(name)
    topics.set(topic, [...(topics.get(topic) ?? []), partition])
  }
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }))
}
