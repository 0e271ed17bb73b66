import { type SimulatedProcess, simulatedProcess } from '../../properties/process-gate.ts'
import { simulatedSession } from '../../properties/simulated-session.ts'
import { createSimulation, type Simulation } from '../../properties/simulated-system.ts'
import { type VirtualBroker, virtualBroker } from '../../properties/virtual-broker.ts'
import { type VirtualFileSystem, virtualFileSystem } from '../../properties/virtual-file-system.ts'
import { type Random, seededRandom } from '../../src/core/random.ts'
import type { Fleet } from '../../src/dataframe/fleet.ts'
import type { Session } from '../../src/session/session.ts'
import { mustBeOnce } from '../kafka/filled-topic.ts'
import { copyOfTopic, overBroker } from '../kafka/virtual-kafka.ts'

/** What happened to the processes of a fleet. */
export interface FleetReport {
  readonly rows: number
  readonly processes: number
  readonly deaths: number
  readonly stops: number
  readonly sleeps: number
}

/** A process of the fleet that has neither ended nor died. */
interface Member {
  readonly self: SimulatedProcess
  readonly session: Session
  readonly fleet: Fleet
}

interface World {
  readonly seed: number
  readonly random: Random
  readonly simulation: Simulation
  readonly disk: VirtualFileSystem
  readonly broker: VirtualBroker
  readonly partitions: number
  readonly isOneMachine: boolean
  /** By the number of the process. */
  readonly members: Map<number, Member>
  /** Those that end by themselves. */
  readonly leaving: Promise<void>[]
  readonly alive: Set<number>
  readonly failures: unknown[]
  readonly sent: string[]
  processes: number
  deaths: number
  stops: number
  sleeps: number
}

const events = 12
const processesAtOnce = 3
const copies = 2
const turnsMax = 400
const stepsMax = 500_000

/**
 * Processes that share the partitions of a topic, in one world: they come, go, die, sleep until others have taken their
 * place and wake again, while rows arrive. In the end every row is there once.
 *
 * @throws Error that says what was lost, or was there twice
 */
export async function fleetWorld(seed: number): Promise<FleetReport> {
  const world = newWorld(seed)
  const { simulation, broker, failures, sent } = world
  await simulation.run(story(world), { maxSteps: stepsMax })
  if (failures.length > 0) {
    throw new Error(`a process failed: ${String(failures[0])}`, { cause: failures[0] })
  }
  broker.settle()
  mustBeOnce(sent, copied(world))
  const open = broker.open()
  if (open.length > 0) throw new Error(`transactions were left open: ${open.join(', ')}`)
  const { processes, deaths, stops, sleeps } = world
  return { rows: sent.length, processes, deaths, stops, sleeps }
}

function newWorld(seed: number): World {
  const random = seededRandom(seed)
  const broker = virtualBroker({
    seed,
    transactionVersion: seed % 2 === 0 ? 2 : 1,
    nodes: seed % 3 === 0 ? 3 : 1,
  })
  const partitions = 2 + below(random, 3)
  broker.createTopic('in', partitions)
  broker.createTopic('out', copies)
  return {
    seed,
    random,
    simulation: createSimulation(seed, { startMs: 1_600_000_000_000 }),
    disk: virtualFileSystem(),
    broker,
    partitions,
    isOneMachine: random.next() < 0.5,
    members: new Map(),
    leaving: [],
    alive: new Set(),
    failures: [],
    sent: [],
    processes: 0,
    deaths: 0,
    stops: 0,
    sleeps: 0,
  }
}

async function story(world: World): Promise<void> {
  const { members, leaving, sent, failures, random, broker } = world
  begin(world)
  for (let event = 0; event < events; event++) {
    arrive(world)
    await turns(world, below(random, turnsMax))
    happen(world)
  }
  for (const { self } of members.values()) self.wake()
  if (members.size === 0) begin(world)
  // Transactions of those who died are open until another one has taken their place.
  const isDone = (): boolean => copied(world).length >= sent.length && broker.open().length === 0
  while (!isDone() && failures.length === 0) await turns(world, 50)
  for (const life of [...members.keys()]) leave(world, life)
  await Promise.all(leaving)
}

/** Something that one of them does, or that is done to it. */
function happen(world: World): void {
  const { members, random } = world
  const life = [...members.keys()][below(random, members.size)]
  const member = life === undefined ? undefined : members.get(life)
  const lot = random.next()
  const isTurnToBegin = lot < 0.3 && members.size < processesAtOnce
  if (life === undefined || member === undefined || isTurnToBegin) begin(world)
  else if (lot < 0.55) {
    world.deaths += 1
    member.self.die()
    members.delete(life)
    world.alive.delete(life)
  } else if (lot < 0.7) {
    world.stops += 1
    leave(world, life)
  } else if (lot < 0.85) {
    world.sleeps += 1
    member.self.fallAsleep()
  } else member.self.wake()
}

function begin(world: World): void {
  const { seed, simulation, disk, random, alive, failures } = world
  const life = world.processes++
  const self = simulatedProcess()
  const { session } = simulatedSession({
    seed: seed * 31 + life,
    files: disk,
    life,
    hasSlowDisk: random.next() < 0.5,
    config: { lockLease: '2 seconds', maxRestarts: 20, restartDelay: 1, poisonAfter: 20 },
    among: {
      simulation,
      self,
      machine: world.isOneMachine ? 'one' : `machine ${life}`,
      isAlive: (other) => alive.has(other),
    },
  })
  const fleet = copying(world, session, self)
  fleet.awaitTermination().catch((thrown: unknown) => failures.push(thrown))
  alive.add(life)
  world.members.set(life, { self, session, fleet })
}

/** The query that all of them run. */
function copying({ broker, simulation }: World, session: Session, self: SimulatedProcess): Fleet {
  overBroker(session, broker, {
    step: () => undefined,
    async pause() {
      await simulation.pause()
      await self.gate()
    },
  })
  return copyOfTopic(session).startFleet({
    group: 'fleet',
    sessionTimeout: '2 seconds',
    rebalanceTimeout: '10 seconds',
  })
}

/** Has a process end properly, which takes its time. */
function leave({ members, leaving, alive }: World, life: number): void {
  const member = members.get(life)
  if (member === undefined) return
  members.delete(life)
  const { self, session, fleet } = member
  self.wake()
  const ended = async (): Promise<void> => {
    await fleet.stop()
    await session.stop()
    alive.delete(life)
  }
  leaving.push(ended())
}

function arrive({ broker, partitions, random, sent }: World): void {
  const partition = below(random, partitions)
  const texts = Array.from(
    { length: 1 + below(random, 12) },
    (_, row) => `row ${sent.length + row}`,
  )
  const values = texts.map((text) => new TextEncoder().encode(text))
  broker.append({ topic: 'in', partition }, values)
  sent.push(...texts)
}

function copied({ broker }: World): readonly string[] {
  return Array.from({ length: copies }, (_, partition) =>
    broker.committed({ topic: 'out', partition }),
  )
    .flat()
    .map(({ value }) => new TextDecoder().decode(value))
}

async function turns({ simulation }: World, count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await simulation.pause()
}

function below(random: Random, count: number): number {
  return Math.floor(random.next() * count)
}
