import { type Epoch, nextEpoch } from '../src/core/units.ts'
import type { EpochHeader, Position, PositionRange } from '../src/flow/message.ts'
import {
  applyHeader,
  type Due,
  type EpochTime,
  isDue,
  nextHeader,
  processingTimeAt,
  skipEmptyEpoch,
  type TimeRules,
  watermarkAt,
} from './epoch-time.ts'
import type { JobSettings } from './job.ts'
import { capPosition, samePosition } from './positions.ts'
import { choose, chosen, type TriggerState } from './trigger.ts'
import { endedSources, type Turns, turnOf, withinEnd } from './turns.ts'

/** By source name. */
export type Positions = Readonly<Record<string, Position>>

/** What the next header is made from. */
export interface PlanState {
  /** The newest epoch that was begun. */
  readonly last: Epoch
  /** Where the sources stand after it. */
  readonly positions: Positions
  readonly time: EpochTime
  readonly trigger: TriggerState
  /** `availableNow`: where this run ends, once the sources have said so. */
  readonly ends: Positions | undefined
  readonly turns: Turns
}

/** What is known when a trigger fires. */
export interface PlanInput {
  readonly settings: JobSettings
  readonly rules: TimeRules
  readonly nowMs: number
  /** How far each source could go. */
  readonly latest: Positions
  /** Absent until every task has passed the last epoch. */
  readonly due: Due | undefined
}

export type Plan =
  | { readonly type: 'begin'; readonly header: EpochHeader; readonly state: PlanState }
  /** Nothing to read; what the state is now (an empty epoch may have been passed over). */
  | { readonly type: 'wait'; readonly state: PlanState }
  /** Nothing to read, and some tasks have yet to say whether anything is due. */
  | { readonly type: 'incomplete' }
  | { readonly type: 'finish' }

/** Decides what a trigger that fires now does. Pure; `beginEpoch` is what replayed headers need. */
export function plan(state: PlanState, input: PlanInput): Plan {
  const { settings, rules, nowMs, due } = input
  const ranges = rangesTo(state, input.latest)
  const hasData = Object.keys(ranges).length > 0
  if (!hasData && due === undefined) return { type: 'incomplete' }
  const processingTime = processingTimeAt(state.time, nowMs)
  const watermark = watermarkAt(state.time, rules, processingTime)
  const choice = choose(settings.trigger, state.trigger, {
    hasData,
    watermarkMoved: watermark > state.time.evicted,
    isDue: due !== undefined && isDue(state.time, due, { watermark, processingTime }),
    noDataEpochs: settings.noDataEpochs,
    wantsFlush: settings.flush && !state.time.flushed,
  })
  if (choice === 'finish') return { type: 'finish' }
  if (choice === 'wait') return { type: 'wait', state }
  if (choice === 'skip') {
    return { type: 'wait', state: { ...state, time: skipEmptyEpoch(state.time, watermark) } }
  }
  const epoch = nextEpoch(state.last)
  const times = nextHeader(state.time, rules, { epoch, nowMs, flush: choice === 'flush' })
  const isOpenEnded = choice === 'data' && settings.trigger.type === 'continuous'
  const header: EpochHeader = isOpenEnded ? times : { ...times, ranges }
  const begun = beginEpoch(state, header)
  return { type: 'begin', header, state: { ...begun, trigger: chosen(state.trigger, choice) } }
}

/** An epoch that only writes down what was passed over, so that the next run finds it. */
export function settlingHeader(state: PlanState, rules: TimeRules, nowMs: number): EpochHeader {
  const epoch = nextEpoch(state.last)
  return { ...nextHeader(state.time, rules, { epoch, nowMs, flush: false }), ranges: {} }
}

/** The state once an epoch with this header was begun. */
export function beginEpoch(state: PlanState, header: EpochHeader): PlanState {
  const positions = positionsAfter(state.positions, header)
  const ended = endedSources(positions, state.turns)
  return {
    ...state,
    last: header.epoch,
    time: { ...applyHeader(state.time, header), ended },
    positions,
  }
}

/** Where the sources stand after an epoch; those without a range stay where they were. */
export function positionsAfter(positions: Positions, header: EpochHeader): Positions {
  const after: Record<string, Position> = { ...positions }
  for (const [source, range] of Object.entries(header.ranges ?? {})) after[source] = range.to
  return after
}

/** Ranges of the sources that have moved. */
export function movedRanges(from: Positions, to: Positions): Record<string, PositionRange> {
  const ranges: Record<string, PositionRange> = {}
  for (const [source, start] of Object.entries(from)) {
    const end = to[source]
    if (end !== undefined && !samePosition(start, end)) ranges[source] = { from: start, to: end }
  }
  return ranges
}

/** What a question to the sources says: who may be read now, and where each has to stop. */
export function questionOf({ positions, ends, turns }: PlanState): {
  readonly names: readonly string[]
  readonly ends: Positions
} {
  const names = Object.keys(positions).filter(
    (name) => turnOf(name, positions, turns) === 'reading',
  )
  return { names, ends: { ...ends, ...turns.ends } }
}

/** Ranges of the sources whose turn it is; a source and one that waits for it are never in one epoch. */
function rangesTo(state: PlanState, latest: Positions): Record<string, PositionRange> {
  const { names, ends } = questionOf(state)
  const capped: Record<string, Position> = {}
  for (const name of names) {
    const to = latest[name]
    if (to !== undefined) capped[name] = stopOf(state, name, to, ends[name])
  }
  return movedRanges(state.positions, capped)
}

function stopOf(
  { positions, turns }: PlanState,
  name: string,
  to: Position,
  end: Position | undefined,
): Position {
  if (end === undefined) return to
  return turns.ends[name] === undefined
    ? capPosition(to, end)
    : withinEnd(positions[name] ?? {}, to, end)
}
