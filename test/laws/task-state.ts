import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import {
  SimulatedCrash,
  type VirtualFileSystem,
  virtualFileSystem,
} from '../../properties/virtual-file-system.ts'
import { seededRandom } from '../../src/core/random.ts'
import { epoch as toEpoch } from '../../src/core/units.ts'
import type { FrozenState } from '../../state/frozen.ts'
import type { Manifest, TaskStateHandle } from '../../state/manifest.ts'
import { foldState } from '../../state/manifest-state.ts'
import { memoryStoreFactory } from '../../state/memory-store.ts'
import type { StateStoreFactory } from '../../state/store.ts'
import type { TaskState } from '../../state/task-state.ts'
import { openTaskState } from '../../state/task-state-service.ts'
import { handClock } from '../state/hand-clock.ts'
import { type MapTable, mapTable } from '../state/map-table.ts'

type Model = ReadonlyMap<string, string>

/** One checkpoint: what the log would hold, and what the state was at its barrier. */
interface Published {
  readonly epoch: number
  readonly state: Manifest['state']
  readonly model: Model
}

type Step =
  | { readonly type: 'set'; readonly key: number; readonly value: string | undefined }
  | { readonly type: 'read'; readonly key: number }
  | { readonly type: 'barrier' }
  | { readonly type: 'persist' }
  | { readonly type: 'pause'; readonly turns: number }

const keyCount = 24
const nameOf = (key: number): string => `key ${key}`
const shardOf = (key: number): number => key % 2

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('set' as const),
      key: fc.nat(keyCount - 1),
      value: fc.option(fc.string({ minLength: 1, maxLength: 12 }), { nil: undefined }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('read' as const), key: fc.nat(keyCount - 1) }),
  },
  { weight: 4, arbitrary: fc.constant({ type: 'barrier' as const }) },
  { weight: 3, arbitrary: fc.constant({ type: 'persist' as const }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('pause' as const), turns: fc.nat(60) }) },
)

/** What happened in lives of a task. */
export interface Seen {
  snapshots: number
  coldSnapshots: number
  spills: number
  crashes: number
  inFlight: number
}

interface Life {
  readonly disk: VirtualFileSystem
  readonly token: number
  readonly budget: number
  readonly published: Published[]
  readonly seen: Seen
}

/** Opens the state as of the newest checkpoint, or that given, with the tables of its operator. */
async function restore(
  life: Life,
  begin: Published | undefined,
): Promise<{ readonly service: TaskState; readonly tables: readonly MapTable[] }> {
  const { disk, token, budget } = life
  const service = await openTaskState({
    files: disk,
    root: 'checkpoint',
    localDir: 'local',
    task: '1/0',
    token,
    storeFactory: slowStoreFactory(memoryStoreFactory(disk)),
    shards: [0, 1],
    shardCount: 2,
    restore: begin?.state,
    cacheBudgetBytes: budget,
    clock: { ...handClock(), yield: pause },
    stepBytes: 16,
    snapshotMinBytes: 60,
    snapshotMaxChain: 3,
  })
  const operator = service.operator('count')
  const tables = [mapTable(operator, 0), mapTable(operator, 1)]
  for (const table of tables) table.openEpoch((begin?.epoch ?? -1) + 1)
  await Promise.all(tables.map((table, shard) => operator.attach(shard, table)))
  return { service, tables }
}

/** Opening and writing take as long as a turn, so that readers come in between. */
function slowStoreFactory(factory: StateStoreFactory): StateStoreFactory {
  return {
    ...factory,
    async open(path) {
      await pause()
      const store = await factory.open(path)
      return {
        ...store,
        async writeMany(changes) {
          await pause()
          await store.writeMany(changes)
        },
      }
    },
  }
}

/** A turn of the event loop takes longer than a microtask. */
async function pause(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await Promise.resolve()
}

async function mustHold(tables: readonly MapTable[], model: Model): Promise<void> {
  for (let key = 0; key < keyCount; key++) {
    const found = await tables[shardOf(key)]?.get(nameOf(key))
    mustBe(nameOf(key), found, model.get(nameOf(key)))
  }
}

/** One attempt: restores, compares with the model, then works through the steps until they end or the disk stops. */
async function live(life: Life, program: readonly Step[]): Promise<void> {
  const begin = life.published.at(-1)
  const { service, tables } = await restore(life, begin)
  await mustHold(tables, begin?.model ?? new Map())
  const worker = createWorker(life, service, tables)
  for (const step of program) {
    await worker.take(step)
    if (service.operator('count').hasCold(0)) life.seen.spills++
  }
  await worker.finish()
  await service.close()
}

interface Worker {
  take(step: Step): Promise<void>
  finish(): Promise<void>
}

function createWorker(life: Life, service: TaskState, tables: readonly MapTable[]): Worker {
  const { published, seen } = life
  const tableOf = (key: number): MapTable => tables[shardOf(key)] as MapTable
  const base = published.at(-1)
  const model = new Map(base?.model)
  let working = (base?.epoch ?? -1) + 1
  let state = base?.state ?? {}
  const frozen: { epoch: number; parts: readonly FrozenState[]; model: Model }[] = []
  let publishing = Promise.resolve()
  let failure: unknown

  const persistNext = (): void => {
    const next = frozen.shift()
    if (next === undefined) return
    const handle = service.persist(toEpoch(next.epoch), next.parts)
    publishing = publishing
      .then(async () => publish(next.epoch, next.model, await handle))
      .catch((thrown: unknown) => {
        failure ??= thrown
      })
    // Its rejection is seen through `publishing`.
    handle.catch(() => undefined)
  }
  const publish = (epoch: number, at: Model, handle: TaskStateHandle): void => {
    if (failure !== undefined) return
    state = foldState(state, [handle])
    seen.snapshots += handle.snapshots.length
    for (const { snapshot } of handle.snapshots) {
      if (snapshot.cold !== undefined) seen.coldSnapshots++
    }
    published.push({ epoch, state, model: at })
    service.published(toEpoch(epoch), `snapshot ${epoch}`)
  }
  const settle = async (): Promise<void> => {
    while (frozen.length > 0) persistNext()
    await publishing
    if (failure !== undefined) throw failure
  }
  const oldestOpen = (): number => (published.at(-1)?.epoch ?? -1) + 1
  const barrier = async (): Promise<void> => {
    frozen.push({
      epoch: working,
      parts: tables.map((table) => table.freeze()),
      model: new Map(model),
    })
    working++
    for (const table of tables) table.openEpoch(working)
    // At most two epochs are not published yet, the new one included.
    if (working - oldestOpen() < 2) seen.inFlight++
    while (working - oldestOpen() >= 2 && failure === undefined) {
      persistNext()
      await publishing
    }
  }
  return {
    async finish() {
      await settle()
      await service.settled()
      await mustHold(tables, model)
    },
    async take(step) {
      if (failure !== undefined) throw failure
      switch (step.type) {
        case 'set':
          tableOf(step.key).set(nameOf(step.key), step.value)
          if (step.value === undefined) model.delete(nameOf(step.key))
          else model.set(nameOf(step.key), step.value)
          break
        case 'read':
          mustBe('read', await tableOf(step.key).get(nameOf(step.key)), model.get(nameOf(step.key)))
          break
        case 'barrier':
          await barrier()
          break
        case 'persist':
          persistNext()
          break
        case 'pause':
          for (let turn = 0; turn < step.turns; turn++) await Promise.resolve()
          break
      }
    },
  }
}

/** Lives of a task: what it does in each, and the request to the disk at which the power fails. */
export interface TaskStateCase {
  readonly lives: readonly { readonly program: readonly Step[]; readonly crashAt: number }[]
  readonly seed: number
  /** Bytes that tables may hold. */
  readonly budget: number
}

export const taskStateCases: fc.Arbitrary<TaskStateCase> = fc.record({
  lives: fc.array(
    fc.record({
      program: fc.array(steps, { minLength: 5, maxLength: 120, size: 'max' }),
      crashAt: fc.nat(500),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  seed: fc.integer(),
  budget: fc.constantFrom(20, 60, 100_000),
})

/**
 * Random epochs with power cuts at random requests to the disk: the newest checkpoint, and every older one, restores
 * to what the state was at its barrier.
 *
 * @throws Error that says what is wrong
 */
export async function restoresAlways(
  { lives, seed, budget }: TaskStateCase,
  seen: Seen,
): Promise<void> {
  const published: Published[] = []
  let disk = virtualFileSystem()
  const random = seededRandom(seed)
  for (const [index, { program, crashAt }] of lives.entries()) {
    const dying = disk.kill({
      random,
      onStep: (name, number) => {
        if (number === crashAt) throw new SimulatedCrash(name)
      },
    })
    const life = { disk: dying, token: index + 1, budget, published, seen }
    try {
      await live(life, program)
      disk = dying.kill()
    } catch (thrown) {
      if (!(thrown instanceof SimulatedCrash)) throw thrown
      seen.crashes++
      disk = dying.crash()
    }
  }
  // Older ones, too, as an authoritative sink may ask for them.
  for (const [index, checkpoint] of published.entries()) {
    const token = lives.length + 1 + index
    const life = { disk, token, budget, published, seen }
    const { service, tables } = await restore(life, checkpoint)
    await mustHold(tables, checkpoint.model)
    await service.close()
  }
  const left = disk.allFiles().filter((path) => path.startsWith('local/'))
  if (published.length > 0) mustBe('what is left of local stores', left, [])
}

function mustBe(what: string, found: unknown, wanted: unknown): void {
  if (isDeepStrictEqual(found, wanted)) return
  throw new Error(`${what}: ${fc.stringify(found)} instead of ${fc.stringify(wanted)}`)
}
