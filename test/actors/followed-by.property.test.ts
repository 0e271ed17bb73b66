import fc from 'fast-check'
import { expect, test } from 'vitest'
import { absorbReport, initialTime, type TimeRules } from '../../actors/epoch-time.ts'
import { defaultSettings } from '../../actors/job.ts'
import { beginEpoch, type PlanState, type Positions, plan } from '../../actors/planning.ts'
import { firstTrigger } from '../../actors/trigger.ts'
import { endedSources, type Turns } from '../../actors/turns.ts'
import { initialEpoch, micros } from '../../src/core/units.ts'
import type { EpochHeader, Position } from '../../src/flow/message.ts'

/** Three parts: a history of two sources, one behind it, and a live stream that never ends. */
const names = ['a', 'b', 'c', 'd'] as const
const after = { c: ['a', 'b'], d: ['a', 'b', 'c'] }
const histories = ['a', 'b', 'c']

const position = fc.record({ '0': fc.nat(4), '1': fc.nat(4) })
/** One look at the sources: what has come to each of them since, and how much an epoch may take. */
interface Step {
  readonly limit: number
  readonly more: Positions
  readonly restarts: boolean
}

const step: fc.Arbitrary<Step> = fc.record({
  limit: fc.integer({ min: 1, max: 4 }),
  more: fc.record({ a: position, b: position, c: position, d: position }),
  restarts: fc.boolean(),
})
const worlds = fc.record({
  ends: fc.record({ a: position, b: position, c: position }),
  steps: fc.array(step, { minLength: 1, maxLength: 30 }),
  watermarks: fc.constantFrom('one', 'each'),
  policy: fc.constantFrom<'min' | 'max'>('min', 'max'),
})

const zero: Position = { '0': 0, '1': 0 }

function stateOf(ends: Positions): PlanState {
  const positions = Object.fromEntries(names.map((name) => [name, zero]))
  const turns: Turns = { after, ends }
  return {
    last: initialEpoch,
    positions,
    time: { ...initialTime, ended: endedSources(positions, turns) },
    trigger: firstTrigger(0, 0),
    ends: undefined,
    turns,
  }
}

function rulesOf(watermarks: string, policy: 'min' | 'max'): TimeRules {
  const nodes =
    watermarks === 'one'
      ? [{ name: 'all', sources: [...names] }]
      : names.map((name) => ({ name, sources: [name] }))
  return { nodes, policy, idleTimeoutMicros: {}, after }
}

const sumOf = (at: Position = {}): number =>
  Object.values(at).reduce<number>((sum, n) => sum + Number(n), 0)

/** As a restart finds it: positions and times of the manifest, everything else as at a start. */
function restarted(state: PlanState): PlanState {
  const ended = endedSources(state.positions, state.turns)
  return { ...state, time: { ...state.time, ended }, trigger: firstTrigger(0, 0) }
}

const isRead = (state: PlanState, name: string): boolean =>
  sumOf(state.positions[name]) === sumOf(state.turns.ends[name])

/** What must be true of a decision in this state. */
function check(before: PlanState, header: EpochHeader): void {
  for (const source of Object.keys(header.ranges ?? {})) {
    const waits: readonly string[] =
      Object.entries(after).find(([name]) => name === source)?.[1] ?? []
    expect(waits.every((name) => isRead(before, name))).toBe(true)
  }
  if (!histories.every((name) => isRead(before, name))) expect(header.evictWatermark).toBe(0)
}

test('no part is read before those in front of it are at their ends, no watermark moves before the last, and all comes to be read', () => {
  fc.assert(
    fc.property(worlds, ({ ends, steps, watermarks, policy }) => {
      const rules = rulesOf(watermarks, policy)
      let state = stateOf(ends)
      let there: Positions = { ...ends, d: zero }
      const last = Array.from({ length: 16 }, (): Step => {
        return { limit: 100, more: { a: zero, b: zero, c: zero, d: zero }, restarts: false }
      })
      for (const { limit, more, restarts } of [...steps, ...last]) {
        there = each((name) => plus(there[name] ?? zero, more[name] ?? zero))
        const latest = each((name) =>
          limited(state.positions[name] ?? zero, there[name] ?? zero, limit),
        )
        const decided = plan(state, { settings: defaultSettings, rules, nowMs: 0, latest, due: {} })
        if (decided.type === 'wait') state = decided.state
        if (decided.type !== 'begin') continue
        const { header } = decided
        check(state, header)
        // A decision that is run again leaves the same state.
        expect(beginEpoch(state, header).time).toEqual(decided.state.time)
        const time = absorbReport(decided.state.time, header, reportOf(header, watermarks))
        state = { ...decided.state, time }
        if (restarts) state = restarted(state)
      }
      expect(histories.filter((name) => !isRead(state, name))).toEqual([])
      expect(state.positions['d']).toEqual(there['d'])
    }),
  )
})

function each(value: (name: string) => Position): Positions {
  return Object.fromEntries(names.map((name) => [name, value(name)]))
}

function plus(left: Position, right: Position): Position {
  return {
    '0': Number(left['0']) + Number(right['0']),
    '1': Number(left['1']) + Number(right['1']),
  }
}

function limited(from: Position, to: Position, limit: number): Position {
  const next = (partition: string) =>
    Math.min(Number(to[partition]), Number(from[partition]) + limit)
  return { '0': next('0'), '1': next('1') }
}

/** Row n of a partition has the time n seconds; positions say how many there were. */
function reportOf({ ranges = {} }: EpochHeader, watermarks: string) {
  const found: Record<string, Record<string, ReturnType<typeof micros>>> = {}
  for (const [source, { from, to }] of Object.entries(ranges)) {
    for (const partition of ['0', '1']) {
      if (from[partition] === to[partition]) continue
      const node = watermarks === 'one' ? 'all' : source
      found[node] = {
        ...found[node],
        [`${source}/${partition}`]: micros(Number(to[partition]) * 1_000_000),
      }
    }
  }
  return { watermarks: found }
}
