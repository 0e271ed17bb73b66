import { seededRandom } from '../../src/core/random.ts'
import type { DataFrame } from '../../src/dataframe/data-frame.ts'
import { analyze } from '../../src/plan/analyze.ts'
import type { LogicalPlan } from '../../src/plan/logical.ts'
import type { MemoryInput } from '../../src/session/session.ts'
import { type KeptTable, keptTable } from '../kept-table.ts'
import { type SimulatedSession, simulatedSession } from '../simulated-session.ts'
import {
  SimulatedCrash,
  type VirtualFileSystem,
  virtualFileSystem,
} from '../virtual-file-system.ts'

/** A query with its whole input, to be run over and over with a crash somewhere. */
export interface CrashPipeline {
  readonly name: string
  /** Columns of each input as DDL. */
  readonly schemas: readonly string[]
  /** Rows of every input that are there before the query first starts. */
  readonly before?: readonly (readonly (readonly unknown[])[])[]
  /** What arrives: one item after the other, each with rows for every input. */
  readonly arrivals: readonly (readonly (readonly (readonly unknown[])[])[])[]
  readonly query: (inputs: readonly DataFrame[]) => DataFrame
  /** The same query in words of the reference, as in `StreamQuery`. Default: the query itself. */
  readonly reference?: (inputs: readonly DataFrame[]) => DataFrame
  readonly outputMode: 'append' | 'update'
  /** Settings of the session. */
  readonly config: Readonly<Record<string, string | number>>
  /** Options of the writer. */
  readonly options?: Readonly<Record<string, string>>
  /** Folders that these options name. */
  readonly folders?: readonly string[]
  /** A format and its options; without it the rows go to a `KeptTable`. */
  readonly sink?: { readonly format: string; readonly path: string }
}

export const checkpoint = 'checkpoint'
export const partitions = 2

/** One machine over all lives of its process: the disk, the table elsewhere, and what has arrived. */
export interface CrashWorld {
  readonly table: KeptTable
  /** The disk as the last life left it. */
  disk(): VirtualFileSystem
  /**
   * Runs a process until it ends, or dies before step `dieAt`; then the power fails. Gives the names
   * of its steps: what was asked of the disk and the table, and the messages of actors.
   */
  live(dieAt?: number): Promise<{ readonly died: boolean; readonly steps: readonly string[] }>
  /** The plan of the last life, and its streams by the name of their source. */
  plan(): LogicalPlan
}

/** A new machine; the seed decides interleavings, names drawn by lot, and what power cuts leave. */
export function crashWorld(pipeline: CrashPipeline, seed: number): CrashWorld {
  const table = keptTable()
  let arrived = 0
  let life = 0
  let current: VirtualFileSystem | undefined
  let plan: LogicalPlan | undefined

  const live: CrashWorld['live'] = async (dieAt = Number.POSITIVE_INFINITY) => {
    const steps: string[] = []
    let died = false
    const step = (name: string): void => {
      if (!died && steps.length >= dieAt) died = true
      if (died) throw new SimulatedCrash(`before ${name}`)
      steps.push(name)
    }
    const random = seededRandom(seed * 31 + life * 7 + Math.min(dieAt, 1e6))
    const options = { random, onStep: step }
    const files = current === undefined ? virtualFileSystem(options) : current.kill(options)
    const made = simulatedSession({
      seed: seed + life,
      files,
      life: life++,
      config: pipeline.config,
      onSend(actor) {
        if (!died && steps.length >= dieAt) died = true
        if (!died) steps.push(`send to ${actor}`)
        return !died
      },
    })
    const isDead = (): boolean => died
    try {
      await made.simulation.run(workOf(made), { isDead })
    } catch (thrown) {
      // What a dying process says is heard by nobody.
      if (!died) throw thrown
    }
    current = died ? files.crash() : files.kill()
    return { died, steps }

    async function workOf({ session, simulation }: SimulatedSession): Promise<void> {
      session.register({ sink: table.sink(step) })
      const streams = pipeline.schemas.map((schema) => session.memoryStream(schema, { partitions }))
      if (pipeline.before !== undefined) add(streams, pipeline.before)
      for (const rows of pipeline.arrivals.slice(0, arrived)) add(streams, rows)
      const frames = streams.map((stream) => stream.toDF())
      const { query: make, reference = make } = pipeline
      plan = analyze(reference(frames).plan)
      const frame = make(frames)
      const query = writerOf(pipeline, frame).start(pipeline.sink?.path)
      while (arrived < pipeline.arrivals.length) {
        add(streams, pipeline.arrivals[arrived++] ?? [])
        // Not to its end: the next rows find epochs in flight.
        for (let pauses = 0; pauses < 12; pauses++) await simulation.pause()
      }
      await query.processAllAvailable()
      await query.stop()
      const last = writerOf(pipeline, frame)
        .trigger({ availableNow: true })
        .option('drain', 'flush')
        .start(pipeline.sink?.path)
      await last.awaitTermination()
    }
  }

  return {
    table,
    live,
    disk: () => current ?? virtualFileSystem(),
    plan() {
      if (plan === undefined) throw new Error('nothing has lived yet')
      return plan
    },
  }
}

function writerOf({ outputMode, sink, options = {} }: CrashPipeline, frame: DataFrame) {
  return frame.writeStream
    .outputMode(outputMode)
    .options(options)
    .option('checkpointLocation', checkpoint)
    .format(sink?.format ?? 'kept')
}

/** Rows go to the partitions in turn, each arrival beginning at the first. */
function add(
  streams: readonly MemoryInput[],
  rows: readonly (readonly (readonly unknown[])[])[],
): void {
  streams.forEach((stream, index) => {
    rows[index]?.forEach((row, at) => {
      stream.addData([row], { partition: at % partitions })
    })
  })
}
