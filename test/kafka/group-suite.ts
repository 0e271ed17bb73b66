import { expect, test } from 'vitest'
import type { KafkaCluster } from '../../src/connectors/kafka/cluster.ts'
import { askCoordinator, type Question } from '../../src/connectors/kafka/cluster-requests.ts'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  heartbeatApi,
  type JoinGroupResponse,
  joinGroupApi,
  leaveGroupApi,
  syncGroupApi,
} from '../../src/connectors/kafka/protocol/group-api.ts'
import { kafkaError as code, outcomeOf } from '../../src/connectors/kafka/transaction-requests.ts'
import { sleep } from '../../src/core/clock.ts'
import { systemClock } from '../../src/core/system-clock.ts'
import type { ClusterUnderTest } from './broker-suite.ts'

const clock = systemClock()
let groups = 0

/** What members of groups rely on, run against brokers in memory and real ones. */
export function groupSuite(name: string, clusterOf: () => ClusterUnderTest, seconds: number): void {
  test(`${name}: members join, hear of others, share out, and leave`, {
    timeout: seconds * 1_000,
  }, async () => {
    const under = clusterOf()
    const group = `group-${process.pid}-${groups++}`
    const members = [memberOf(under.connect(), group), memberOf(under.connect(), group)]
    const [one, two] = members as [GroupMember, GroupMember]
    try {
      const alone = await one.join([0, 1])
      expect(alone.leader).toBe(alone.member)
      expect(alone.members.map(({ metadata }) => decodeSubscription(metadata))).toMatchObject([
        { topics: ['orders'], owned: [{ topic: 'orders', partitions: [0, 1] }] },
      ])
      expect(await one.sync(alone, new Map([[alone.member, [0, 1]]]))).toEqual([0, 1])
      expect(await one.heartbeat(alone.generation)).toBe(code.none)
      expect(await one.heartbeat(alone.generation - 1)).toBe(code.illegalGeneration)

      const joining = two.join([])
      while ((await one.heartbeat(alone.generation)) !== code.rebalanceInProgress) {
        await sleep(clock, 20)
      }
      const [again, other] = await Promise.all([one.join([0, 1]), joining])
      expect(again.generation).toBe(other.generation)
      expect(again.generation).toBeGreaterThan(alone.generation)
      expect(again.member).toBe(alone.member)
      const [leader, follower] = again.leader === again.member ? [again, other] : [other, again]
      expect(leader.members).toHaveLength(2)
      expect(follower.members).toEqual([])
      const shares = new Map([
        [again.member, [0]],
        [other.member, [1]],
      ])
      const none = new Map<string, readonly number[]>()
      const assigned = await Promise.all([
        one.sync(again, leader === again ? shares : none),
        two.sync(other, leader === other ? shares : none),
      ])
      expect(assigned).toEqual([[0], [1]])

      await two.leave()
      expect(await two.heartbeat(other.generation)).toBe(code.unknownMember)
      expect(await one.heartbeat(again.generation)).toBe(code.rebalanceInProgress)
      const last = await one.join([0])
      expect(last.members).toHaveLength(1)
      await one.leave()
    } finally {
      await Promise.all(members.map(({ cluster }) => cluster.close()))
    }
  })
}

interface GroupMember {
  readonly cluster: KafkaCluster
  join(owned: readonly number[]): Promise<JoinGroupResponse>
  sync(
    joined: JoinGroupResponse,
    shares: ReadonlyMap<string, readonly number[]>,
  ): Promise<readonly number[]>
  heartbeat(generation: number): Promise<number>
  leave(): Promise<void>
}

function memberOf(cluster: KafkaCluster, group: string): GroupMember {
  let member = ''
  const ask = async <Request, Response>(
    question: Question<Request, Response>,
  ): Promise<{ readonly error: number; readonly answer?: Response }> => {
    for (;;) {
      const found = await askCoordinator(cluster, { type: 'group', key: group }, question)
      if (outcomeOf(found.error) !== 'again') return found
      await sleep(clock, 20)
    }
  }
  const joined = async (owned: readonly number[]): Promise<JoinGroupResponse> => {
    const topics = owned.length === 0 ? [] : [{ topic: 'orders', partitions: owned }]
    const metadata = encodeSubscription({ topics: ['orders'], owned: topics })
    const { error, answer } = await ask({
      api: joinGroupApi,
      request: {
        group,
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 10_000,
        member,
        protocolType: 'consumer',
        protocols: [{ name: 'any', metadata }],
      },
      errorOf: (found) => found.error,
    })
    if (answer === undefined) throw new Error(`no answer, code ${error}`)
    member = answer.member
    if (error === code.memberIdRequired) return joined(owned)
    expect(error).toBe(code.none)
    return answer
  }
  return {
    cluster,
    join: joined,
    async sync({ generation }, shares) {
      const assignments = [...shares].map(([of, partitions]) => ({
        member: of,
        assignment: encodeAssignment([{ topic: 'orders', partitions }]),
      }))
      const { error, answer } = await ask({
        api: syncGroupApi,
        request: { group, generation, member, assignments },
        errorOf: (found) => found.error,
      })
      expect(error).toBe(code.none)
      return decodeAssignment(answer?.assignment ?? new Uint8Array(0)).flatMap(
        ({ partitions }) => partitions,
      )
    },
    async heartbeat(generation) {
      const { error } = await ask({
        api: heartbeatApi,
        request: { group, generation, member },
        errorOf: (found) => found.error,
      })
      return error
    },
    async leave() {
      const { error } = await ask({
        api: leaveGroupApi,
        request: { group, members: [{ member }] },
        errorOf: (found) => found.error,
      })
      expect(error).toBe(code.none)
    },
  }
}
