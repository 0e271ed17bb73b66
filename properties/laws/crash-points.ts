import { fromRow } from '../../src/batch/edge-row.ts'
import type { Value } from '../../src/batch/value.ts'
import type { FileSystem } from '../../src/core/file-system.ts'
import { joinPath } from '../../src/core/file-system.ts'
import { epoch, micros } from '../../src/core/units.ts'
import type { EpochHeader } from '../../src/flow/message.ts'
import { type LogicalPlan, scansOf } from '../../src/plan/logical.ts'
import type { Manifest } from '../../state/manifest.ts'
import { decidedEpochs, logEntries } from '../logged-epochs.ts'
import {
  type CrashPipeline,
  type CrashWorld,
  checkpoint,
  crashWorld,
  partitions,
} from './crash-world.ts'
import { checkHeaders, expectedEpochs } from './expected-epochs.ts'
import { mustBeSameRows } from './same-rows.ts'
import { type InputRows, rowsOfAll } from './stream-run.ts'

type Row = readonly Value[]

/** Which crashes are tried. */
export interface ExactlyOnceOptions {
  readonly seed: number
  /** Tries only steps of which this is true. Default: all of them. */
  readonly only?: (step: string) => boolean
  /** A second crash, while the process comes up again: after every so manieth first crash … */
  readonly secondAfterEvery?: number
  /** … before every so manieth step of the restart. Default 7. */
  readonly secondEvery?: number
  /** Checks what else is to be seen at the end, by the epochs that were decided; throws if it is wrong. */
  readonly also?: (end: CrashEnd) => Promise<void>
  /** Reads the rows that are visible on the disk, for pipelines with a sink of their own. */
  readonly visible?: (files: FileSystem) => Promise<readonly Row[]>
}

/** A machine at the end of all its lives. */
export interface CrashEnd {
  readonly files: FileSystem
  readonly plan: LogicalPlan
  readonly headers: readonly EpochHeader[]
  /** By the name of the source in the plan. */
  readonly inputs: ReadonlyMap<string, InputRows>
}

/** What was tried, all of it with success. */
export interface ExactlyOnceReport {
  readonly steps: number
  readonly crashes: number
  readonly doubleCrashes: number
}

/**
 * Whatever the moment at which the power fails, every row counts once. The pipeline runs once to
 * count its steps (each request to the disk and to the table, each message of an actor); then, for each
 * step, a new world dies before it, finds what the power cut left of its disk, and runs to the end. Its
 * output must be exactly what the reference gives for the epochs in its log, and, for appended rows,
 * what the run without a crash gave; nothing may be left over.
 *
 * @throws Error that names the step and the seed
 */
export async function exactlyOnce(
  pipeline: CrashPipeline,
  { seed, only = () => true, secondAfterEvery, secondEvery = 7, ...checks }: ExactlyOnceOptions,
): Promise<ExactlyOnceReport> {
  const smooth = crashWorld(pipeline, seed)
  const { steps } = await smooth.live()
  const judge = judgeOf(pipeline, checks)
  const reference = await judge(smooth, undefined)
  let crashes = 0
  let doubleCrashes = 0
  const attempt = async (dieAt: readonly Moment[]): Promise<readonly string[]> => {
    const world = crashWorld(pipeline, seed)
    try {
      for (const { at } of dieAt) {
        if (!(await world.live(at)).died) return []
      }
      const last = await world.live()
      await judge(world, reference)
      return last.steps
    } catch (cause) {
      const where = dieAt.map(({ at, name }) => `before step ${at}, ${name}`).join('; then ')
      throw new Error(`${pipeline.name}, seed ${seed}, died ${where}: ${String(cause)}`, { cause })
    }
  }
  for (const [at, name] of steps.entries()) {
    if (!only(name)) continue
    const restart = await attempt([{ at, name }])
    crashes += 1
    if (secondAfterEvery === undefined || at % secondAfterEvery !== 0) continue
    for (let second = 0; second < restart.length; second += secondEvery) {
      await attempt([
        { at, name },
        { at: second, name: restart[second] ?? '' },
      ])
      doubleCrashes += 1
    }
  }
  return { steps: steps.length, crashes, doubleCrashes }
}

/** A step of a life, by number and name. */
interface Moment {
  readonly at: number
  readonly name: string
}

type Judge = (world: CrashWorld, reference: readonly Row[] | undefined) => Promise<readonly Row[]>

/** Checks a world that has come to its end, and gives its whole output. */
function judgeOf(
  pipeline: CrashPipeline,
  { visible, also }: Pick<ExactlyOnceOptions, 'visible' | 'also'>,
): Judge {
  return async (world, reference) => {
    const files = world.disk()
    const entries = await logEntries(files, checkpoint)
    const inputs = inputsOf(pipeline, world)
    const isPruned = entries[0]?.type !== 'attempt'
    const headers = isPruned ? [everything(inputs)] : decidedEpochs(entries)
    if (!isPruned) checkHeaders(world.plan(), headers, inputs)
    if (!isPruned) await also?.({ files, plan: world.plan(), headers, inputs })
    const plan = world.plan()
    const dropsBad = (pipeline.options?.['badRows'] ?? 'fail') !== 'fail'
    const { epochs, lost } = expectedEpochs(plan, pipeline.outputMode, headers, inputs, {
      dropsBad,
    })
    const output = visible === undefined ? committed(world) : await visible(files)
    if (visible === undefined && !isPruned) mustBeEpochs(world, epochs)
    mustBeSameRows('the whole output', output, epochs.flat())
    // What is late depends on how rows fell into epochs, which a crash may change.
    if (reference !== undefined && pipeline.outputMode === 'append' && !lost) {
      mustBeSameRows('the output with and without a crash', output, reference)
    }
    const manifests = entries.flatMap((each) => (each.type === 'manifest' ? [each.manifest] : []))
    const { sink, folders = [] } = pipeline
    await mustBeTidy(world, manifests, sink === undefined ? folders : [sink.path, ...folders])
    return output
  }
}

/** The epoch that stands for all of them where the log has forgotten its beginning. */
function everything(inputs: ReadonlyMap<string, InputRows>): EpochHeader {
  const at = (number: (rows: readonly Row[]) => number, { partitions: all }: InputRows) =>
    Object.fromEntries(all.map((rows, index) => [String(index), number(rows)]))
  const ranges = [...inputs].map(([source, input]) => {
    return [source, { from: at(() => 0, input), to: at(({ length }) => length, input) }] as const
  })
  return {
    epoch: epoch(0),
    lateWatermark: micros(0),
    evictWatermark: micros(Number.MAX_SAFE_INTEGER),
    processingTime: micros(0),
    idle: [],
    ranges: Object.fromEntries(ranges),
    flush: true,
  }
}

function committed(world: CrashWorld): readonly Row[] {
  const found = world.table.epochs()
  if (found.some((each, index) => each.epoch !== index)) {
    throw new Error(`committed were the epochs ${found.map((each) => each.epoch).join(', ')}`)
  }
  return found.flatMap(({ batches }) => rowsOfAll(batches))
}

function mustBeEpochs(world: CrashWorld, expected: readonly (readonly Row[])[]): void {
  const found = world.table.epochs()
  if (found.length !== expected.length) {
    throw new Error(`${expected.length} epochs were decided, and ${found.length} committed`)
  }
  found.forEach(({ batches }, index) => {
    mustBeSameRows(`epoch ${index}`, rowsOfAll(batches), expected[index] ?? [])
  })
}

function inputsOf(
  { before, arrivals }: CrashPipeline,
  world: CrashWorld,
): ReadonlyMap<string, InputRows> {
  const inputs = new Map<string, InputRows>()
  // Scans are numbered in the order in which the streams were made.
  for (const { source, schema } of scansOf(world.plan())) {
    const index = Number(source.split('-').at(-1))
    const rows: Row[][] = Array.from({ length: partitions }, () => [])
    for (const arrival of before === undefined ? arrivals : [before, ...arrivals]) {
      arrival[index]?.forEach((row, at) => {
        rows[at % partitions]?.push(fromRow(schema, row))
      })
    }
    inputs.set(source, { schema, partitions: rows })
  }
  return inputs
}

/** Nothing half done lies about: no transaction, no held lock, no file that no checkpoint names. */
async function mustBeTidy(
  world: CrashWorld,
  manifests: readonly Manifest[],
  folders: readonly string[],
): Promise<void> {
  const open = world.table.open()
  if (open.length > 0) throw new Error(`transactions were left open: ${open.join(', ')}`)
  const files = world.disk()
  const lock = new TextDecoder().decode(await files.read(joinPath(checkpoint, 'lock')))
  if (!lock.includes('"released":true')) throw new Error(`the lock is still held: ${lock}`)
  const named = JSON.stringify(manifests)
  for (const path of files.allFiles()) {
    const isOutput = folders.some((folder) => path.startsWith(`${folder}/`))
    if (isOutput && !path.includes('/hidden/')) continue
    const name = path.slice(checkpoint.length + 1)
    if (name === 'lock' || /^log\/(?:first-)?\d+$/.test(name)) continue
    if (!named.includes(JSON.stringify(name))) throw new Error(`${path} was left over`)
  }
}
