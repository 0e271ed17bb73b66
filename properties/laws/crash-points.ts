import { fromRow } from '../../src/batch/edge-row.ts'
import type { Value } from '../../src/batch/value.ts'
import type { FileSystem } from '../../src/core/file-system.ts'
import { joinPath } from '../../src/core/file-system.ts'
import { epoch, micros } from '../../src/core/units.ts'
import type { EpochHeader, Position } from '../../src/flow/message.ts'
import { type LogicalPlan, scansOf, schemaOf } from '../../src/plan/logical.ts'
import type { Manifest } from '../../state/manifest.ts'
import { decidedEpochs, logEntries } from '../logged-epochs.ts'
import {
  type CrashPipeline,
  type CrashStep,
  type CrashWorld,
  checkpoint,
  crashWorld,
  partitionsOf,
} from './crash-world.ts'
import { checkHeaders, expectedEpochs } from './expected-epochs.ts'
import type { SourceUnderCrash } from './own-parts.ts'
import { mustBeSameRows } from './same-rows.ts'
import { type InputRows, rowsOfAll } from './stream-run.ts'

type Row = readonly Value[]

/** Which crashes are tried. */
export interface CrashPointOptions {
  readonly seed: number
  /** Tries only steps of which this is true. Default: all of them. */
  readonly only?: (step: string) => boolean
  /** A second crash, while the process comes up again: after every so manieth first crash … */
  readonly secondAfterEvery?: number
  /** … before every so manieth step of the restart. Default 7. */
  readonly secondEvery?: number
  /** Told of each crash that did no harm. */
  readonly onCrash?: (crash: CrashStep, isSecond: boolean) => void
  /** Checks what else is to be seen at the end, by the epochs that were decided; throws if it is wrong. */
  readonly also?: (end: CrashEnd) => Promise<void>
  /** Reads the rows that are visible on the disk, for pipelines with a sink of files. */
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
export interface CrashPointReport {
  readonly steps: number
  readonly crashes: number
  readonly doubleCrashes: number
}

/** A crash after which something is wrong. */
export class CrashFailure extends Error {
  override readonly name = 'CrashFailure'
  /** The steps before which the process died, one per life. */
  readonly crashes: readonly CrashStep[]

  /** Made by `crashPoints`. */
  constructor(message: string, crashes: readonly CrashStep[], cause: unknown) {
    super(message, { cause })
    this.crashes = crashes
  }
}

/**
 * Whatever the moment at which a process dies, every row counts once. The pipeline runs once to
 * count its steps (each request to the disk and to the table, each message of an actor); then, for each
 * step, a new world dies before it, finds what the crash left of its disk, and runs to the end. Its
 * output must be exactly what the reference gives for the epochs in its log, and, for appended rows,
 * what the run without a crash gave; nothing may be left over.
 *
 * @throws CrashFailure that names the step and shows what led to it
 */
export async function crashPoints(
  pipeline: CrashPipeline,
  options: CrashPointOptions,
): Promise<CrashPointReport> {
  const { seed, only = () => true, secondAfterEvery, secondEvery = 7, onCrash } = options
  const judge = judgeOf(pipeline, options)
  const smooth = crashWorld(pipeline, seed)
  const { steps, reference } = await undisturbed(smooth, judge)
  let crashes = 0
  let doubleCrashes = 0
  const attempt = async (dieAt: readonly Moment[]): Promise<readonly CrashStep[]> => {
    const world = crashWorld(pipeline, seed)
    const lives: (readonly CrashStep[])[] = []
    try {
      for (const { at } of dieAt) {
        const life = await world.live(at)
        lives.push(life.steps)
        if (!life.died) return []
      }
      const last = await world.live()
      lives.push(last.steps)
      await judge(world, reference)
      return last.steps
    } catch (cause) {
      throw await failureOf(world, { dieAt, lives, cause })
    }
  }
  for (const [at, step] of steps.entries()) {
    if (!only(step.name)) continue
    const restart = await attempt([{ at, step }])
    crashes += 1
    onCrash?.(step, false)
    if (secondAfterEvery === undefined || at % secondAfterEvery !== 0) continue
    for (let second = 0; second < restart.length; second += secondEvery) {
      const next = restart[second] as CrashStep
      await attempt([
        { at, step },
        { at: second, step: next },
      ])
      doubleCrashes += 1
      onCrash?.(next, true)
    }
  }
  return { steps: steps.length, crashes, doubleCrashes }
}

async function undisturbed(
  world: CrashWorld,
  judge: Judge,
): Promise<{ readonly steps: readonly CrashStep[]; readonly reference: Verdict }> {
  let steps: readonly CrashStep[] = []
  try {
    steps = (await world.live()).steps
    return { steps, reference: await judge(world, undefined) }
  } catch (cause) {
    throw await failureOf(world, { dieAt: [], lives: [steps], cause })
  }
}

/** A step of a life and its number. */
interface Moment {
  readonly at: number
  readonly step: CrashStep
}

interface Course {
  readonly dieAt: readonly Moment[]
  readonly lives: readonly (readonly CrashStep[])[]
  readonly cause: unknown
}

/** How many steps before a death are shown. */
const shownSteps = 12

async function failureOf(
  world: CrashWorld,
  { dieAt, lives, cause }: Course,
): Promise<CrashFailure> {
  const what = cause instanceof Error ? cause.message : String(cause)
  const deaths = dieAt.flatMap(({ at, step }, life) => [
    `The process died before step ${at}, "${step.name}" (${step.phase}). Before that it did:`,
    ...(lives[life] ?? []).slice(-shownSteps).map(({ name }) => `  ${name}`),
  ])
  const where = deaths.length === 0 ? ['Nothing was disturbed.'] : deaths
  const log = await logText(world)
  const message = [what, '', ...where, '', 'The log of its epochs at the end:', ...log].join('\n')
  return new CrashFailure(
    message,
    dieAt.map(({ step }) => step),
    cause,
  )
}

async function logText(world: CrashWorld): Promise<readonly string[]> {
  try {
    const entries = await logEntries(world.disk(), checkpoint)
    return entries.map((entry) => {
      switch (entry.type) {
        case 'decision':
          return `  decided  ${shortText(entry.header)}`
        case 'manifest':
          return `  manifest of epoch ${entry.manifest.epoch}`
        default:
          return `  ${entry.type}`
      }
    })
  } catch (thrown) {
    return [`  it cannot be read: ${String(thrown)}`]
  }
}

function shortText(value: unknown): string {
  const text = JSON.stringify(value)
  return text.length <= 160 ? text : `${text.slice(0, 160)}…`
}

type Judge = (world: CrashWorld, reference: Verdict | undefined) => Promise<Verdict>

/** What came out, and whether some row was kept out of it for being late. */
interface Verdict {
  readonly output: readonly Row[]
  readonly lost: boolean
}

/** Checks a world that has come to its end, and gives its whole output. */
function judgeOf(
  pipeline: CrashPipeline,
  { visible, also }: Pick<CrashPointOptions, 'visible' | 'also'>,
): Judge {
  return async (world, reference) => {
    const files = world.disk()
    const plan = world.plan()
    const { outputMode: mode } = pipeline
    const entries = await logEntries(files, checkpoint)
    const inputs = inputsOf(pipeline, world)
    const isPruned = entries[0]?.type !== 'attempt'
    const headers = isPruned
      ? [everything(inputs)]
      : decidedEpochs(entries).map((header) => inRows(header, world))
    if (!isPruned) checkHeaders(plan, headers, inputs)
    if (!isPruned) await also?.({ files, plan, headers, inputs })
    const dropsBad = (pipeline.options?.['badRows'] ?? 'fail') !== 'fail'
    const { epochs, lost } = expectedEpochs(plan, mode, headers, inputs, { dropsBad })
    const own = ownRows(world, plan)
    const isTable = visible === undefined && own === undefined
    const output = isTable ? committed(world) : await (visible ?? own ?? noRows)(files)
    if (isTable && !isPruned) mustBeEpochs(world, epochs)
    const expected = isTable || mode !== 'complete' ? epochs.flat() : (epochs.at(-1) ?? [])
    mustBeSameRows('the whole output', output, folded(expected, world, plan))
    // What is late depends on how rows fell into epochs, which a crash may change.
    if (reference !== undefined && mode === 'append' && !lost && !reference.lost) {
      mustBeSameRows('the output with and without a crash', output, reference.output)
    }
    const manifests = entries.flatMap((each) => (each.type === 'manifest' ? [each.manifest] : []))
    await mustBeTidy(world, manifests, pipeline)
    return { output, lost }
  }
}

const noRows = async (): Promise<readonly Row[]> => []

/** How to read what a sink of one's own shows. */
function ownRows(
  { ownSink }: CrashWorld,
  plan: LogicalPlan,
): ((files: FileSystem) => Promise<readonly Row[]>) | undefined {
  if (ownSink === undefined) return undefined
  const schema = schemaOf(plan)
  return async (files) => (await ownSink.visible(files)).map((row) => fromRow(schema, row))
}

/** The last of the rows that replace each other. */
function folded(rows: readonly Row[], { ownSink }: CrashWorld, plan: LogicalPlan): readonly Row[] {
  const keys = ownSink?.keys
  if (keys === undefined) return rows
  const schema = schemaOf(plan)
  const at = keys.map((key) => schema.findIndex(({ name }) => name === key))
  const text = (row: Row) => at.map((index) => String(row[index])).join('\u0000')
  return [...new Map(rows.map((row) => [text(row), row])).values()]
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

/** The header with positions that count the rows of each partition, by its number. */
function inRows(header: EpochHeader, world: CrashWorld): EpochHeader {
  const ranges = Object.entries(header.ranges ?? {}).map(([source, { from, to }]) => {
    const own = world.ownSources[world.inputOf(source)]
    if (own === undefined) return [source, { from, to }] as const
    const names = partitionsOf(own)
    const counted = (position: Position) =>
      Object.fromEntries(names.map((name, at) => [String(at), rowsBefore(own, position, name)]))
    return [source, { from: counted(from), to: counted(to) }] as const
  })
  return header.ranges === undefined ? header : { ...header, ranges: Object.fromEntries(ranges) }
}

function rowsBefore(own: SourceUnderCrash, position: Position, partition: string): number {
  if (own.rowsBefore !== undefined) return own.rowsBefore(position, partition)
  const number = position[partition]
  if (typeof number === 'number') return number
  throw new Error(
    `the position ${JSON.stringify(position)} holds no number under "${partition}": give rowsBefore`,
  )
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
  for (const { source, schema, streaming } of scansOf(world.plan())) {
    if (!streaming) continue
    const index = world.inputOf(source)
    const count = partitionsOf(world.ownSources[index]).length
    const rows: Row[][] = Array.from({ length: count }, () => [])
    for (const arrival of before === undefined ? arrivals : [before, ...arrivals]) {
      arrival[index]?.forEach((row, at) => {
        rows[at % count]?.push(fromRow(schema, row))
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
  { sink, folders = [], ownSink, ownSources }: CrashPipeline,
): Promise<void> {
  const open = world.table.open()
  if (open.length > 0) throw new Error(`transactions were left open: ${open.join(', ')}`)
  const files = world.disk()
  const lock = new TextDecoder().decode(await files.read(joinPath(checkpoint, 'lock')))
  if (!lock.includes('"released":true')) throw new Error(`the lock is still held: ${lock}`)
  const named = JSON.stringify(manifests)
  const outputs = sink === undefined ? folders : [sink.path, ...folders]
  const isOwn = ownSink !== undefined || ownSources !== undefined
  for (const path of files.allFiles()) {
    const isOutput = outputs.some((folder) => path.startsWith(`${folder}/`))
    if (isOutput && !path.includes('/hidden/')) continue
    // What parts of one's own keep outside of the checkpoint is theirs.
    if (isOwn && !path.startsWith(`${checkpoint}/`)) continue
    const name = path.slice(checkpoint.length + 1)
    if (isOwn && name.startsWith('sources/')) continue
    if (name === 'lock' || /^log\/(?:first-)?\d+$/.test(name)) continue
    if (!named.includes(JSON.stringify(name))) throw new Error(`${path} was left over`)
  }
}
