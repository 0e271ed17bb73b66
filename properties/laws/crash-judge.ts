import { fromRow } from '../../src/batch/edge-row.ts'
import type { Value } from '../../src/batch/value.ts'
import type { FileSystem } from '../../src/core/file-system.ts'
import { joinPath } from '../../src/core/file-system.ts'
import type { EpochHeader, Position } from '../../src/flow/message.ts'
import {
  inputsOf as inputsOfPlan,
  isStreaming,
  type LogicalPlan,
  scansOf,
  schemaOf,
} from '../../src/plan/logical.ts'
import { decidedEpochs, type LoggedEntry, loggedEntries } from '../logged-epochs.ts'
import { asksForTime } from './asks-for-time.ts'
import { partitionsOf } from './crash-inputs.ts'
import { type CrashPipeline, checkpoint } from './crash-life.ts'
import type { CrashWorld } from './crash-world.ts'
import { checkHeaders, type Expected, expectedEpochs } from './expected-epochs.ts'
import type { SourceUnderCrash } from './own-parts.ts'
import { mustBeSameRows } from './same-rows.ts'
import { type InputRows, rowsOfAll } from './stream-run.ts'

type Row = readonly Value[]

/** What is looked at besides the output. */
export interface JudgeOptions {
  /** Checks what else is to be seen at the end, by the epochs that were decided; throws if it is wrong. */
  readonly also?: (end: CrashEnd) => Promise<void>
  /** Reads the rows that are visible on the disk, for pipelines with a sink of files. */
  readonly visible?: (files: FileSystem) => Promise<readonly Row[]>
  /** Where files were damaged on purpose, they may be left over. Default: they may not. */
  readonly mayLeaveFiles?: boolean
}

/** A machine at the end of all its lives. */
export interface CrashEnd {
  readonly files: FileSystem
  readonly plan: LogicalPlan
  readonly headers: readonly EpochHeader[]
  /** By the name of the source in the plan. */
  readonly inputs: ReadonlyMap<string, InputRows>
}

/** Checks a world that has come to its end; throws what is wrong. */
export type Judge = (world: CrashWorld, reference: Verdict | undefined) => Promise<Verdict>

/** What came out of a world. */
export interface Verdict {
  readonly output: readonly Row[]
  /** What the reference said of its epochs. */
  readonly expected: Expected
}

/** The judge of a pipeline. */
export function judgeOf(
  pipeline: CrashPipeline,
  { visible, also, mayLeaveFiles = false }: JudgeOptions = {},
): Judge {
  const expectedOf = expectation(pipeline)
  return async (world, reference) => {
    const files = world.disk()
    const plan = world.plan()
    const { outputMode: mode } = pipeline
    const inputs = inputsOf(pipeline, world)
    const logged = await loggedEntries(files, checkpoint, world.forgotten())
    const headers = decidedEpochs(logged.map(({ entry }) => entry)).map((header) =>
      inRows(header, world),
    )
    await also?.({ files, plan, headers, inputs })
    const expected = expectedOf(plan, headers, inputs)
    const own = ownRows(world, plan)
    const isTable = visible === undefined && own === undefined
    const output = isTable ? committed(world) : await (visible ?? own ?? noRows)(files)
    if (isTable) mustBeEpochs(world, expected.epochs)
    else mustBeSameRows('the whole output', output, folded(shown(expected, mode), world, plan))
    if (reference !== undefined && mode === 'append' && !isCutByOrder(plan)) {
      mustAgree({ output, expected }, reference)
    }
    if (!mayLeaveFiles) await mustBeTidy(world, pipeline, logged)
    return { output, expected }
  }
}

/**
 * What the reference says of decided epochs. Most deaths leave the same epochs, and the reference takes its time:
 * it is asked once for all of them.
 */
function expectation({
  outputMode,
  options,
}: CrashPipeline): (
  plan: LogicalPlan,
  headers: readonly EpochHeader[],
  inputs: ReadonlyMap<string, InputRows>,
) => Expected {
  const dropsBad = (options?.['badRows'] ?? 'fail') !== 'fail'
  const known = new Map<string, Expected>()
  return (plan, headers, inputs) => {
    const isTimely = asksForTime(plan)
    const key = JSON.stringify(headers, (name, value: unknown) =>
      !isTimely && (name === 'processingTime' || name === 'previousTime') ? undefined : value,
    )
    const before = known.get(key)
    if (before !== undefined) return before
    checkHeaders(plan, headers, inputs)
    const expected = expectedEpochs(plan, outputMode, headers, inputs, { dropsBad })
    known.set(key, expected)
    return expected
  }
}

/** What a reader sees behind the last epoch. */
function shown({ epochs }: Expected, mode: CrashPipeline['outputMode']): readonly Row[] {
  return mode === 'complete' ? (epochs.at(-1) ?? []) : epochs.flat()
}

/** A crash may change how rows fall into epochs, and so what is late; where nothing is, it changes no row. */
function mustAgree(verdict: Verdict, reference: Verdict): void {
  // Both were held to it.
  if (verdict.expected === reference.expected) return
  if (verdict.expected.lost || reference.expected.lost) return
  mustBeSameRows('the output with and without a crash', verdict.output, reference.output)
}

/**
 * The first rows of a limit are those of the first partition, epoch by epoch: other epochs, other rows, also where
 * nothing is late.
 */
function isCutByOrder(plan: LogicalPlan): boolean {
  return (plan.kind === 'limit' && isStreaming(plan)) || inputsOfPlan(plan).some(isCutByOrder)
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
  { sink, folders = [], ownSink, ownSources }: CrashPipeline,
  logged: readonly LoggedEntry[],
): Promise<void> {
  const open = world.table.open()
  if (open.length > 0) throw new Error(`transactions were left open: ${open.join(', ')}`)
  const files = world.disk()
  const lock = new TextDecoder().decode(await files.read(joinPath(checkpoint, 'lock')))
  if (!lock.includes('"released":true')) throw new Error(`the lock is still held: ${lock}`)
  const present = new Set(files.allFiles())
  const manifests = logged.filter(
    ({ path, entry }) => entry.type === 'manifest' && present.has(path),
  )
  const named = JSON.stringify(manifests)
  const newest = Math.max(
    ...logged.map(({ entry }) => (entry.type === 'attempt' ? entry.token : 0)),
  )
  const outputs = sink === undefined ? folders : [sink.path, ...folders]
  const isOwn = ownSink !== undefined || ownSources !== undefined
  for (const path of present) {
    const isOutput = outputs.some((folder) => path.startsWith(`${folder}/`))
    if (isOutput && !path.includes('/hidden/')) continue
    // What parts of one's own keep outside of the checkpoint is theirs.
    if (isOwn && !path.startsWith(`${checkpoint}/`)) continue
    const name = path.slice(checkpoint.length + 1)
    if (isOwn && name.startsWith('sources/')) continue
    if (name === 'lock' || /^log\/(?:first-)?\d+$/.test(name)) continue
    // A snapshot that the last process made for an epoch which never came: the next one deletes it.
    if (name.startsWith(`snapshots/${newest}-`)) continue
    // Manifests name the folder of a copied store.
    const [whole = name] = /^.*\.cold(?=\/)/.exec(name) ?? []
    if (!named.includes(JSON.stringify(whole))) throw new Error(`${path} was left over`)
  }
}
