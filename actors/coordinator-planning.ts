import { unreachable } from '../src/core/error.ts'
import { nextEpoch } from '../src/core/units.ts'
import type { EpochHeader, Position } from '../src/flow/message.ts'
import { mayBegin } from './checkpoint-protocol.ts'
import { type Asking, type Coordination, forget, havePassed, remind } from './coordination.ts'
import { happen } from './coordinator-commands.ts'
import type { LatestReply } from './coordinator-effects.ts'
import { dueAfter, reportOf } from './epoch-ledger.ts'
import { absorbReport, type Due, nextIdleAt } from './epoch-time.ts'
import {
  beginEpoch,
  movedRanges,
  type PlanState,
  type Positions,
  plan,
  positionsAfter,
  questionOf,
  settlingHeader,
} from './planning.ts'
import { firesOnGrid, ignoresLimits, triggered, untilTrigger } from './trigger.ts'

/** Asked again after this long while idle, if nobody calls; the wait grows up to `pollMsMax`. */
const pollMsFirst = 10
const pollMsMax = 100

/** Begins the next epoch if it can, or asks the sources whether there is one to begin. */
export function look(know: Coordination): void {
  if (know.asking !== undefined || !mayBegin(know.protocol)) return
  if (!havePassed(know, know.watermarkTasks)) return
  const { planState, protocol } = know
  const { trigger } = know.deployment.settings
  const [replayed] = protocol.replay
  if (know.stopping) return settleAndStop(know)
  if (trigger.type === 'availableNow' && planState.ends === undefined) return ask(know, 'ends')
  if (replayed !== undefined)
    return begin(know, replayed, beginEpoch(planState, replayed), now(know))
  if (know.waitsForAll && !havePassed(know, know.parties.tasks)) return
  const earlyMs = untilTrigger(trigger, planState.trigger, know.owner.clock.now())
  if (earlyMs > 0) {
    if (protocol.runs.length === 0) say(know, 'Waiting for next trigger', false)
    return remind(know, 'look', earlyMs, { type: 'look' })
  }
  if (know.hasArrived || firesOnGrid(trigger)) ask(know, 'next')
}

/** Takes in how far the sources could go, and decides. */
export function hear(know: Coordination, { latest, tookMs }: LatestReply): void {
  const { asking: asked, planState } = know
  const { settings } = know.deployment
  if (asked === undefined) return
  know.asking = undefined
  if (asked.purpose === 'ends') {
    know.planState = { ...planState, ends: { ...latest, ...planState.turns.ends } }
    know.hasArrived = true
    return look(know)
  }
  if (know.stopping || !mayBegin(know.protocol)) return look(know)
  const nowMs = asked.atMs
  const planned = plan(planState, { settings, rules: know.rules, nowMs, latest, due: dueNow(know) })
  switch (planned.type) {
    case 'begin': {
      const trigger = triggered(settings.trigger, planned.state.trigger, nowMs)
      return begin(
        know,
        planned.header,
        { ...planned.state, trigger },
        { ...asked, latest, tookMs },
      )
    }
    case 'incomplete':
      know.waitsForAll = true
      know.hasArrived = true
      return look(know)
    case 'finish':
      know.stopping = true
      return happen(know, { type: 'stop' })
    case 'wait': {
      const trigger = triggered(settings.trigger, planned.state.trigger, nowMs)
      know.planState = { ...planned.state, trigger }
      return rest(know, asked)
    }
    default:
      return unreachable(planned)
  }
}

/** Takes in the times of the newest epoch as soon as every watermark node has reported. */
export function absorb(know: Coordination): void {
  const { newest, planState } = know
  if (newest === undefined || newest.time !== undefined) return
  if (!havePassed(know, know.watermarkTasks)) return
  newest.time = absorbReport(planState.time, newest.header, reportOf(newest))
  know.planState = { ...planState, time: newest.time }
}

/** Continuous trigger: once every source has cut, the ranges of the epoch are known. */
export function settleRanges(know: Coordination): void {
  const { newest } = know
  if (newest === undefined || newest.header.ranges !== undefined) return
  if (!havePassed(know, know.parties.sources)) return
  forget(know, 'cut')
  const to: Record<string, Position> = {}
  for (const { task, position } of newest.passed.values()) {
    const name = know.sourceNames.get(task)
    if (name !== undefined && position !== undefined) to[name] = position
  }
  const header = { ...newest.header, ranges: movedRanges(newest.from, to) }
  newest.header = header
  newest.to = positionsAfter(newest.from, header)
  know.planState = { ...know.planState, positions: newest.to }
  happen(know, { type: 'cut', header })
}

/** Rows may have arrived: asking makes sense again. */
export function arrived(know: Coordination): void {
  know.polls = 0
  if (know.hasArrived) return
  know.hasArrived = true
  if (know.asking === undefined) know.links.self.send({ type: 'look' })
}

interface Occasion {
  readonly atMs: number
  readonly startedAt: number
  readonly tookMs: number
  readonly latest?: Positions
}

function begin(know: Coordination, header: EpochHeader, next: PlanState, at: Occasion): void {
  const { clock } = know.owner
  const from = know.planState.positions
  know.planState = next
  know.newest = know.ledger.begin({
    header,
    from,
    to: next.positions,
    latest: at.latest,
    replayed: know.protocol.replay.length > 0,
    triggerStartMs: at.atMs,
    latestTookMs: at.tookMs,
  })
  know.newest.marks.set('trigger', at.startedAt).set('begun', clock.monotonic())
  know.polls = 0
  know.waitsForAll = false
  know.saidIdle = false
  know.hasArrived = true
  say(know, 'Processing new data', true)
  happen(know, { type: 'begin', header })
}

function settleAndStop(know: Coordination): void {
  const { planState, protocol } = know
  if (planState.time.skipped > 0 && protocol.replay.length === 0) {
    const header = settlingHeader(planState, know.rules, know.owner.clock.now())
    begin(know, header, beginEpoch(planState, header), now(know))
  }
  happen(know, { type: 'stop' })
}

function ask(know: Coordination, purpose: Asking['purpose']): void {
  const { planState, protocol, wakes } = know
  const { atMs, startedAt } = now(know)
  know.asking = { atMs, startedAt, wakes, purpose }
  know.hasArrived = false
  forget(know, 'look')
  const ignoreLimits = purpose === 'ends' || ignoresLimits(know.deployment.settings.trigger)
  const from = protocol.replay.reduce(positionsAfter, planState.positions)
  const { names, ends } = purpose === 'ends' ? openEnds(planState) : questionOf(planState)
  know.links.ask.send({ names, from, ignoreLimits, ends })
}

/** `availableNow` asks where the sources end, apart from those whose end was fixed long ago. */
function openEnds({ positions, turns }: PlanState) {
  const names = Object.keys(positions).filter((name) => turns.ends[name] === undefined)
  return { names, ends: {} }
}

/** Nothing to do now: sleeps until something arrives or is due. */
function rest(know: Coordination, asked: Asking): void {
  const onGrid = firesOnGrid(know.deployment.settings.trigger)
  if (know.protocol.runs.length === 0) {
    if (!know.saidIdle) {
      say(know, onGrid ? 'Waiting for next trigger' : 'Waiting for data to arrive', false)
    }
    know.saidIdle = true
    const { atMs, wakes } = asked
    know.owner.listener({ type: 'idle', atMs, nextEpoch: nextEpoch(know.planState.last), wakes })
  }
  if (know.hasArrived || onGrid) return look(know)
  const delayMs = restMs(know)
  if (delayMs !== undefined) remind(know, 'look', delayMs, { type: 'look' })
}

function restMs(know: Coordination): number | undefined {
  const { settings, sources } = know.deployment
  const waits: number[] = []
  const { names } = questionOf(know.planState)
  for (const { name, source } of sources) {
    if (source.onArrival !== undefined || !names.includes(name)) continue
    const first = source.pollMs ?? pollMsFirst
    waits.push(Math.min(first * 1.3 ** know.polls, Math.max(first, pollMsMax)))
  }
  know.polls += 1
  if (settings.noDataEpochs) {
    const { time } = know.planState
    const nowMs = know.owner.clock.now()
    const timer = dueNow(know)?.nextTimer
    const idle = nextIdleAt(time, know.rules, time.processingTime)
    if (timer !== undefined) waits.push(timer / 1000 - nowMs)
    if (idle !== undefined && idle / 1000 > nowMs) waits.push(idle / 1000 - nowMs)
  }
  return waits.length === 0 ? undefined : Math.max(1, Math.min(...waits))
}

/** What the operators wait for; unknown until every task has passed the newest epoch. */
function dueNow(know: Coordination): Due | undefined {
  if (know.newest === undefined) return know.planState.time.due
  return havePassed(know, know.parties.tasks) ? dueAfter(know.newest) : undefined
}

function now(know: Coordination): Occasion {
  const { clock } = know.owner
  return { atMs: clock.now(), startedAt: clock.monotonic(), tookMs: 0 }
}

function say(know: Coordination, message: string, isActive: boolean): void {
  const { listener } = know.owner
  listener({ type: 'status', message, isDataAvailable: isActive, isTriggerActive: isActive })
}
