import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSimulatedClock } from '../../properties/simulated-clock.ts'
import { type BrokerFault, virtualBroker } from '../../properties/virtual-broker.ts'
import { kafkaCluster } from '../../src/connectors/kafka/cluster.ts'
import { groupMembership } from '../../src/connectors/kafka/group-membership.ts'
import { type GroupShare, shareOut } from '../../src/connectors/kafka/share-out.ts'
import { sleep } from '../../src/core/clock.ts'
import type { PartitionMembership, PartitionOwner } from '../../src/flow/partition-sharing.ts'

function names(count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => `orders/${at}`)
}

/** Any partitions, and members that claim any of them and others. */
const claimed = fc
  .record({ partitions: fc.nat(12), members: fc.integer({ min: 1, max: 5 }) })
  .chain(({ partitions, members }) =>
    fc.record({
      partitions: fc.constant(names(partitions)),
      claims: fc.array(fc.subarray([...names(14)]), { minLength: members, maxLength: members }),
    }),
  )

test('nothing is given to two, and nothing that somebody else still has', () => {
  fc.assert(
    fc.property(claimed, ({ partitions, claims }) => {
      const members = claims.map((owned, at) => ({ member: `m${at}`, owned }))
      const given = shareOut(partitions, members)
      const all = [...given.values()].flat()
      expect(new Set(all).size).toBe(all.length)
      for (const [member, assigned] of given) {
        for (const name of assigned) {
          expect(partitions).toContain(name)
          const owners = members.filter(({ owned }) => owned.includes(name))
          if (owners.length > 0) expect(owners.map((each) => each.member)).toContain(member)
        }
      }
    }),
  )
})

test('once everybody has let go of what it lost, everything is shared evenly and stays where it is', () => {
  fc.assert(
    fc.property(claimed, ({ partitions, claims }) => {
      let members: readonly GroupShare[] = claims.map((owned, at) => ({ member: `m${at}`, owned }))
      for (let round = 0; round < 3; round++)
        members = after(members, shareOut(partitions, members))
      const sizes = members.map(({ owned }) => owned.length)
      expect(members.flatMap(({ owned }) => owned).toSorted()).toEqual([...partitions].toSorted())
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
      expect(after(members, shareOut(partitions, members))).toEqual(members)
    }),
  )
})

function after(
  members: readonly GroupShare[],
  given: ReadonlyMap<string, readonly string[]>,
): readonly GroupShare[] {
  return members.map(({ member }) => ({ member, owned: given.get(member) ?? [] }))
}

const partitions = 5

interface Living extends PartitionOwner {
  readonly membership: PartitionMembership
  isDead: boolean
}

/** Members of one group over brokers in memory, in a time that passes when it is told to. */
function world(seed: number, faults: readonly (BrokerFault | undefined)[]) {
  const clock = createSimulatedClock()
  const broker = virtualBroker({
    seed,
    nodes: 3,
    fault: (request) => (request < 200 ? faults[request % faults.length] : undefined),
  })
  const members: Living[] = []
  const givenTwice: string[] = []
  const living = (): readonly Living[] => members.filter(({ isDead }) => !isDead)
  const join = (): void => {
    const owned = new Set<string>()
    const owner: PartitionOwner = {
      owned: () => [...owned],
      gained(gained) {
        for (const name of gained) {
          const others = living().filter((each) => each !== own && each.owned().includes(name))
          // What somebody has who is alive and was heard is given to nobody else.
          if (others.length > 0) givenTwice.push(name)
          owned.add(name)
        }
      },
      async released(released) {
        await sleep(clock, 30)
        for (const name of released) owned.delete(name)
      },
    }
    const step = (): void => {
      if (own.isDead) throw new Error('dead')
    }
    const membership = groupMembership(
      {
        group: 'g',
        sessionTimeoutMs: 3_000,
        rebalanceTimeoutMs: 10_000,
        cluster: kafkaCluster(broker.transport({ step }), broker.bootstrap),
        clock,
        partitions: async () => names(partitions),
        metadataMaxAgeMs: 5_000,
        patienceMs: 60_000,
      },
      owner,
    )
    const own: Living = { ...owner, membership, isDead: false }
    members.push(own)
  }
  return {
    givenTwice,
    join,
    living,
    async pass(ms: number): Promise<void> {
      for (let passed = 0; passed < ms; passed += 10) {
        clock.advance(10)
        for (let turn = 0; turn < 20; turn++) await Promise.resolve()
        await clock.yield()
      }
    },
    leave(at: number) {
      const one = living()[at % Math.max(1, living().length)]
      if (one === undefined) return
      void one.membership.leave().then(() => {
        one.isDead = true
      })
    },
    kill(at: number) {
      const one = living()[at % Math.max(1, living().length)]
      if (one !== undefined) one.isDead = true
    },
  }
}

const happening = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ kind: 'join', at: 0 } as const) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), at: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('kill' as const), at: fc.nat(5) }) },
)
const anyFault = fc.constantFrom<BrokerFault | undefined>(
  undefined,
  undefined,
  undefined,
  'lost request',
  'lost reply',
  'bounce',
)

test('members that come, go and die end with equal shares of everything', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(),
      fc.array(happening, { maxLength: 6 }),
      fc.oneof(fc.constant([]), fc.array(anyFault, { minLength: 5, maxLength: 40 })),
      async (seed, happenings, faults) => {
        const { givenTwice, join, leave, kill, living, pass } = world(seed, faults)
        join()
        for (const { kind, at } of happenings) {
          await pass(700)
          if (kind === 'join') join()
          else if (kind === 'leave') leave(at)
          else kill(at)
        }
        await pass(120_000)
        if (living().length === 0) join()
        await pass(60_000)
        const owned = living().map((each) => each.owned().length)
        const all = living().flatMap((each) => each.owned())
        expect(all.toSorted()).toEqual(names(partitions))
        // Of a member that is not heard nobody knows that it is alive.
        if (faults.length === 0) expect(givenTwice).toEqual([])
        expect(Math.max(...owned) - Math.min(...owned)).toBeLessThanOrEqual(1)
      },
    ),
    { numRuns: 30 },
  )
}, 60_000)
