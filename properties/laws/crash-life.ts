import type { DataFrame } from '../../src/dataframe/data-frame.ts'
import { analyze } from '../../src/plan/analyze.ts'
import type { LogicalPlan } from '../../src/plan/logical.ts'
import type { KeptTable } from '../kept-table.ts'
import type { SimulatedClock } from '../simulated-clock.ts'
import { type SimulatedSession, simulatedSession } from '../simulated-session.ts'
import type { Simulation } from '../simulated-system.ts'
import type { DiskFault, VirtualFileSystem } from '../virtual-file-system.ts'
import { memoryInput, ownInput } from './crash-inputs.ts'
import type { CrashSurroundings, SinkUnderCrash, SourceUnderCrash } from './own-parts.ts'
import type { StepWatch } from './step-watch.ts'
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
  /** Some requests to the disk take long: others go first. */
  readonly hasSlowDisk?: boolean
  /** Whether the power fails as the process dies in its so manieth life, from 0. Default: three times in four. */
  readonly cutsPower?: (life: number) => boolean
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
/** What happens to a process; steps are counted from 0. */
export interface Disturbance {
  /** Before this step the power fails, or the process alone is killed. */
  readonly dieAt?: number
  /** What goes wrong with a request to the disk. A query that fails with a `StreamError` ends the life. */
  readonly fault?: (step: number, request: string) => DiskFault | undefined
  /** Called before each step; may set the wall clock. */
  readonly during?: (step: number, clock: SimulatedClock) => void
  /** How often the table lets other things happen before it takes a batch. Default: never. */
  readonly sinkPauses?: number
  /** At this step its query is told to stop; then the last one begins at once. */
  readonly stopAt?: number
  /** Settings of the session that differ in this life. */
  readonly config?: Readonly<Record<string, string | number>>
}

/** What a machine and those around it know over all lives of the process. */
export interface Machine {
  readonly pipeline: CrashPipeline
  readonly seed: number
  readonly table: KeptTable
  disk: VirtualFileSystem | undefined
  readonly ownSink: SinkUnderCrash | undefined
  readonly ownSources: readonly (SourceUnderCrash | undefined)[]
  /** Entries of the log that were deleted, by path. */
  readonly forgotten: Map<string, Uint8Array>
  /** How many items have arrived. */
  arrived: number
  lives: number
  plan: LogicalPlan | undefined
}

/** A process at its beginning, and the promise of its end. */
export function beginLife(
  machine: Machine,
  files: VirtualFileSystem,
  watch: StepWatch,
  { during, sinkPauses = 0, stopAt, config }: Disturbance,
): {
  readonly simulation: Simulation
  readonly end: Promise<void>
  /** How many queries were started. */
  readonly queries: () => number
} {
  const life = machine.lives++
  const { hasSlowDisk = false } = machine.pipeline
  const made = simulatedSession({
    seed: machine.seed + life,
    files,
    life,
    hasSlowDisk,
    config: { ...machine.pipeline.config, ...config },
    onSend: watch.send,
  })
  const { simulation } = made
  const running: RunningQuery = { stop: async () => undefined, wasStopped: false, queries: 0 }
  const stop = async (): Promise<void> => {
    // As any other request it comes between two steps.
    await simulation.pause()
    running.wasStopped = true
    await running.stop()
  }
  if (during !== undefined || stopAt !== undefined) {
    watch.before = (step) => {
      during?.(step, simulation.clock)
      // Why it could not stop is told by the query itself.
      if (step === stopAt) stop().catch(() => undefined)
    }
  }
  const slow = async (): Promise<void> => {
    for (let pauses = 0; pauses < sinkPauses; pauses++) await simulation.pause()
  }
  const { pause } = simulation
  const { step, decided } = watch
  const end = lifeOf(machine, made, { files, step, decided, pause, slow, running })
  return { simulation, end, queries: () => running.queries }
}

/** The query of a life, and the way to stop it. */
interface RunningQuery {
  /** How many there were, with this one. */
  queries: number
  stop: () => Promise<void>
  wasStopped: boolean
}

/** What a process does: goes on with the query, takes in what arrives, and flushes it at the end. */
async function lifeOf(
  machine: Machine,
  { session, simulation }: SimulatedSession,
  here: CrashSurroundings & {
    readonly files: VirtualFileSystem
    readonly slow: () => Promise<void>
    readonly running: RunningQuery
    readonly decided: () => number
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
    await Promise.all(inputs.map((input, index) => input.add(rows[index] ?? [], isAgain)))
  }
  if (pipeline.before !== undefined) await add(pipeline.before, machine.lives > 1)
  for (const rows of pipeline.arrivals.slice(0, machine.arrived)) await add(rows, true)
  const frames = inputs.map((input) => input.frame)
  const tables = (pipeline.tables ?? []).map((each) =>
    session.createDataFrame(each.rows, each.schema),
  )
  const { query: make, reference = make } = pipeline
  // Every life asks the same, of sources with the same names.
  machine.plan ??= analyze(reference(frames, tables).plan)
  const frame = make(frames, tables)
  const writer = () =>
    frame.writeStream
      .outputMode(pipeline.outputMode)
      .options({ ...pipeline.options, ...ownSink?.options })
      .option('checkpointLocation', checkpoint)
      .format(pipeline.sink?.format ?? sink.format)
  const { running } = here
  running.queries += 1
  const query = writer().start(pipeline.sink?.path)
  running.stop = () => query.stop()
  while (machine.arrived < pipeline.arrivals.length) {
    await add(pipeline.arrivals[machine.arrived++] ?? [], false)
    await someTurns(simulation, here.decided)
  }
  await query.processAllAvailable().catch((thrown: unknown) => {
    if (!running.wasStopped) throw thrown
  })
  await query.stop()
  // Another process has taken its place: what it begins anew would be no deed of a zombie.
  if (machine.lives !== lives) return
  running.queries += 1
  const last = writer()
    .trigger({ availableNow: true })
    .option('drain', 'flush')
    .start(pipeline.sink?.path)
  await last.awaitTermination()
}

/** Not to the end of an epoch: the next rows join it while it is not decided, or find it in flight. */
async function someTurns({ pause, chance }: Simulation, decided: () => number): Promise<void> {
  const before = decided()
  const [turnsMax, waits] = chance() < 0.25 ? [6, false] : [100, true]
  for (let turn = 0; turn < turnsMax; turn++) {
    if (waits && decided() > before) return
    await pause()
  }
}
