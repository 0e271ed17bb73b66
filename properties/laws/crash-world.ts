import { StreamError } from '../../src/core/error.ts'
import { type Random, seededRandom } from '../../src/core/random.ts'
import type { DataFrame } from '../../src/dataframe/data-frame.ts'
import { analyze } from '../../src/plan/analyze.ts'
import type { LogicalPlan } from '../../src/plan/logical.ts'
import { type KeptTable, keptTable } from '../kept-table.ts'
import type { SimulatedClock } from '../simulated-clock.ts'
import { type SimulatedSession, simulatedSession } from '../simulated-session.ts'
import type { Simulation } from '../simulated-system.ts'
import {
  type DiskFault,
  type VirtualDiskOptions,
  type VirtualFileSystem,
  virtualFileSystem,
} from '../virtual-file-system.ts'
import { memoryInput, ownInput, ownPrefix } from './crash-inputs.ts'
import type { CrashSurroundings, SinkUnderCrash, SourceUnderCrash } from './own-parts.ts'
import { type CrashStep, type StepWatch, stepWatch } from './step-watch.ts'
import type { StreamTable } from './stream-query.ts'

type Rows = readonly (readonly unknown[])[]

/** A query with its whole input, to be run over and over with a crash somewhere. */
export interface CrashPipeline {
  readonly name: string
  /** Columns of each input as DDL. */
  readonly schemas: readonly string[]
  /** Rows of every input that are there before the query first starts. */
  readonly before?: readonly Rows[]
  /** What arrives: one item after the other, each with rows for every input. */
  readonly arrivals: readonly (readonly Rows[])[]
  /** Frames that do not stream. */
  readonly tables?: readonly StreamTable[]
  readonly query: (inputs: readonly DataFrame[], tables: readonly DataFrame[]) => DataFrame
  /** The same query in words of the reference, as in `StreamQuery`. Default: the query itself. */
  readonly reference?: CrashPipeline['query']
  readonly outputMode: 'append' | 'update' | 'complete'
  /** Settings of the session. */
  readonly config: Readonly<Record<string, string | number>>
  /** Options of the writer. */
  readonly options?: Readonly<Record<string, string>>
  /** Folders that these options name. */
  readonly folders?: readonly string[]
  /** A format and its options; without it the rows go to a `KeptTable`. */
  readonly sink?: { readonly format: string; readonly path: string }
  /** A sink of one's own instead. */
  readonly ownSink?: () => SinkUnderCrash
  /** By number of the input: a source of one's own instead of a stream in memory. */
  readonly ownSources?: readonly ((() => SourceUnderCrash) | undefined)[]
}

export const checkpoint = 'checkpoint'
/** One machine over all lives of its process: the disk, the table elsewhere, and what has arrived. */
export interface CrashWorld {
  readonly table: KeptTable
  readonly ownSink: SinkUnderCrash | undefined
  readonly ownSources: readonly (SourceUnderCrash | undefined)[]
  /** The disk as the last life left it. */
  disk(): VirtualFileSystem
  /** Runs a process until it ends, or dies, or its query fails on a bad disk. */
  live(disturbance?: Disturbance): Promise<Life>
  /** Runs a process up to a step and stops it there, so that another may take its place. */
  sleepAt(step: number): Promise<Sleeper>
  /** Runs a process to its end, and keeps what a death before any of its steps would have left. */
  liveAndKeep(): Promise<KeptLife>
  /** The plan of the last life. */
  plan(): LogicalPlan
  /** The input of each scan by its name in the plan. */
  inputOf(source: string): number
}

/** What happens to a process; steps are counted from 0. */
export interface Disturbance {
  /** Before this step the power fails, or the process alone is killed. */
  readonly dieAt?: number
  /** What goes wrong with a request to the disk. A query that fails with a `StreamError` ends the life. */
  readonly fault?: (step: number) => DiskFault | undefined
  /** Called before each step; may set the wall clock. */
  readonly during?: (step: number, clock: SimulatedClock) => void
  /** How often the table lets other things happen before it takes a batch. Default: never. */
  readonly sinkPauses?: number
}

/** What a process did. */
export interface Life {
  readonly died: boolean
  /** What it asked of the disk and the table, and the messages of its actors. */
  readonly steps: readonly CrashStep[]
  /** Why its query failed, on a disk with faults. */
  readonly error: StreamError | undefined
}

/** A process that was stopped. */
export interface Sleeper {
  /** `false`: it came to its end before. */
  readonly sleeps: boolean
  /** Lets it go on until it ends, fails, or has nothing to do; gives the steps that it took. */
  wake(): Promise<readonly CrashStep[]>
}

/** A life that was seen from all its steps. */
export interface KeptLife extends Life {
  /**
   * The world that a death before a step leaves. `undefined` with parts of one's own: what these have outside
   * cannot be copied, so the process has to live and die again.
   */
  worldAt(step: number): CrashWorld | undefined
}

/** What a machine and those around it know over all lives of the process. */
interface Machine {
  readonly pipeline: CrashPipeline
  readonly seed: number
  readonly table: KeptTable
  disk: VirtualFileSystem | undefined
  readonly ownSink: SinkUnderCrash | undefined
  readonly ownSources: readonly (SourceUnderCrash | undefined)[]
  /** How many items have arrived. */
  arrived: number
  lives: number
  plan: LogicalPlan | undefined
}

/** A new machine; the seed decides interleavings, names drawn by lot, and what power cuts leave. */
export function crashWorld(pipeline: CrashPipeline, seed: number): CrashWorld {
  return worldOf({
    pipeline,
    seed,
    table: keptTable(),
    disk: undefined,
    ownSink: pipeline.ownSink?.(),
    ownSources: pipeline.schemas.map((_, index) => pipeline.ownSources?.[index]?.()),
    arrived: 0,
    lives: 0,
    plan: undefined,
  })
}

function worldOf(machine: Machine): CrashWorld {
  const { table, ownSink, ownSources } = machine
  return {
    table,
    ownSink,
    ownSources,
    async live(disturbance = {}) {
      const { dieAt = Number.POSITIVE_INFINITY, fault } = disturbance
      const death = deathOf(machine, dieAt)
      const watch = stepWatch(dieAt)
      const files = diskOf(machine, {
        random: death.random,
        onStep: watch.step,
        ...(fault === undefined ? {} : { fault: () => fault(watch.steps.length - 1) }),
      })
      const error = await runLife(machine, files, watch, disturbance)
      const died = watch.isDead()
      machine.disk = died ? death.leaves(files) : files.kill()
      return { died, steps: watch.steps, error }
    },
    async sleepAt(step) {
      const watch = stepWatch(Number.POSITIVE_INFINITY)
      const files = diskOf(machine, { onStep: watch.step })
      const { simulation, end } = beginLife(machine, files, watch, {})
      // What it says when nobody listens any more is not looked at.
      end.catch(() => undefined)
      await simulation.run(end, { isDead: () => watch.steps.length >= step })
      machine.disk = files.kill()
      return {
        sleeps: watch.steps.length >= step,
        async wake() {
          const before = watch.steps.length
          await simulation.run(end).catch(() => undefined)
          return watch.steps.slice(before)
        },
      }
    },
    async liveAndKeep() {
      const worlds: (() => CrashWorld)[] = []
      const { lives } = machine
      const isOwn = ownSink !== undefined || ownSources.some((own) => own !== undefined)
      const watch = stepWatch(Number.POSITIVE_INFINITY)
      const files = diskOf(machine, { onStep: watch.step })
      if (!isOwn) watch.before = (step) => worlds.push(kept(machine, files, { lives, step }))
      await runLife(machine, files, watch, {})
      machine.disk = files.kill()
      const worldAt = (step: number): CrashWorld | undefined => worlds[step]?.()
      return { died: false, steps: watch.steps, error: undefined, worldAt }
    },
    disk: () => machine.disk ?? virtualFileSystem(),
    plan() {
      if (machine.plan === undefined) throw new Error('nothing has lived yet')
      return machine.plan
    },
    inputOf(source) {
      // Streams in memory are numbered in the order in which they were made.
      const number = Number(source.split('-').at(-1))
      if (source.startsWith(ownPrefix)) return number
      return [...ownSources.keys()].filter((at) => ownSources[at] === undefined)[number] ?? 0
    },
  }
}

/** Where a process dies: before which step of which life. */
interface DeathPlace {
  readonly seed: number
  /** How many lives there were before. */
  readonly lives: number
}

/** How a death before a step comes: with a power cut or without, and what that leaves. */
function deathOf(
  { seed, lives }: DeathPlace,
  step: number,
): { readonly random: Random; readonly leaves: (files: VirtualFileSystem) => VirtualFileSystem } {
  const random = seededRandom(seed * 31 + lives * 7 + Math.min(step, 1e6))
  const isPowerCut = random.next() < 0.75
  return { random, leaves: (files) => (isPowerCut ? files.crash() : files.kill()) }
}

function diskOf({ disk }: Machine, options: VirtualDiskOptions): VirtualFileSystem {
  return disk === undefined ? virtualFileSystem(options) : disk.kill(options)
}

/** What there is at this moment, as the world after a death here. */
function kept(
  machine: Machine,
  files: VirtualFileSystem,
  { lives, step }: { readonly lives: number; readonly step: number },
): () => CrashWorld {
  const { seed, arrived, plan } = machine
  const disk = files.twin()
  const table = machine.table.twin()
  return () => {
    const death = deathOf({ seed, lives }, step)
    const left = death.leaves(disk.twin({ random: death.random }))
    return worldOf({ ...machine, table: table.twin(), disk: left, arrived, lives: lives + 1, plan })
  }
}

/** One life of the process: to its end, or until it dies; the answer is why its query failed on a bad disk. */
async function runLife(
  machine: Machine,
  files: VirtualFileSystem,
  watch: StepWatch,
  disturbance: Disturbance,
): Promise<StreamError | undefined> {
  const { simulation, end } = beginLife(machine, files, watch, disturbance)
  try {
    await simulation.run(end, { isDead: watch.isDead })
  } catch (thrown) {
    if (disturbance.fault !== undefined && thrown instanceof StreamError) return thrown
    // What a dying process says is heard by nobody.
    if (!watch.isDead()) throw thrown
  }
  return undefined
}

/** A process at its beginning, and the promise of its end. */
function beginLife(
  machine: Machine,
  files: VirtualFileSystem,
  watch: StepWatch,
  { during, sinkPauses = 0 }: Disturbance,
): { readonly simulation: Simulation; readonly end: Promise<void> } {
  const life = machine.lives++
  const made = simulatedSession({
    seed: machine.seed + life,
    files,
    life,
    config: machine.pipeline.config,
    onSend: watch.send,
  })
  const { simulation } = made
  if (during !== undefined) watch.before = (step) => during(step, simulation.clock)
  const slow = async (): Promise<void> => {
    for (let pauses = 0; pauses < sinkPauses; pauses++) await simulation.pause()
  }
  const end = lifeOf(machine, made, { files, step: watch.step, slow })
  return { simulation, end }
}

/** What a process does: goes on with the query, takes in what arrives, and flushes it at the end. */
async function lifeOf(
  machine: Machine,
  { session, simulation }: SimulatedSession,
  here: CrashSurroundings & {
    readonly files: VirtualFileSystem
    readonly slow: () => Promise<void>
  },
): Promise<void> {
  const { pipeline, table, ownSink, ownSources, lives } = machine
  const sink = ownSink?.factory(here) ?? table.sink(here.step, here.slow)
  session.register({ sink })
  const inputs = pipeline.schemas.map((schema, index) => {
    const own = ownSources[index]
    if (own === undefined) return memoryInput(session, schema)
    const factory = own.factory(here)
    session.register({ source: factory })
    // Whoever writes there is another machine, which goes on when this one dies.
    const files = here.files.kill()
    return ownInput(session, schema, { own, index, format: factory.format, files })
  })
  const add = async (rows: readonly Rows[], isAgain: boolean): Promise<void> => {
    for (const [index, input] of inputs.entries()) await input.add(rows[index] ?? [], isAgain)
  }
  if (pipeline.before !== undefined) await add(pipeline.before, machine.lives > 1)
  for (const rows of pipeline.arrivals.slice(0, machine.arrived)) await add(rows, true)
  const frames = inputs.map((input) => input.frame)
  const tables = (pipeline.tables ?? []).map((each) =>
    session.createDataFrame(each.rows, each.schema),
  )
  const { query: make, reference = make } = pipeline
  machine.plan = analyze(reference(frames, tables).plan)
  const frame = make(frames, tables)
  const writer = () =>
    frame.writeStream
      .outputMode(pipeline.outputMode)
      .options({ ...pipeline.options, ...ownSink?.options })
      .option('checkpointLocation', checkpoint)
      .format(pipeline.sink?.format ?? sink.format)
  const query = writer().start(pipeline.sink?.path)
  while (machine.arrived < pipeline.arrivals.length) {
    await add(pipeline.arrivals[machine.arrived++] ?? [], false)
    // Not to its end: the next rows find epochs in flight.
    for (let pauses = 0; pauses < 12; pauses++) await simulation.pause()
  }
  await query.processAllAvailable()
  await query.stop()
  // Another process has taken its place: what it begins anew would be no deed of a zombie.
  if (machine.lives !== lives) return
  const last = writer()
    .trigger({ availableNow: true })
    .option('drain', 'flush')
    .start(pipeline.sink?.path)
  await last.awaitTermination()
}
