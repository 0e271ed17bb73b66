import { StreamError } from '../src/core/error.ts'
import type { Json } from '../src/core/json.ts'
import { type Epoch, type Micros, micros } from '../src/core/units.ts'
import type { EpochHeader } from '../src/flow/message.ts'
import type { EpochReport } from '../src/flow/operator.ts'
import type { WatermarkNode } from './job.ts'

/** The eviction watermark of the epoch that ends a bounded input: everything is at or below it. */
export const endOfTime = Number.MAX_SAFE_INTEGER as Micros

/** What one source partition has told one watermark node. */
export interface PartitionTime {
  /** Largest event time minus delay so far, floored to milliseconds, never below 0. */
  readonly watermark: Micros
  /** Processing time of the last epoch that brought rows of it. */
  readonly movedAt: Micros
}

/** Everything that decides the next header. Kept in the manifest, so a restart changes nothing. */
export interface EpochTime {
  /** By node, then source partition. */
  readonly nodes: Readonly<Record<string, Readonly<Record<string, PartitionTime>>>>
  /** Eviction watermark of the last epoch that ran or was passed over; it never goes back. */
  readonly evicted: Micros
  /** Processing time of the last epoch; it never goes back. */
  readonly processingTime: Micros
  /** Processing time of the first epoch, from which a source without any row counts as idle. */
  readonly startedAt: Micros | undefined
  /** Empty epochs passed over since the last one that ran. */
  readonly skipped: number
  /** The input was declared ended and everything was emitted. */
  readonly flushed: boolean
  /** What operators wait for, as of their last barrier. */
  readonly due: Due
  /** Sources that were read to their ends; follows from the positions, so it is not in the manifest. */
  readonly ended: readonly string[]
}

/** The smallest watermark and processing time at which some operator has something to do. */
export interface Due {
  readonly nextWatermark?: Micros
  readonly nextTimer?: Micros
}

/** How the watermarks of several nodes become one. */
export interface TimeRules {
  readonly nodes: readonly WatermarkNode[]
  readonly policy: 'min' | 'max'
  /** By source name; absent = its partitions are never idle. */
  readonly idleTimeoutMicros: Readonly<Record<string, number>>
  /** By source: the sources that are read to their ends before it. */
  readonly after: Readonly<Record<string, readonly string[]>>
}

const zero = 0 as Micros

/** Before the first epoch of a query. */
export const initialTime: EpochTime = {
  nodes: {},
  evicted: zero,
  processingTime: zero,
  startedAt: undefined,
  skipped: 0,
  flushed: false,
  due: {},
  ended: [],
}

/** The processing time of an epoch decided now. */
export function processingTimeAt(time: EpochTime, nowMs: number): Micros {
  return micros(Math.max(time.processingTime, Math.floor(nowMs) * 1000))
}

/**
 * The global watermark as of a processing time: per node the smallest of its partitions that are
 * not idle, then the smallest (or largest) node. A node without any row yet counts as 0 and holds a
 * minimum back, unless all its sources are idle; when everything is idle nothing moves.
 *
 * While a source is read that others wait for, nothing moves either. A source that has ended has no
 * more to say: it counts for as long as nothing that waited for it has brought a row, and never holds
 * anything back.
 */
export function watermarkAt(time: EpochTime, rules: TimeRules, at: Micros): Micros {
  if (isHeld(time, rules)) return time.evicted
  let result: number | undefined
  for (const node of rules.nodes) {
    if (isOver(time, node)) continue
    const watermark = nodeWatermark(time, rules, node, at)
    if (watermark === undefined) continue
    if (result === undefined) result = watermark
    else result = rules.policy === 'min' ? Math.min(result, watermark) : Math.max(result, watermark)
  }
  return micros(Math.max(time.evicted, result ?? reachOf(time, time.ended, rules) ?? 0))
}

/** The sources whose idleness let the watermark pass: every node above them was left out. */
export function idleSources(time: EpochTime, rules: TimeRules, at: Micros): readonly string[] {
  const idle = new Map<string, boolean>()
  for (const node of rules.nodes) {
    if (isOver(time, node)) continue
    const isIdle = nodeWatermark(time, rules, node, at) === undefined
    for (const source of node.sources) idle.set(source, isIdle && (idle.get(source) ?? true))
  }
  return [...idle].filter(([, isIdle]) => isIdle).map(([source]) => source)
}

/** When idleness could next let the watermark move, if nothing else happens. */
export function nextIdleAt(time: EpochTime, rules: TimeRules, at: Micros): Micros | undefined {
  let next: number | undefined
  for (const node of rules.nodes) {
    const timeout = idleTimeout(rules, node)
    if (timeout === undefined) continue
    const moves = Object.values(time.nodes[node.name] ?? {}).map((partition) => partition.movedAt)
    if (moves.length === 0 && time.startedAt !== undefined) moves.push(time.startedAt)
    for (const moved of moves) {
      const due = moved + timeout
      if (due > at && (next === undefined || due < next)) next = due
    }
  }
  return next === undefined ? undefined : micros(next)
}

/** The next header, without ranges; `applyHeader` with it gives the time that follows. */
export function nextHeader(
  time: EpochTime,
  rules: TimeRules,
  decision: { readonly epoch: Epoch; readonly nowMs: number; readonly flush: boolean },
): EpochHeader {
  const processingTime = processingTimeAt(time, decision.nowMs)
  const header: EpochHeader = {
    epoch: decision.epoch,
    lateWatermark: time.evicted,
    evictWatermark: decision.flush ? endOfTime : watermarkAt(time, rules, processingTime),
    processingTime,
    ...(time.startedAt === undefined ? {} : { previousTime: time.processingTime }),
    idle: idleSources(time, rules, processingTime),
  }
  return {
    ...header,
    ...(time.skipped === 0 ? {} : { skipped: time.skipped }),
    ...(decision.flush ? { flush: true } : {}),
  }
}

/** The time once this header is decided, by this attempt or an earlier one. */
export function applyHeader(time: EpochTime, header: EpochHeader): EpochTime {
  return {
    ...time,
    evicted: header.evictWatermark,
    processingTime: header.processingTime,
    startedAt: time.startedAt ?? header.processingTime,
    skipped: 0,
    flushed: time.flushed || header.flush === true,
  }
}

/** Takes in what the tasks reported about the epoch of this header. */
export function absorbReport(time: EpochTime, header: EpochHeader, report: EpochReport): EpochTime {
  if (report.watermarks === undefined) return time
  const nodes: Record<string, Record<string, PartitionTime>> = {}
  for (const [node, partitions] of Object.entries(time.nodes)) nodes[node] = { ...partitions }
  for (const [node, partitions] of Object.entries(report.watermarks)) {
    const known = nodes[node] ?? {}
    nodes[node] = known
    for (const [partition, reported] of Object.entries(partitions)) {
      const floored = micros(Math.max(0, Math.floor(reported / 1000) * 1000))
      const watermark = later(known[partition]?.watermark ?? zero, floored)
      known[partition] = { watermark, movedAt: header.processingTime }
    }
  }
  return { ...time, nodes }
}

/** The part of the tasks' merged report that says what they wait for. */
export function dueOf({ nextWatermark, nextTimer }: EpochReport): Due {
  return {
    ...(nextWatermark === undefined ? {} : { nextWatermark }),
    ...(nextTimer === undefined ? {} : { nextTimer }),
  }
}

/** Whether an epoch without rows, at this watermark and processing time, would do anything. */
export function isDue(
  time: EpochTime,
  due: Due,
  at: { readonly watermark: Micros; readonly processingTime: Micros },
): boolean {
  const { nextWatermark, nextTimer } = due
  // A timer in event time that is overdue already waits for the watermark to move again.
  const moved = at.watermark > time.evicted
  if (moved && nextWatermark !== undefined && nextWatermark <= at.watermark) return true
  return nextTimer !== undefined && nextTimer <= at.processingTime
}

/**
 * Passes over an empty epoch that would do nothing. The late watermark moves as if it had run, so
 * the next rows are judged the same.
 */
export function skipEmptyEpoch(time: EpochTime, watermark: Micros): EpochTime {
  return { ...time, evicted: watermark, skipped: time.skipped + 1 }
}

/** As plain data for the manifest. */
export function encodeTime(time: EpochTime): Json {
  const { startedAt, due, ended: _, ...rest } = time
  const nodes: Record<string, Json> = {}
  for (const [node, partitions] of Object.entries(rest.nodes)) {
    const encoded: Record<string, Json> = {}
    for (const [partition, { watermark, movedAt }] of Object.entries(partitions)) {
      encoded[partition] = [watermark, movedAt]
    }
    nodes[node] = encoded
  }
  return { ...rest, nodes, startedAt: startedAt ?? null, due: { ...due } }
}

/** Reads what `encodeTime` wrote; `undefined` is the time before the first epoch. */
export function decodeTime(json: Json | undefined): EpochTime {
  if (json === undefined || json === null) return initialTime
  const fields: Partial<Record<keyof EpochTime, Json>> = record(json)
  const nodes: Record<string, Record<string, PartitionTime>> = {}
  for (const [node, partitions] of Object.entries(record(fields.nodes))) {
    const decoded: Record<string, PartitionTime> = {}
    for (const [partition, pair] of Object.entries(record(partitions))) {
      const [watermark, movedAt] = Array.isArray(pair) ? pair : []
      decoded[partition] = { watermark: time(watermark), movedAt: time(movedAt) }
    }
    nodes[node] = decoded
  }
  const startedAt = fields.startedAt
  return {
    nodes,
    evicted: time(fields.evicted),
    processingTime: time(fields.processingTime),
    startedAt: startedAt === null ? undefined : time(startedAt),
    skipped: time(fields.skipped),
    flushed: fields.flushed === true,
    due: decodeDue(fields.due),
    ended: [],
  }
}

function decodeDue(json: Json | undefined): Due {
  const due: Partial<Record<keyof Due, Json>> = record(json)
  return {
    ...(due.nextWatermark === undefined ? {} : { nextWatermark: time(due.nextWatermark) }),
    ...(due.nextTimer === undefined ? {} : { nextTimer: time(due.nextTimer) }),
  }
}

function nodeWatermark(
  time: EpochTime,
  rules: TimeRules,
  node: WatermarkNode,
  at: Micros,
): number | undefined {
  const timeout = idleTimeout(rules, node)
  const partitions = partitionsOf(time, node, (source) => !time.ended.includes(source))
  if (partitions.length === 0) {
    const before = reachOf(time, [...node.sources, ...sourcesBefore(rules, node)], rules)
    if (before !== undefined) return before
    const since = time.startedAt
    const isIdle = timeout !== undefined && since !== undefined && at - since >= timeout
    return isIdle ? undefined : 0
  }
  let smallest: number | undefined
  for (const { watermark, movedAt } of partitions) {
    if (timeout !== undefined && at - movedAt >= timeout) continue
    if (smallest === undefined || watermark < smallest) smallest = watermark
  }
  return smallest
}

/** Some source is waited for and has not come to its end. */
function isHeld(time: EpochTime, { after }: TimeRules): boolean {
  return Object.values(after).some((before) =>
    before.some((source) => !time.ended.includes(source)),
  )
}

/** Every source of the node has ended. */
function isOver({ ended }: EpochTime, { sources }: WatermarkNode): boolean {
  return sources.length > 0 && sources.every((source) => ended.includes(source))
}

/** What the watermark came to by those of the sources that have ended. */
function reachOf(
  time: EpochTime,
  sources: readonly string[],
  rules: TimeRules,
): number | undefined {
  if (time.ended.length === 0) return undefined
  const isOver = (source: string) => time.ended.includes(source) && sources.includes(source)
  const reached = rules.nodes.flatMap((node) => {
    const times = partitionsOf(time, node, isOver).map(({ watermark }) => watermark)
    return times.length === 0 ? [] : [Math.min(...times)]
  })
  if (reached.length === 0) return undefined
  return rules.policy === 'min' ? Math.min(...reached) : Math.max(...reached)
}

/** The partitions of a node whose source passes the test; `<source>/<partition>` is how tasks name them. */
function partitionsOf(
  time: EpochTime,
  { name, sources }: WatermarkNode,
  test: (source: string) => boolean,
): readonly PartitionTime[] {
  const all = Object.entries(time.nodes[name] ?? {})
  if (time.ended.length === 0) return all.map(([, partition]) => partition)
  return all.flatMap(([partition, times]) => {
    const own = sources.filter((one) => partition === one || partition.startsWith(`${one}/`))
    const [source = ''] = own.sort((left, right) => right.length - left.length)
    return test(source) ? [times] : []
  })
}

function sourcesBefore({ after }: TimeRules, { sources }: WatermarkNode): readonly string[] {
  return sources.flatMap((source) => after[source] ?? [])
}

/** A node over several sources is idle only when the most patient of them is. */
function idleTimeout(rules: TimeRules, node: WatermarkNode): number | undefined {
  if (node.idleTimeoutMicros !== undefined) return node.idleTimeoutMicros
  let longest: number | undefined
  for (const source of node.sources) {
    const timeout = rules.idleTimeoutMicros[source]
    if (timeout === undefined) return undefined
    longest = Math.max(longest ?? 0, timeout)
  }
  return longest
}

function later(left: Micros, right: Micros): Micros {
  return right > left ? right : left
}

function record(json: Json | undefined): Readonly<Record<string, Json>> {
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) {
    return json as Readonly<Record<string, Json>>
  }
  throw unreadable(json)
}

function time(json: Json | undefined): Micros {
  if (typeof json === 'number') return micros(json)
  throw unreadable(json)
}

function unreadable(json: Json | undefined): StreamError<'INTERNAL'> {
  return new StreamError('INTERNAL', { what: `times of a manifest: ${JSON.stringify(json)}` })
}
