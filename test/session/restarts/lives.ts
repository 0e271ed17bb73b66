import { simulatedSession } from '../../../properties/simulated-session.ts'
import {
  type VirtualFileSystem,
  virtualFileSystem,
} from '../../../properties/virtual-file-system.ts'
import { StreamError } from '../../../src/core/error.ts'
import type { DataFrame, DataStreamWriter } from '../../../src/dataframe/data-frame.ts'
import type { TriggerOptions } from '../../../src/dataframe/trigger.ts'
import type { Session } from '../../../src/index.ts'

/** One process of a query: what it is in this version of the program. */
export interface Life {
  readonly query: (session: Session) => DataFrame
  readonly mode?: 'append' | 'update' | 'complete'
  readonly config?: Readonly<Record<string, string | number>>
  readonly trigger?: TriggerOptions
  /** Instead of rows for the test. */
  readonly sink?: (writer: DataStreamWriter) => DataStreamWriter
  readonly before?: (files: VirtualFileSystem) => Promise<void>
  /** The query fails with this, and the process ends. */
  readonly fails?: RegExp
}

/** Runs each life over the same checkpoint until it has read everything; the rows that each gave out, as text. */
export async function lives(
  runs: readonly Life[],
  files = virtualFileSystem(),
): Promise<readonly string[][]> {
  const all: string[][] = []
  for (const [life, run] of runs.entries()) {
    const { query, mode = 'append', config = {}, trigger = { availableNow: true }, sink } = run
    await run.before?.(files)
    const { session, simulation } = simulatedSession({ seed: life + 1, files, life, config })
    const rows: string[] = []
    const writer = query(session)
      .writeStream.outputMode(mode)
      .option('checkpointLocation', 'checkpoint')
      .trigger(trigger)
    const into =
      sink?.(writer) ??
      writer.foreachBatch(async (batch) => {
        for (const row of await batch.collect()) rows.push(Object.values(row).map(text).join(' '))
      })
    const running = into.start()
    if (run.fails !== undefined) {
      const failure = await simulation.run(running.awaitTermination().catch(String))
      if (!run.fails.test(String(failure))) throw new Error(`it ended with ${failure}`)
      await simulation.run(session.stop())
    } else if ('availableNow' in trigger) await simulation.run(running.awaitTermination())
    else {
      await simulation.run(running.processAllAvailable())
      await simulation.run(session.stop())
    }
    all.push(rows.sort())
  }
  return all
}

function text(value: unknown): string {
  if (value instanceof Date) return String(value.getTime() / 1000)
  return typeof value === 'object' && value !== null
    ? Object.values(value).map(text).join('-')
    : String(value)
}

/** Why the last life may not go on from the others; fails if it may. */
export async function refusal(...runs: readonly Life[]): Promise<string> {
  const files = virtualFileSystem()
  try {
    await lives(runs, files)
  } catch (problem) {
    if (problem instanceof StreamError && problem.code === 'CHECKPOINT_OTHER_QUERY') {
      return problem.message
    }
    throw problem
  }
  throw new Error('the change was not refused')
}

/** A stream of two integers and a time that is `n` seconds; the rows are `k n`. */
export function pairs(
  session: Session,
  ...rows: readonly (readonly [k: number, n: number])[]
): DataFrame {
  const stream = session.memoryStream('k INT, n INT, t TIMESTAMP')
  stream.addData(rows.map(([k, n]) => [k, n, new Date(n * 1000)]))
  return stream.toDF()
}
