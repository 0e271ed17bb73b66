import type { EpochProgress } from '../../actors/job.ts'
import type { Json } from '../core/json.ts'
import type {
  AsyncOperatorProgress,
  EventTimeProgress,
  LaneProgress,
  SinkProgress,
  SourceProgress,
  StateOperatorProgress,
  StreamingQueryProgress,
} from '../dataframe/progress.ts'
import type { OperatorProgress } from '../flow/operator.ts'
import type { CallCounts } from '../operators/async/attempts.ts'
import type { PhysicalPlan } from '../physical/physical.ts'
import { statefulOperators, watermarkNodes } from './instantiate.ts'

/** What a progress needs besides the figures of the epoch. */
export interface ProgressContext {
  readonly id: string
  readonly runId: string
  readonly name: string | undefined
  readonly plan: PhysicalPlan
  readonly lanes: number
  readonly shards: number
  readonly sources: ReadonlyMap<string, SourceFacts>
  readonly sink: SinkFacts
  /** Start of the previous trigger, milliseconds; absent for the first. */
  readonly previousTriggerMs: number | undefined
}

export interface SourceFacts {
  readonly description: string
  metrics?(): Readonly<Record<string, string>>
}

/** The sink as the progress sees it. */
export type SinkFacts = SourceFacts

/** Spark's progress of one epoch. */
export function progressOf(epoch: EpochProgress, context: ProgressContext): StreamingQueryProgress {
  const rows = Object.values(epoch.rowsBySource).reduce((sum, count) => sum + count, 0)
  const processingMs = Math.max(epoch.committedMs - epoch.triggerStartMs, 1)
  const sinceLastMs =
    context.previousTriggerMs === undefined
      ? undefined
      : epoch.triggerStartMs - context.previousTriggerMs
  const rates = { sinceLastMs, processingMs }
  return {
    id: context.id,
    runId: context.runId,
    name: context.name ?? null,
    timestamp: isoOf(epoch.triggerStartMs),
    batchId: epoch.epoch,
    batchDuration: epoch.committedMs - epoch.triggerStartMs,
    numInputRows: rows,
    ...ratesOf(rows, rates),
    durationMs: epoch.durationMs,
    eventTime: eventTimeOf(epoch, context.plan),
    stateOperators: stateOperatorsOf(epoch, context),
    ...asyncOperatorsOf(epoch, context),
    sources: sourcesOf(epoch, context, rates),
    sink: sinkOf(epoch, context),
    ...badRowsOf(epoch),
    observedMetrics: {},
    lanes: lanesOf(epoch, context),
  }
}

interface Rates {
  readonly sinceLastMs: number | undefined
  readonly processingMs: number
}

/** Rows per second with one decimal; absent where the time is zero or unknown. */
function ratesOf(
  rows: number,
  { sinceLastMs, processingMs }: Rates,
): { readonly inputRowsPerSecond?: number; readonly processedRowsPerSecond?: number } {
  const perSecond = (ms: number): number => Math.round((rows * 10_000) / ms) / 10
  return {
    ...(sinceLastMs === undefined || sinceLastMs <= 0
      ? {}
      : { inputRowsPerSecond: perSecond(sinceLastMs) }),
    processedRowsPerSecond: perSecond(processingMs),
  }
}

function eventTimeOf(epoch: EpochProgress, plan: PhysicalPlan): EventTimeProgress {
  if (!plan.stages.some((stage) => watermarkNodes(stage).length > 0)) return {}
  const watermark = isoOf(epoch.header.evictWatermark / 1000)
  const times = epoch.report.eventTime
  if (times === undefined || times.count === 0) return { watermark }
  return {
    max: isoOf(times.max / 1000),
    min: isoOf(times.min / 1000),
    avg: isoOf(times.sum / times.count / 1000),
    watermark,
  }
}

function stateOperatorsOf(
  epoch: EpochProgress,
  { plan, lanes, shards }: ProgressContext,
): readonly StateOperatorProgress[] {
  const none: OperatorProgress = { rowsIn: 0 }
  return plan.stages.flatMap((stage) =>
    statefulOperators(stage).map((name) => {
      const figures = epoch.report.progress?.[name] ?? none
      return {
        operatorName: figures.stateName ?? name,
        numRowsTotal: figures.rowsTotal ?? 0,
        numRowsUpdated: figures.rowsUpdated ?? 0,
        allUpdatesTimeMs: 0,
        numRowsRemoved: figures.rowsRemoved ?? 0,
        allRemovalsTimeMs: 0,
        commitTimeMs: 0,
        memoryUsedBytes: figures.memoryUsedBytes ?? 0,
        storedBytes: figures.storedBytes ?? 0,
        numRowsDroppedByWatermark: figures.rowsDroppedByWatermark ?? 0,
        numShufflePartitions: stage.single ? 1 : lanes,
        numStateStoreInstances: stage.single ? 1 : shards,
        customMetrics: figures.custom ?? {},
        ...(figures.watermarks === undefined ? {} : { watermarks: figures.watermarks }),
      }
    }),
  )
}

function badRowsOf({ report }: EpochProgress): Pick<StreamingQueryProgress, 'badRows'> {
  const found = Object.entries(report.progress ?? {}).flatMap(([operator, { badRows }]) =>
    badRows === undefined
      ? []
      : [{ operator, numRows: badRows.rows, numDeadLetters: badRows.deadLetters }],
  )
  return found.length === 0 ? {} : { badRows: found }
}

function asyncOperatorsOf(
  epoch: EpochProgress,
  { plan }: ProgressContext,
): Pick<StreamingQueryProgress, 'asyncOperators'> {
  const steps = plan.stages.flatMap((stage) => stage.steps)
  const asyncOperators = steps.flatMap((step): readonly AsyncOperatorProgress[] => {
    if (step.kind !== 'mapAsync') return []
    const { operator } = step.spec
    const { rowsIn = 0, custom = {} } = epoch.report.progress?.[operator] ?? {}
    const figure = (name: keyof CallCounts): number => custom[name] ?? 0
    return [
      {
        operatorName: operator,
        numInputRows: rowsIn,
        maxRowsInFlight: figure('inFlightMax'),
        numRetries: figure('retries'),
        numTimeouts: figure('timeouts'),
        numRowsDropped: figure('dropped'),
      },
    ]
  })
  return asyncOperators.length === 0 ? {} : { asyncOperators }
}

function sourcesOf(
  epoch: EpochProgress,
  { sources }: ProgressContext,
  rates: Rates,
): readonly SourceProgress[] {
  return [...sources].map(([name, facts]) => {
    const range = epoch.ranges[name]
    const numInputRows = epoch.rowsBySource[name] ?? 0
    return {
      description: facts.description,
      startOffset: (range?.from ?? null) as Json,
      endOffset: (range?.to ?? null) as Json,
      latestOffset: (epoch.latest?.[name] ?? range?.to ?? null) as Json,
      numInputRows,
      ...(epoch.turns?.[name] === undefined ? {} : { turn: epoch.turns[name] }),
      ...ratesOf(numInputRows, rates),
      metrics: facts.metrics?.() ?? {},
    }
  })
}

function sinkOf(epoch: EpochProgress, { plan, sink }: ProgressContext): SinkProgress {
  const task = `${plan.stages.length}/0`
  const figures = epoch.tasks.find((each) => each.task === task)
  return {
    description: sink.description,
    numOutputRows: figures?.rowsIn ?? -1,
    metrics: sink.metrics?.() ?? {},
  }
}

/** Rows that entered each lane of the stages behind a hash exchange, or of the sources without one. */
function lanesOf(epoch: EpochProgress, { plan, lanes }: ProgressContext): readonly LaneProgress[] {
  const keyed = plan.stages.filter((stage) =>
    stage.inputs.some(({ exchange }) => exchange.kind === 'hash'),
  )
  const counted =
    keyed.length > 0 ? keyed : plan.stages.filter((stage) => stage.source !== undefined)
  return Array.from({ length: lanes }, (_, lane) => ({
    lane,
    numInputRows: epoch.tasks
      .filter(({ task }) => counted.some((stage) => task === `${stage.id}/${lane}`))
      .reduce((sum, { rowsIn }) => sum + rowsIn, 0),
  }))
}

function isoOf(ms: number): string {
  return new Date(Math.floor(ms)).toISOString()
}
