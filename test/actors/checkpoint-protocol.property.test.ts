import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  firstAbortable,
  mayBegin,
  type ProtocolCommand,
  type ProtocolEvent,
  type ProtocolParties,
  type ProtocolState,
  startProtocol,
  step,
} from '../../actors/checkpoint-protocol.ts'
import { taskId } from '../../actors/task-id.ts'
import { epoch, initialEpoch, micros, nextEpoch } from '../../src/core/units.ts'
import type { EpochHeader } from '../../src/flow/message.ts'

const [source, operator, sink] = [taskId(0, 0), taskId(1, 0), taskId(2, 0)]
const tasks = [source, operator, sink]

const parties = fc.record({
  authoritative: fc.constantFrom(undefined, 'kafka'),
  repeatable: fc.constantFrom<readonly string[]>([], ['files'], ['files', 'table']),
  epochsInFlight: fc.integer({ min: 1, max: 3 }),
})

function header(number: number, isOpen: boolean): EpochHeader {
  const times = { lateWatermark: micros(0), evictWatermark: micros(0), processingTime: micros(0) }
  return { epoch: epoch(number), ...times, idle: [], ...(isOpen ? {} : { ranges: {} }) }
}

interface Move {
  readonly kind: 'begin' | 'cut' | 'passed' | 'ack' | 'answer' | 'again' | 'stop' | 'timeout'
  /** Which epoch under way it is about; now and then one that is not. */
  readonly at: number
  readonly stray: boolean
  readonly who: number
}

const kinds: fc.MaybeWeightedArbitrary<Move['kind']>[] = [
  { weight: 3, arbitrary: fc.constant('begin') },
  { weight: 1, arbitrary: fc.constant('cut') },
  { weight: 8, arbitrary: fc.constant('passed') },
  { weight: 8, arbitrary: fc.constant('ack') },
  { weight: 10, arbitrary: fc.constant('answer') },
  { weight: 2, arbitrary: fc.constant('again') },
  { weight: 1, arbitrary: fc.constantFrom('stop', 'timeout') },
]

const moves = fc.array(
  fc.record<Move>({
    kind: fc.oneof(...kinds),
    at: fc.nat(2),
    stray: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.constant(true)),
    who: fc.nat(29),
  }),
  { minLength: 20, maxLength: 150, size: 'max' },
)

/** Answers are only given to commands that were asked; everything else may come at any time. */
function eventOf(
  move: Move,
  state: ProtocolState,
  asked: ProtocolCommand[],
  continuous: boolean,
): ProtocolEvent | undefined {
  const run = state.runs[move.at % Math.max(1, state.runs.length)]
  const at = move.stray || run === undefined ? epoch(move.at) : run.header.epoch
  switch (move.kind) {
    case 'begin':
      return { type: 'begin', header: header(nextEpoch(state.last), continuous) }
    case 'cut':
      return { type: 'cut', header: header(at, false) }
    case 'passed':
    case 'ack':
      return { type: move.kind, epoch: at, task: tasks[move.who % 3] ?? source }
    case 'timeout':
      return move.who === 0 ? { type: 'timeout', epoch: at } : undefined
    case 'stop':
      return move.who < 3 ? { type: 'stop' } : undefined
    case 'answer':
      return answer(asked.splice(move.who % Math.max(1, asked.length), 1)[0], asked)
    case 'again':
      return undefined
  }
}

function answer(
  command: ProtocolCommand | undefined,
  asked: ProtocolCommand[],
): ProtocolEvent | undefined {
  if (command?.type === 'decide') return { type: 'decided', epoch: command.header.epoch }
  if (command?.type === 'note') return { type: 'noted', epoch: command.epoch }
  if (command?.type === 'publish') {
    return { type: 'published', epoch: command.epoch, snapshotId: `s${command.epoch}` }
  }
  if (command?.type !== 'commit') return undefined
  const [name, ...rest] = command.sinks
  if (rest.length > 0) asked.push({ ...command, sinks: rest })
  return name === undefined
    ? undefined
    : { type: 'sinkCommitted', epoch: command.epoch, sink: name }
}

/** What an observer who only sees events and commands may conclude. */
interface Seen {
  readonly decided: Set<number>
  readonly acked: Map<number, Set<string>>
  readonly passed: Map<number, Set<string>>
  readonly committed: Map<number, Set<string>>
  readonly published: number[]
  readonly noted: number[]
  readonly released: number[]
  readonly opened: number[]
}

function note<Item>(map: Map<number, Set<Item>>, at: number, item: Item): void {
  const set = map.get(at) ?? new Set<Item>()
  map.set(at, set.add(item))
}

function hear(seen: Seen, event: ProtocolEvent, live: (at: number) => boolean): void {
  if (event.type === 'decided') seen.decided.add(event.epoch)
  if (event.type === 'noted' && !seen.noted.includes(event.epoch)) seen.noted.push(event.epoch)
  if (event.type === 'sinkCommitted') note(seen.committed, event.epoch, event.sink)
  if (event.type === 'ack' && live(event.epoch)) note(seen.acked, event.epoch, event.task)
  if (event.type === 'passed' && live(event.epoch)) note(seen.passed, event.epoch, event.task)
}

function checkCommand(
  seen: Seen,
  command: ProtocolCommand,
  who: ProtocolParties,
  continuous: boolean,
  replayed: number,
): void {
  switch (command.type) {
    case 'open':
      expect(command.header.epoch).toBe(seen.opened.length)
      if (!continuous && command.header.epoch >= replayed)
        expect(seen.decided.has(command.header.epoch)).toBe(true)
      seen.opened.push(command.header.epoch)
      return
    case 'allow':
      expect(seen.decided.has(command.epoch)).toBe(true)
      return
    case 'publish':
      expect(command.epoch).toBe(seen.published.length)
      expect(command.epoch < replayed || seen.decided.has(command.epoch)).toBe(true)
      expect(seen.acked.get(command.epoch)?.size).toBe(tasks.length)
      // Everything of the epoch before is committed and noted: a restart looks at one manifest only.
      expect(seen.noted).toEqual(seen.published)
      seen.published.push(command.epoch)
      return
    case 'commit': {
      expect(seen.published.at(-1)).toBe(command.epoch)
      const isFirst = who.authoritative === undefined || command.sinks.includes(who.authoritative)
      if (isFirst && who.authoritative !== undefined) expect(command.sinks).toHaveLength(1)
      if (!isFirst)
        expect(seen.committed.get(command.epoch)?.has(who.authoritative ?? '')).toBe(true)
      return
    }
    case 'note': {
      const all = [
        ...who.repeatable,
        ...(who.authoritative === undefined ? [] : [who.authoritative]),
      ]
      expect([...(seen.committed.get(command.epoch) ?? [])].sort()).toEqual(all.sort())
      return
    }
    case 'release':
      expect(command.epoch).toBe(seen.released.length)
      seen.released.push(command.epoch)
      return
    default:
  }
}

test('whatever happens in whatever order, epochs open, are published, committed and released in order', () => {
  fc.assert(
    fc.property(parties, moves, fc.boolean(), fc.nat(2), (some, run, continuous, replayed) => {
      const who: ProtocolParties = {
        ...some,
        repeatable: new Set(some.repeatable),
        tasks: new Set(tasks),
        sources: new Set([source]),
      }
      const replay = Array.from({ length: replayed }, (_, index) => ({
        ...header(index, false),
        processingTime: micros(1 + index),
      }))
      let state = startProtocol(who, initialEpoch, replay)
      const asked: ProtocolCommand[] = []
      const seen: Seen = {
        decided: new Set(),
        acked: new Map(),
        passed: new Map(),
        committed: new Map(),
        published: [],
        noted: [],
        released: [],
        opened: [],
      }
      const past: ProtocolEvent[] = []
      let ended = false
      for (const move of run) {
        const repeated =
          move.kind === 'again' ? past[move.who % Math.max(1, past.length)] : undefined
        const event = repeated ?? eventOf(move, state, asked, continuous)
        // No task passes or acks what was never opened.
        const tells = event?.type === 'passed' || event?.type === 'ack'
        if (tells && !seen.opened.includes(event.epoch)) continue
        if (event === undefined || (repeated !== undefined && event.type === 'begin')) continue
        past.push(event)
        const may = mayBegin(state)
        hear(seen, event, (at) => state.runs.some((each) => each.header.epoch === at))
        const next = step(state, event)
        if (ended) expect(next.commands).toEqual([])
        if (event.type === 'begin') expect(next.commands.length > 0).toBe(may)
        state = next.state
        for (const command of next.commands) {
          checkCommand(seen, command, who, continuous, replayed)
          asked.push(command)
          if (command.type === 'open') {
            expect(command.header.processingTime).toBe(
              replay[command.header.epoch]?.processingTime ?? 0,
            )
          }
          if (command.type === 'finished' || command.type === 'expire') ended = true
          if (command.type === 'finished') expect(state.runs).toEqual([])
        }
        const unpublished = state.runs.filter(({ snapshotId }) => snapshotId === undefined)
        expect(unpublished.length).toBeLessThanOrEqual(who.epochsInFlight)
        expect(firstAbortable(state)).toBe(seen.published.length)
        // A source gets its next header only when it has passed the last one.
        for (const { header: each } of state.runs.slice(0, -1)) {
          expect(seen.passed.get(each.epoch)?.has(source)).toBe(true)
        }
      }
    }),
    { numRuns: 1000 },
  )
})

test('an epoch that does not get on in time says what it waits for', () => {
  const who: ProtocolParties = {
    tasks: new Set(tasks),
    sources: new Set([source]),
    authoritative: undefined,
    repeatable: new Set(['files']),
    epochsInFlight: 2,
  }
  let state = startProtocol(who, initialEpoch, [])
  const events: ProtocolEvent[] = [
    { type: 'begin', header: header(0, false) },
    { type: 'decided', epoch: epoch(0) },
    { type: 'passed', epoch: epoch(0), task: source },
    { type: 'ack', epoch: epoch(0), task: source },
  ]
  for (const event of events) state = step(state, event).state
  const { commands } = step(state, { type: 'timeout', epoch: epoch(0) })
  expect(commands).toEqual([
    { type: 'expire', epoch: 0, stage: 'running', missing: [operator, sink] },
  ])
})
