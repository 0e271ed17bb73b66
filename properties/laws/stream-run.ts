import type { Batch } from '../../src/batch/batch.ts'
import { fromRow } from '../../src/batch/edge-row.ts'
import { rowsOf } from '../../src/batch/read.ts'
import type { Schema } from '../../src/batch/schema.ts'
import type { Value } from '../../src/batch/value.ts'
import type { DataFrame } from '../../src/dataframe/data-frame.ts'
import type { StreamingQuery } from '../../src/dataframe/streaming-query.ts'
import type { EpochHeader } from '../../src/flow/message.ts'
import { analyze } from '../../src/plan/analyze.ts'
import { type LogicalPlan, scansOf, schemaOf } from '../../src/plan/logical.ts'
import type { MemoryInput, Session } from '../../src/session/session.ts'
import { type KeptEpoch, keptTable } from '../kept-table.ts'
import { decidedEpochs, logEntries } from '../logged-epochs.ts'
import { publishedLines } from '../published-lines.ts'
import { type SimulatedSession, simulatedSession } from '../simulated-session.ts'
import { virtualFileSystem } from '../virtual-file-system.ts'
import { type StorageChoice, storageConfig } from './storage-choice.ts'
import type { StreamQuery } from './stream-query.ts'

/** Rows that arrive at one moment, and what happens then. */
export interface Arrival {
  /** New rows of each input, in the order of its columns. */
  readonly rows: readonly (readonly (readonly unknown[])[])[]
  /** Waits until everything was taken in; without it rows meet an epoch that still runs. */
  readonly settles: boolean
  /** Afterwards the query stops, and another process goes on with so many lanes. */
  readonly lanesAfter: number | undefined
}

/** One way in which a stream may come about. */
export interface Schedule extends StorageChoice {
  readonly arrivals: readonly Arrival[]
  readonly lanes: number
  readonly epochsInFlight: number
  readonly seed: number
}

type Row = readonly Value[]

/** Rows of an input by partition, in order of arrival. */
export interface InputRows {
  readonly schema: Schema
  readonly partitions: readonly (readonly Row[])[]
}

/** Everything there is to say about a stream that ran to its end. */
export interface StreamOutcome {
  /** The plan as it was analysed, not optimised. */
  readonly plan: LogicalPlan
  /** By the name of the source in the plan. */
  readonly inputs: ReadonlyMap<string, InputRows>
  readonly headers: readonly EpochHeader[]
  readonly committed: readonly KeptEpoch[]
  /** What readers of the option `lateRowsPath` find, line by line. */
  readonly lateLines: readonly string[]
  /** What the same query answers over all rows as a batch. */
  readonly batchAnswer: readonly Row[]
}

const checkpoint = 'checkpoint'
const lateRows = 'late-rows'

/** Runs a query over the arrivals, in as many lives as they ask for, and then flushes what is left. */
export async function runStream(query: StreamQuery, schedule: Schedule): Promise<StreamOutcome> {
  const files = virtualFileSystem()
  const table = keptTable()
  const arrived: (readonly unknown[])[][] = query.inputs.map(() => [])
  let { lanes } = schedule
  let life = 0
  const begin = (): Life => {
    const { epochsInFlight, hasSlowDisk } = schedule
    const config = { ...storageConfig(schedule), lanes, epochsInFlight, allowUnbounded: 'true' }
    const made = simulatedSession({
      seed: schedule.seed + life,
      files,
      life,
      hasSlowDisk,
      config,
    })
    life += 1
    made.session.register({ sink: table.sink() })
    const streams = query.inputs.map(({ schema, partitions = 1 }, index) => {
      const stream = made.session.memoryStream(schema, { partitions })
      feed(stream, arrived[index] ?? [], { from: 0, partitions })
      return stream
    })
    const frames = streams.map((stream) => stream.toDF())
    const tables = tablesOf(query, made.session)
    const { query: make, reference = make } = query
    return {
      ...made,
      streams,
      frame: make(frames, tables),
      reference: () => analyze(reference(frames, tables).plan),
    }
  }
  const writer = ({ frame }: Life) =>
    frame.writeStream
      .outputMode(query.outputMode)
      .option('checkpointLocation', checkpoint)
      .option('lateRowsPath', lateRows)
      .format('kept')

  let current = begin()
  let running: StreamingQuery | undefined
  for (const { rows, settles, lanesAfter } of schedule.arrivals) {
    running ??= writer(current).start()
    const { simulation } = current
    query.inputs.forEach(({ partitions = 1 }, index) => {
      const known = arrived[index] ?? []
      const added = rows[index] ?? []
      const stream = current.streams[index]
      if (stream !== undefined) feed(stream, added, { from: known.length, partitions })
      known.push(...added)
    })
    if (settles) await simulation.run(running.processAllAvailable())
    else for (let pauses = 0; pauses < 20; pauses++) await simulation.run(simulation.pause())
    if (lanesAfter === undefined) continue
    await simulation.run(current.session.stop())
    lanes = lanesAfter
    current = begin()
    running = undefined
  }
  if (running !== undefined) {
    await current.simulation.run(current.session.stop())
    current = begin()
  }
  const last = writer(current).trigger({ availableNow: true }).option('drain', 'flush').start()
  await current.simulation.run(last.awaitTermination())

  const plan = current.reference()
  return {
    plan,
    inputs: inputRows(query, plan, current.streams, arrived),
    headers: decidedEpochs(await logEntries(files, checkpoint)),
    committed: table.epochs(),
    lateLines: await publishedLines(files, lateRows),
    batchAnswer: await batchAnswer(query, current, arrived),
  }
}

function tablesOf({ tables = [] }: StreamQuery, session: Session): readonly DataFrame[] {
  return tables.map(({ schema, rows }) => session.createDataFrame(rows, schema))
}

interface Life extends SimulatedSession {
  readonly session: Session
  readonly streams: readonly MemoryInput[]
  readonly frame: DataFrame
  /** The plan that the reference works out. */
  readonly reference: () => LogicalPlan
}

/** Rows go to the partitions in turn, counted from the first row of the stream. */
function feed(
  stream: MemoryInput,
  rows: readonly (readonly unknown[])[],
  at: { readonly from: number; readonly partitions: number },
): void {
  rows.forEach((row, index) => {
    stream.addData([row], { partition: (at.from + index) % at.partitions })
  })
}

function inputRows(
  query: StreamQuery,
  plan: LogicalPlan,
  streams: readonly MemoryInput[],
  arrived: readonly (readonly (readonly unknown[])[])[],
): ReadonlyMap<string, InputRows> {
  const inputs = new Map<string, InputRows>()
  const handles: readonly unknown[] = streams
  for (const scan of scansOf(plan)) {
    const index = handles.indexOf(scan.handle)
    const count = query.inputs[index]?.partitions ?? 1
    const partitions: Row[][] = Array.from({ length: count }, () => [])
    arrived[index]?.forEach((row, at) => {
      partitions[at % count]?.push(fromRow(scan.schema, row))
    })
    inputs.set(scan.source, { schema: scan.schema, partitions })
  }
  return inputs
}

async function batchAnswer(
  query: StreamQuery,
  { session, simulation }: Life,
  arrived: readonly (readonly (readonly unknown[])[])[],
): Promise<readonly Row[]> {
  const frames = query.inputs.map(({ schema }, index) =>
    session.createDataFrame(arrived[index] ?? [], schema),
  )
  const frame = query.query(frames, tablesOf(query, session))
  const schema = schemaOf(analyze(frame.plan))
  const rows = (await simulation.run(frame.collect())) ?? []
  return rows.map((row) => fromRow(schema, row))
}

/** The live rows of batches, as lists of values. */
export function rowsOfAll(batches: readonly Batch[]): readonly Row[] {
  return batches.flatMap((batch) => rowsOf(batch))
}
