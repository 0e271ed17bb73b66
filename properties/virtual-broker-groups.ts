import {
  heartbeatApi,
  joinGroupApi,
  leaveGroupApi,
  syncGroupApi,
} from '../src/connectors/kafka/protocol/group-api.ts'
import { kafkaError } from '../src/connectors/kafka/transaction-requests.ts'
import {
  type AnyAnswer,
  answering,
  codeOf,
  type Meeting,
  throttleMs,
} from './virtual-broker-meeting.ts'
import type { BrokerGroup, BrokerState, GroupMemberState } from './virtual-broker-state.ts'

/** Who does not ask anything for so many requests of all is not a member any more. */
const quietMax = 120

const nobody: BrokerGroup = { generation: 0, stage: 'joining', members: new Map() }
const nothing = new Uint8Array(0)

/**
 * Answers about groups and their members. Where a real coordinator answers later, these say that it is not ready, and are
 * asked again.
 */
export const groupAnswers: readonly AnyAnswer[] = [
  answering({
    api: joinGroupApi,
    about: ({ group }) => group,
    effect(request, meeting) {
      const { state } = meeting
      const refused = {
        throttleMs,
        generation: -1,
        protocol: '',
        leader: '',
        member: request.member,
        members: [],
      }
      const away = codeOf(meeting, () => kafkaError.none)
      if (away !== kafkaError.none) return { ...refused, error: away }
      const { group, protocols } = request
      if (request.member === '') {
        const member = `${group}-${state.names++}`
        return { ...refused, error: kafkaError.memberIdRequired, member }
      }
      const [protocol] = protocols
      const found = joined(state, group, request.member, protocol?.metadata ?? nothing)
      if (found.stage === 'joining') return { ...refused, error: kafkaError.coordinatorLoading }
      const leader = leaderOf(found)
      return {
        throttleMs,
        error: kafkaError.none,
        generation: found.generation,
        protocol: protocol?.name ?? '',
        leader,
        member: request.member,
        members:
          leader === request.member
            ? [...found.members].map(([member, { metadata }]) => ({ member, metadata }))
            : [],
      }
    },
  }),
  answering({
    api: syncGroupApi,
    about: ({ group }) => group,
    effect(request, meeting) {
      const { state } = meeting
      const { group, member, assignments } = request
      const error = memberCode(meeting, request)
      if (error !== kafkaError.none) return { throttleMs, error, assignment: nothing }
      let found = groupOf(state, group)
      if (found.stage === 'sharing' && leaderOf(found) === member) {
        const given = new Map(assignments.map((each) => [each.member, each.assignment]))
        const members = new Map(
          [...found.members].map(([name, each]) => [
            name,
            { ...each, assignment: given.get(name) ?? nothing },
          ]),
        )
        found = { ...found, stage: 'stable', members }
        state.groups.set(group, found)
      }
      const assignment = found.members.get(member)?.assignment
      return found.stage === 'stable' && assignment !== undefined
        ? { throttleMs, error: kafkaError.none, assignment }
        : { throttleMs, error: kafkaError.coordinatorLoading, assignment: nothing }
    },
  }),
  answering({
    api: heartbeatApi,
    about: ({ group }) => group,
    effect: (request, meeting) => ({ throttleMs, error: memberCode(meeting, request) }),
  }),
  answering({
    api: leaveGroupApi,
    about: ({ group }) => group,
    effect({ group, members: gone }, meeting) {
      const error = codeOf(meeting, () => {
        const found = groupOf(meeting.state, group)
        const left = [...found.members].filter(
          ([name]) => !gone.some(({ member }) => member === name),
        )
        meeting.state.groups.set(group, rejoining({ ...found, members: new Map(left) }))
        return kafkaError.none
      })
      return { throttleMs, error, members: [] }
    },
  }),
]

function leaderOf({ members }: BrokerGroup): string {
  return members.keys().next().value ?? ''
}

/** The group without members that have been quiet for too long; without them the others share out again. */
function groupOf(state: BrokerState, group: string): BrokerGroup {
  const found = state.groups.get(group) ?? nobody
  const heard = [...found.members].filter(([, { heardAt }]) => state.requests - heardAt <= quietMax)
  if (heard.length === found.members.size) return found
  const left = rejoining({ ...found, members: new Map(heard) })
  state.groups.set(group, left)
  return left
}

/** All members have to ask once more. */
function rejoining(group: BrokerGroup): BrokerGroup {
  const members = new Map(
    [...group.members].map(([name, each]) => [name, { ...each, hasAsked: false }]),
  )
  return { ...group, stage: 'joining', members }
}

/** The group after a member has asked to be in it, which is a new generation if all have. */
function joined(
  state: BrokerState,
  group: string,
  member: string,
  metadata: Uint8Array,
): BrokerGroup {
  const found = groupOf(state, group)
  const known = found.members.get(member)
  // It had its answer, and wants another sharing.
  const isWaiting = found.stage !== 'joining' && known?.isTold === false
  const before = isWaiting || found.stage === 'joining' ? found : rejoining(found)
  const own: GroupMemberState = {
    metadata: metadata.slice(),
    hasAsked: true,
    isTold: isWaiting,
    heardAt: state.requests,
    // Its leader may have shared out before everybody had heard of the generation.
    assignment: isWaiting ? known.assignment : undefined,
  }
  const members = new Map([...before.members, [member, own]])
  const isComplete = [...members.values()].every(({ hasAsked }) => hasAsked)
  if (before.stage !== 'joining' || !isComplete) {
    const next = { ...before, members }
    state.groups.set(group, next)
    return next
  }
  const waiting = new Map(
    [...members].map(([name, each]) => [name, { ...each, isTold: name === member }]),
  )
  const next: BrokerGroup = {
    generation: before.generation + 1,
    stage: 'sharing',
    members: waiting,
  }
  state.groups.set(group, next)
  return next
}

/** What a member hears that asks about a generation. */
function memberCode(
  meeting: Meeting,
  {
    group,
    member,
    generation,
  }: { readonly group: string; readonly member: string; readonly generation: number },
): number {
  const { state } = meeting
  return codeOf(meeting, () => {
    const found = groupOf(state, group)
    const own = found.members.get(member)
    if (own === undefined) return kafkaError.unknownMember
    const members = new Map([...found.members, [member, { ...own, heardAt: state.requests }]])
    state.groups.set(group, { ...found, members })
    if (generation !== found.generation) return kafkaError.illegalGeneration
    return found.stage === 'joining' ? kafkaError.rebalanceInProgress : kafkaError.none
  })
}
