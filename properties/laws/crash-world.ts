import type { FileSystem } from '../../src/core/file-system.ts'
import { seededRandom } from '../../src/core/random.ts'
import type { DataFrame } from '../../src/dataframe/data-frame.ts'
import { analyze } from '../../src/plan/analyze.ts'
import type { LogicalPlan } from '../../src/plan/logical.ts'
import type { Session } from '../../src/session/session.ts'
import { type KeptTable, keptTable } from '../kept-table.ts'
import { type SimulatedSession, simulatedSession } from '../simulated-session.ts'
import {
  SimulatedCrash,
  type VirtualFileSystem,
  virtualFileSystem,
} from '../virtual-file-system.ts'
import type { CrashSurroundings, SinkUnderCrash, SourceUnderCrash } from './own-parts.ts'
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
/** How many partitions a stream in memory has. */
export const partitions = 2

/** A step of a life. */
export interface CrashStep {
  /** What is about to happen, such as `write checkpoint/log/3` or `send ack to coordinator`. */
  readonly name: string
  /** What the coordinator heard last, such as `published`; `starting` before that. */
  readonly phase: string
  /** How many epochs are decided and not committed. */
  readonly inFlight: number
}

/** One machine over all lives of its process: the disk, the table elsewhere, and what has arrived. */
export interface CrashWorld {
  readonly table: KeptTable
  readonly ownSink: SinkUnderCrash | undefined
  readonly ownSources: readonly (SourceUnderCrash | undefined)[]
  /** The disk as the last life left it. */
  disk(): VirtualFileSystem
  /**
   * Runs a process until it ends, or dies before step `dieAt`: then the power fails, or the process alone is
   * killed. Gives its steps: what was asked of the disk and the table, and the messages of actors.
   */
  live(dieAt?: number): Promise<{ readonly died: boolean; readonly steps: readonly CrashStep[] }>
  /** The plan of the last life. */
  plan(): LogicalPlan
  /** The input of each scan by its name in the plan. */
  inputOf(source: string): number
}

/** What a machine and those around it know over all lives of the process. */
interface Machine {
  readonly pipeline: CrashPipeline
  readonly table: KeptTable
  readonly ownSink: SinkUnderCrash | undefined
  readonly ownSources: readonly (SourceUnderCrash | undefined)[]
  /** How many items have arrived. */
  arrived: number
  lives: number
  plan: LogicalPlan | undefined
}

/** A new machine; the seed decides interleavings, names drawn by lot, and what power cuts leave. */
export function crashWorld(pipeline: CrashPipeline, seed: number): CrashWorld {
  const machine: Machine = {
    pipeline,
    table: keptTable(),
    ownSink: pipeline.ownSink?.(),
    ownSources: pipeline.schemas.map((_, index) => pipeline.ownSources?.[index]?.()),
    arrived: 0,
    lives: 0,
    plan: undefined,
  }
  const { table, ownSink, ownSources } = machine
  let current: VirtualFileSystem | undefined

  const live: CrashWorld['live'] = async (dieAt = Number.POSITIVE_INFINITY) => {
    const watch = stepWatch(dieAt)
    const life = machine.lives++
    const random = seededRandom(seed * 31 + life * 7 + Math.min(dieAt, 1e6))
    const isPowerCut = random.next() < 0.75
    const options = { random, onStep: watch.step }
    const files = current === undefined ? virtualFileSystem(options) : current.kill(options)
    const made = simulatedSession({
      seed: seed + life,
      files,
      life,
      config: pipeline.config,
      onSend: watch.send,
    })
    try {
      const end = lifeOf(machine, made, { files, step: watch.step })
      await made.simulation.run(end, { isDead: watch.isDead })
    } catch (thrown) {
      // What a dying process says is heard by nobody.
      if (!watch.isDead()) throw thrown
    }
    const died = watch.isDead()
    current = died && isPowerCut ? files.crash() : files.kill()
    return { died, steps: watch.steps }
  }

  return {
    table,
    ownSink,
    ownSources,
    live,
    disk: () => current ?? virtualFileSystem(),
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

/** What a process does: goes on with the query, takes in what arrives, and flushes it at the end. */
async function lifeOf(
  machine: Machine,
  { session, simulation }: SimulatedSession,
  here: CrashSurroundings & { readonly files: VirtualFileSystem },
): Promise<void> {
  const { pipeline, table, ownSink, ownSources } = machine
  const sink = ownSink?.factory(here) ?? table.sink(here.step)
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
  const last = writer()
    .trigger({ availableNow: true })
    .option('drain', 'flush')
    .start(pipeline.sink?.path)
  await last.awaitTermination()
}

const ownPrefix = 'input-'

interface WorldInput {
  readonly frame: DataFrame
  /** Rows arrive; with `isAgain` they did in an earlier life, which only what lives in memory has forgotten. */
  add(rows: Rows, isAgain: boolean): Promise<void>
}

/** Rows go to the partitions in turn, each arrival beginning at the first. */
function memoryInput(session: Session, schema: string): WorldInput {
  const stream = session.memoryStream(schema, { partitions })
  return {
    frame: stream.toDF(),
    async add(rows) {
      rows.forEach((row, at) => {
        stream.addData([row], { partition: at % partitions })
      })
    },
  }
}

interface OwnInput {
  readonly own: SourceUnderCrash
  readonly index: number
  readonly format: string
  readonly files: FileSystem
}

function ownInput(
  session: Session,
  schema: string,
  { own, index, format, files }: OwnInput,
): WorldInput {
  const reader = session.readStream.format(format).name(`${ownPrefix}${index}`).schema(schema)
  const names = partitionsOf(own)
  return {
    frame: reader.options(own.options ?? {}).load(),
    async add(rows, isAgain) {
      if (isAgain) return
      for (const [at, name] of names.entries()) {
        const share = rows.filter((_, row) => row % names.length === at)
        if (share.length > 0) await own.arrive(share, name, files)
      }
    },
  }
}

/** The partitions of an input, as positions name them. */
export function partitionsOf(own: SourceUnderCrash | undefined): readonly string[] {
  if (own === undefined) return Array.from({ length: partitions }, (_, index) => String(index))
  return own.partitions ?? ['0']
}

interface StepWatch {
  readonly steps: readonly CrashStep[]
  /** Throws if the process dies here. */
  readonly step: (name: string) => void
  /** `false` if the process dies here. */
  readonly send: (actor: string, message: unknown) => boolean
  readonly isDead: () => boolean
}

/** Writes down the steps of a life and ends it before one of them. */
function stepWatch(dieAt: number): StepWatch {
  const steps: CrashStep[] = []
  let died = false
  let phase = 'starting'
  let inFlight = 0
  const take = (name: string): boolean => {
    if (!died && steps.length >= dieAt) died = true
    if (!died) steps.push({ name, phase, inFlight })
    return !died
  }
  return {
    steps,
    isDead: () => died,
    step(name) {
      if (!take(name)) throw new SimulatedCrash(`before ${name}`)
    },
    send(actor, message) {
      const type = typeOf(message)
      const isAlive = take(type === undefined ? `send to ${actor}` : `send ${type} to ${actor}`)
      if (!isAlive || actor !== 'coordinator' || type === undefined) return isAlive
      phase = type
      if (type === 'decided') inFlight += 1
      if (type === 'noted') inFlight = Math.max(0, inFlight - 1)
      return true
    },
  }
}

function typeOf(message: unknown): string | undefined {
  if (typeof message !== 'object' || message === null || !('type' in message)) return undefined
  return typeof message.type === 'string' ? message.type : undefined
}
