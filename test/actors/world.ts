import type {
  Deployment,
  EdgeSpec,
  JobSettings,
  Partition,
  Recovered,
  TaskSpec,
} from '../../actors/job.ts'
import { defaultSettings } from '../../actors/job.ts'
import { type TaskId, taskId } from '../../actors/task-id.ts'
import type { Simulation } from '../../properties/simulated-system.ts'
import type { Batch } from '../../src/batch/batch.ts'
import type { Schema } from '../../src/batch/schema.ts'
import type { Json } from '../../src/core/json.ts'
import { type Epoch, initialEpoch, micros } from '../../src/core/units.ts'
import type { Sink, SinkKind, Source } from '../../src/flow/connector.ts'
import type { EpochHeader, Position } from '../../src/flow/message.ts'
import type { Operator } from '../../src/flow/operator.ts'
import type { FrozenState } from '../../state/frozen.ts'
import type { TaskStateHandle } from '../../state/manifest.ts'
import type { TaskState } from '../../state/task-state.ts'

/** A row of the test job: numbers only, columns `key, value, at`. */
export interface Row {
  readonly key: number
  readonly value: number
}

/** What survives a kill. Everything in it was written by some attempt of the job. */
export interface Disk {
  readonly log: LogLine[]
  readonly files: Map<string, ReadonlyMap<number, number>>
  /** What readers of each sink see: rows by epoch. */
  readonly visible: Map<string, Map<number, readonly OutputRow[]>>
  /** Epochs in the order in which they became visible, per sink. */
  readonly commits: Map<string, number[]>
  readonly hidden: Map<string, readonly OutputRow[]>
  /** Rows of best-effort sinks, as often as they came. */
  readonly effects: { readonly epoch: number; readonly rows: readonly OutputRow[] }[]
  /** Headers that operators were opened with, as text without ranges, by epoch. */
  readonly opened: Map<number, Set<string>>
  /** Promises of the protocol that were seen broken, at the moment it happened. */
  readonly violations: string[]
  token: number
}

export interface OutputRow {
  readonly key: number
  readonly delta: number
  readonly total: number
}

export interface FakeManifest {
  readonly epoch: Epoch
  readonly snapshotId: string
  readonly positions: Readonly<Record<string, Position>>
  readonly time: Json
  readonly files: readonly string[]
  readonly committables: Readonly<Record<string, Json>>
}

export type LogLine =
  | { readonly type: 'decision'; readonly header: EpochHeader }
  | { readonly type: 'manifest'; readonly manifest: FakeManifest }
  | { readonly type: 'committed'; readonly epoch: Epoch }

export function emptyDisk(): Disk {
  return {
    log: [],
    files: new Map(),
    visible: new Map(),
    commits: new Map(),
    hidden: new Map(),
    effects: [],
    opened: new Map(),
    violations: [],
    token: 0,
  }
}

/** Faults: every pause of the fake world may throw, before or after its effect. */
export interface Faults {
  /** Chance per step of an effect; 0 for none. */
  readonly rate: number
  left: number
}

export interface JobShape {
  readonly inputs: readonly (readonly Row[])[]
  readonly lanes: number
  readonly settings: Partial<JobSettings>
  readonly maxRows: number
  readonly batchRows: number
  readonly sinkKinds: readonly SinkKind[]
}

/** What the fakes need of a simulation; a test on the real event loop has its own. */
export type Schedule = Pick<Simulation, 'pause' | 'chance'>

const schema: Schema = []

/** Columns in the layout of real batches, without their schema, which actors never read. */
export function toBatch(rows: readonly (readonly number[])[], width: number): Batch {
  const columns = Array.from({ length: width }, (_, column) => ({
    layout: 'f64' as const,
    values: Float64Array.from(rows, (row) => row[column] ?? 0),
  }))
  return { schema, rowCount: rows.length, columns }
}

export function fromBatch(batch: Batch): number[][] {
  const rows: number[][] = []
  for (let row = 0; row < batch.rowCount; row++) {
    rows.push(
      batch.columns.map((column) => (column.layout === 'f64' ? (column.values[row] ?? 0) : 0)),
    )
  }
  return rows
}

/** One step of fake I/O: a pause, the effect, another pause; it may fail on either side of the effect. */
async function effect<Result>(
  simulation: Schedule,
  faults: Faults,
  act: () => Result,
): Promise<Result> {
  const fails = () => {
    if (faults.left <= 0 || simulation.chance() >= faults.rate) return false
    faults.left -= 1
    return true
  }
  await simulation.pause()
  if (fails()) throw new Error('injected fault before an effect')
  const result = act()
  await simulation.pause()
  if (fails()) throw new Error('injected fault after an effect')
  return result
}

/** Numbered rows behind one partition, of which the first `available()` have arrived. */
export function fakeSource(
  rows: readonly Row[],
  options: {
    readonly simulation: Schedule
    readonly faults: Faults
    readonly available: () => number
    readonly batchRows: number
    readonly cleaned: (position: Position) => void
  },
): Source {
  const { simulation, faults, available, batchRows } = options
  const at = (position: Position): number => Number(position['p'] ?? 0)
  const batchOf = (from: number, to: number, pick: (row: number) => boolean): Batch => {
    const picked: number[][] = []
    for (let row = from; row < to; row++) {
      const { key, value } = rows[row] ?? { key: 0, value: 0 }
      if (pick(row)) picked.push([key, value, eventTime(row, value)])
    }
    return toBatch(picked, 3)
  }
  return {
    description: 'numbered rows',
    schema,
    replayable: true,
    initial: async () => ({ p: 0 }),
    latest: (from, limit) =>
      effect(simulation, faults, () => {
        const most = at(from) + (limit.maxRows ?? Number.POSITIVE_INFINITY)
        return { p: Math.max(at(from), Math.min(most, available())) }
      }),
    async *read(range, slice) {
      for (let from = at(range.from); from < at(range.to); from += batchRows) {
        const to = Math.min(at(range.to), from + batchRows)
        yield await effect(simulation, faults, () =>
          batchOf(from, to, (row) => row % slice.count === slice.index),
        )
      }
    },
    poll: (from, maxRows) =>
      effect(simulation, faults, () => {
        const to = Math.min(available(), at(from) + Math.min(maxRows, batchRows))
        if (to <= at(from)) return undefined
        return { batch: batchOf(at(from), to, () => true), position: { p: to } }
      }),
    commit: (position) => effect(simulation, faults, () => options.cleaned(position)),
    close: async () => undefined,
  }
}

/** Event time of a row, microseconds: rising, with some disorder, and not in whole milliseconds. */
export function eventTime(row: number, value: number): number {
  return row * 2500 + value * 1300
}

/** Passes batches on and reports the largest event time; the first stage of a source. */
export function watermarkNode(name: string): Operator {
  let largest: number | undefined
  return {
    name,
    open: () => {
      largest = undefined
    },
    process(_input, batch, output) {
      for (const [, , at = 0] of fromBatch(batch)) largest = Math.max(largest ?? at, at)
      return output.emit(batch)
    },
    closeEpoch: () =>
      largest === undefined ? {} : { watermarks: { [name]: { p: micros(largest) } } },
    freeze: () => undefined,
  }
}

/** The operators of the test job wait for every watermark that is a multiple of this. */
const dueEvery = 10_000

/** Sums per key over both inputs; at the barrier emits what each changed key gained and its total. */
export function sumByKey(
  totals: Map<number, number>,
  opened: (header: EpochHeader) => void,
): Operator {
  let gained = new Map<number, number>()
  let changed = new Map<number, number>()
  return {
    name: 'sum',
    open: opened,
    process(_input, batch) {
      for (const [key = 0, value = 0] of fromBatch(batch)) {
        gained.set(key, (gained.get(key) ?? 0) + value)
      }
      return undefined
    },
    async closeEpoch(header, output) {
      const rows: number[][] = []
      for (const [key, delta] of gained) {
        const total = (totals.get(key) ?? 0) + delta
        totals.set(key, total)
        changed.set(key, total)
        rows.push([key, delta, total])
      }
      gained = new Map()
      for (const row of rows) await output.emit(toBatch([row], 3))
      if (header.flush === true) return {}
      const nextWatermark = (Math.floor(header.evictWatermark / dueEvery) + 1) * dueEvery
      return { nextWatermark: micros(nextWatermark) }
    },
    freeze() {
      const frozen = changed
      changed = new Map()
      if (frozen.size === 0) return undefined
      const bytes = new TextEncoder().encode(JSON.stringify([...frozen]))
      const state: FrozenState = {
        operator: 'sum',
        shard: 0,
        changeCount: frozen.size,
        encode: () => bytes,
      }
      return [state]
    },
  }
}

/** Keeps the frozen changes of each epoch in a file of its own. */
function fakeTaskState(disk: Disk, name: string, simulation: Schedule, faults: Faults): TaskState {
  return {
    operator: () => {
      throw new Error('the test operators keep their state themselves')
    },
    async persist(epoch, frozen) {
      const deltas: TaskStateHandle['deltas'][number][] = []
      for (const { shard, encode } of frozen) {
        const path = `${name}/${epoch}/${disk.token}`
        const entries: [number, number][] = JSON.parse(new TextDecoder().decode(encode()))
        await effect(simulation, faults, () => disk.files.set(path, new Map(entries)))
        const part = { path, offset: 0, length: 0, crc: 0, epoch }
        deltas.push({ operator: 'sum', shard, part })
      }
      return { deltas, snapshots: [] }
    },
    published: () => undefined,
    settled: async () => undefined,
    close: async () => undefined,
  }
}

/** A sink of any kind on the fake disk. Second-phase kinds show rows only at `commit`. */
function fakeSink(
  disk: Disk,
  shape: JobShape,
  name: string,
  kind: SinkKind,
  simulation: Schedule,
  faults: Faults,
): Sink {
  const written = new Map<number, OutputRow[]>()
  const { token } = disk
  const path = (epoch: number) => `${name}/${epoch}/${token}`
  return {
    description: name,
    kind,
    open: async () => undefined,
    write: (batch, epoch) =>
      effect(simulation, faults, () => {
        const rows = written.get(epoch) ?? []
        written.set(epoch, rows)
        for (const [key = 0, delta = 0, total = 0] of fromBatch(batch)) {
          rows.push({ key, delta, total })
        }
      }),
    prepare: (epoch) =>
      effect(simulation, faults, () => {
        const isDecided = disk.log.some(
          (line) => line.type === 'decision' && line.header.epoch === epoch,
        )
        if (!isDecided && kind !== 'immediate')
          violate(disk, `prepare ${epoch} before its decision`)
        disk.hidden.set(path(epoch), written.get(epoch) ?? [])
        written.delete(epoch)
        return path(epoch)
      }),
    commit: async (epoch, committable) => {
      await effect(simulation, faults, () => {
        const rows = disk.hidden.get(String(committable)) ?? []
        if (kind === 'bestEffort' || kind === 'immediate') return disk.effects.push({ epoch, rows })
        const stands = manifestsOf(disk).some((manifest) => manifest.epoch === epoch)
        if (!stands) violate(disk, `commit ${epoch} before its manifest`)
        const first = shape.sinkKinds.indexOf('authoritative')
        if (kind === 'repeatable' && first >= 0 && !(newestCommit(disk, first) >= epoch)) {
          violate(disk, `commit ${epoch} before the authoritative sink`)
        }
        return show(disk, name, epoch, rows)
      })
    },
    async abort(epoch) {
      for (const hidden of disk.hidden.keys()) {
        const [owner, at, by] = hidden.split('/')
        if (owner === name && Number(at) >= epoch && Number(by) === token)
          disk.hidden.delete(hidden)
      }
    },
    close: async () => undefined,
  }
}

function show(disk: Disk, name: string, epoch: number, rows: readonly OutputRow[]): void {
  const commits = disk.commits.get(name) ?? []
  disk.commits.set(name, commits)
  if ((commits.at(-1) ?? -1) >= epoch) return
  commits.push(epoch)
  const epochs = disk.visible.get(name) ?? new Map<number, readonly OutputRow[]>()
  disk.visible.set(name, epochs)
  epochs.set(epoch, rows)
}

/** Restores from the log of the disk and builds everything afresh, as the runtime would. */
export async function deploy(
  disk: Disk,
  shape: JobShape,
  simulation: Schedule,
  faults: Faults,
  available: (input: number) => number,
): Promise<Deployment> {
  disk.token += 1
  const sinkNames = shape.sinkKinds.map((_, index) => `out${index}`)
  voidUncommitted(disk, shape)
  const newest = manifestsOf(disk).at(-1)
  if (newest !== undefined) recommit(disk, shape, newest)
  const recovered: Recovered = {
    epoch: newest?.epoch ?? initialEpoch,
    positions: newest?.positions ?? startPositions(shape),
    ...(newest === undefined ? {} : { time: newest.time }),
    decisions: pendingDecisions(disk, newest),
  }
  const sources = shape.inputs.map((rows, input) => ({
    name: `in${input}`,
    limit: { maxRows: shape.maxRows },
    source: fakeSource(rows, {
      simulation,
      faults,
      available: () => available(input),
      batchRows: shape.batchRows,
      cleaned: (position) => {
        const noted = disk.log.findLast((line) => line.type === 'committed')
        const known = manifestsOf(disk).find(({ epoch }) => epoch === noted?.epoch)
        const stands = known?.positions[`in${input}`]
        if (Number(position['p']) > Number(stands?.['p'] ?? 0)) violate(disk, 'cleaned too early')
      },
    }),
  }))
  const laneIds = Array.from({ length: shape.lanes }, (_, lane) => taskId(1, lane))
  const sinkIds = sinkNames.map((_, index) => taskId(2, index))
  const tasks: TaskSpec[] = []
  sources.forEach(({ name, source }, input) => {
    const edge: EdgeSpec = { targets: laneIds, input, partition: byKey(shape.lanes) }
    const id = taskId(0, input)
    const slice = { index: 0, count: 1 }
    const operator = watermarkNode(`node${input}`)
    const watermarkNodes = [`node${input}`]
    const edges = [edge]
    tasks.push({
      type: 'source',
      id,
      sourceName: name,
      source,
      slice,
      operator,
      edges,
      watermarkNodes,
    })
  })
  for (const id of laneIds) {
    const edges = sinkIds.map((sink) => ({ targets: [sink], input: 0, partition: whole }))
    const state = fakeTaskState(disk, id, simulation, faults)
    const operator = sumByKey(restoredTotals(disk, id, newest), (header) => remember(disk, header))
    tasks.push({ type: 'operator', id, operator, state, edges })
  }
  shape.sinkKinds.forEach((kind, index) => {
    const sinkName = sinkNames[index] ?? ''
    const sink = fakeSink(disk, shape, sinkName, kind, simulation, faults)
    tasks.push({ type: 'sink', id: taskId(2, index), sinkName, sink, edges: [] })
  })
  return {
    tasks,
    sources,
    recovered,
    settings: {
      ...defaultSettings,
      watermarkNodes: sources.map(({ name }, input) => ({ name: `node${input}`, sources: [name] })),
      ...shape.settings,
    },
    effects: effectsOf(disk, shape, simulation, faults),
    close: async () => undefined,
  }
}

function effectsOf(
  disk: Disk,
  shape: JobShape,
  simulation: Schedule,
  faults: Faults,
): Deployment['effects'] {
  const { token } = disk
  const inFlight = shape.settings.epochsInFlight ?? defaultSettings.epochsInFlight
  const append = (line: LogLine) =>
    effect(simulation, faults, () => {
      if (disk.token !== token) throw new Error('fenced')
      disk.log.push(line)
    })
  return {
    async decide(header) {
      await append({ type: 'decision', header })
      const newest = manifestsOf(disk).at(-1)?.epoch ?? -1
      if (header.epoch - newest > inFlight) violate(disk, `epoch ${header.epoch} after ${newest}`)
    },
    async publish({ epoch, positions, time, handles, committables }) {
      const manifests = manifestsOf(disk)
      if (epoch > 0 && !committedEverywhere(disk, shape, epoch - 1)) {
        violate(disk, `manifest ${epoch} before the commits of the epoch before`)
      }
      const files = [...handles.values()].flatMap(({ deltas }) =>
        deltas.map(({ part }) => part.path),
      )
      const all = [...(manifests.at(-1)?.files ?? []), ...files]
      const snapshotId = `s${epoch}.${token}`
      const manifest = { epoch, snapshotId, positions, time, files: all, committables }
      await append({ type: 'manifest', manifest })
      return snapshotId
    },
    async committed(epoch) {
      if (!committedEverywhere(disk, shape, epoch)) violate(disk, `note ${epoch} before commits`)
      await append({ type: 'committed', epoch })
    },
  }
}

function violate(disk: Disk, what: string): void {
  disk.violations.push(what)
}

/** What identifies a header for its operators; ranges come later under the continuous trigger. */
export function headerText({ ranges: _, ...times }: EpochHeader): string {
  return JSON.stringify(times)
}

function remember(disk: Disk, header: EpochHeader): void {
  const known = disk.opened.get(header.epoch) ?? new Set()
  disk.opened.set(header.epoch, known.add(headerText(header)))
}

function committedEverywhere(disk: Disk, shape: JobShape, epoch: number): boolean {
  return shape.sinkKinds.every((kind, index) => {
    if (kind === 'bestEffort' || kind === 'immediate') return true
    return newestCommit(disk, index) >= epoch
  })
}

function newestCommit(disk: Disk, sink: number): number {
  return disk.commits.get(`out${sink}`)?.at(-1) ?? -1
}

function manifestsOf(disk: Disk): readonly FakeManifest[] {
  return disk.log.flatMap((line) => (line.type === 'manifest' ? [line.manifest] : []))
}

/** After a crash an authoritative sink cannot finish a commit, so newer manifests never stood. */
function voidUncommitted(disk: Disk, shape: JobShape): void {
  const authoritative = shape.sinkKinds.indexOf('authoritative')
  if (authoritative < 0) return
  const standing = newestCommit(disk, authoritative)
  const log = disk.log.filter((line) => line.type !== 'manifest' || line.manifest.epoch <= standing)
  disk.log.splice(0, disk.log.length, ...log)
}

function recommit(disk: Disk, shape: JobShape, { epoch, committables }: FakeManifest): void {
  shape.sinkKinds.forEach((kind, index) => {
    if (kind !== 'repeatable') return
    const path = String(committables[`out${index}`])
    const rows = disk.hidden.get(path)
    if (rows === undefined) throw new Error(`the manifest names ${path}, which was not prepared`)
    show(disk, `out${index}`, epoch, rows)
  })
}

function pendingDecisions(disk: Disk, newest: FakeManifest | undefined): EpochHeader[] {
  const after = newest?.epoch ?? -1
  return disk.log.flatMap((line) =>
    line.type === 'decision' && line.header.epoch > after ? [line.header] : [],
  )
}

function restoredTotals(
  disk: Disk,
  id: TaskId,
  newest: FakeManifest | undefined,
): Map<number, number> {
  const totals = new Map<number, number>()
  for (const path of newest?.files ?? []) {
    if (!path.startsWith(`${id}/`)) continue
    const file = disk.files.get(path)
    if (file === undefined) throw new Error(`the manifest names ${path}, which does not exist`)
    for (const [key, total] of file) totals.set(key, total)
  }
  return totals
}

function startPositions(shape: JobShape): Readonly<Record<string, Position>> {
  return Object.fromEntries(shape.inputs.map((_, input) => [`in${input}`, { p: 0 }]))
}

export function byKey(lanes: number): Partition {
  return (batch) => {
    const parts: number[][][] = Array.from({ length: lanes }, () => [])
    for (const row of fromBatch(batch)) parts[(row[0] ?? 0) % lanes]?.push(row)
    return parts.map((rows) => (rows.length === 0 ? undefined : toBatch(rows, 3)))
  }
}

export const whole: Partition = (batch) => [batch]

/** What every committed epoch must show, from the decided ranges and the input alone. */
export function expectedOutput(
  disk: Disk,
  inputs: readonly (readonly Row[])[],
): Map<number, OutputRow[]> {
  const totals = new Map<number, number>()
  const expected = new Map<number, OutputRow[]>()
  for (const line of disk.log) {
    if (line.type !== 'decision') continue
    const gained = new Map<number, number>()
    inputs.forEach((rows, input) => {
      const range = line.header.ranges?.[`in${input}`]
      for (let row = Number(range?.from['p'] ?? 0); row < Number(range?.to['p'] ?? 0); row++) {
        const { key, value } = rows[row] ?? { key: 0, value: 0 }
        gained.set(key, (gained.get(key) ?? 0) + value)
      }
    })
    const output: OutputRow[] = []
    for (const [key, delta] of gained) {
      const total = (totals.get(key) ?? 0) + delta
      totals.set(key, total)
      output.push({ key, delta, total })
    }
    expected.set(line.header.epoch, output)
  }
  return expected
}

/** Rows as a set that can be compared. */
export function sorted(rows: readonly OutputRow[]): readonly string[] {
  return rows.map(({ key, delta, total }) => `${key}:${delta}:${total}`).sort()
}
