import { type Batch, select } from '../../batch/batch.ts'
import { toEdge, toRow } from '../../batch/edge-row.ts'
import { typeText } from '../../batch/schema.ts'
import { reasonOf, StreamError } from '../../core/error.ts'
import { micros } from '../../core/units.ts'
import { heldBack } from '../../flow/held-back.ts'
import type { EpochHeader } from '../../flow/message.ts'
import type { EpochReport, Operator, Output, Wait } from '../../flow/operator.ts'
import type { Emitted, QueryInfo, Timers } from '../../flow/stateful-processor.ts'
import type { StateContext } from '../context.ts'
import { textOfKey } from '../keyed/entries.ts'
import { splitLate, timesOf } from '../row-times.ts'
import { type GroupRows, groupsOf, type PendingRows } from './epoch-groups.ts'
import { HandlerRows } from './handler-rows.ts'
import { initialRows } from './initial-rows.ts'
import { largestTime } from './input-times.ts'
import { type Instance, makeInstance } from './instance.ts'
import { isEmptyHead } from './key-head.ts'
import { type DueTimer, type Group, ProcessState } from './process-state.ts'
import { processMetrics } from './progress.ts'
import { valuesAt } from './row-values.ts'
import type { Current, Figure } from './scope.ts'
import type { ProcessSpec } from './spec.ts'
import { firstShape, readShape, type StateShape } from './state-shape.ts'
import { timersOf } from './timers.ts'
import { sweepRange } from './variables.ts'

const never = Number.POSITIVE_INFINITY
/** Keys whose state is fetched and handled at a time. */
const keysAtOnce = 1024

/** What the state of an operator is made of before anything is restored. */
export function shapeOfProcess(spec: ProcessSpec): StateShape {
  const keys = spec.keys.map(({ type }) => typeText(type)).join(', ')
  return firstShape({ style: spec.style, keys, timeMode: spec.timeMode }, spec.declarations)
}

/** Runs a stateful program of the user (rules P1 to P7). */
export async function processOperator(spec: ProcessSpec, context: StateContext): Promise<Operator> {
  const shape = readShape(context.shape) ?? shapeOfProcess(spec)
  const instance = makeInstance(spec, shape)
  const state = new ProcessState(
    spec.operator,
    spec.keys.map(({ type }) => type),
    context,
  )
  await state.attach()
  return new ProcessOperator({ spec, shape, instance, state, context })
}

interface Parts {
  readonly spec: ProcessSpec
  readonly shape: StateShape
  readonly instance: Instance
  readonly state: ProcessState
  readonly context: StateContext
}

/** Which part of an epoch is under way: what time it is depends on it. */
interface Moment {
  /** Event time of what is written now, and the watermark that handlers see; microseconds. */
  readonly eventTime: number
  readonly watermark: number
  /** True where the key had state although it may have none any more. */
  readonly hadState?: true
}

class ProcessOperator implements Operator {
  readonly name: string
  readonly #parts: Parts
  readonly #known: ReadonlySet<number>
  readonly #rows: HandlerRows
  /** The event time of input rows, where it counts. */
  readonly #timeColumn: number | undefined
  #header: EpochHeader | undefined
  #late = Number.NEGATIVE_INFINITY
  #evict = Number.NEGATIVE_INFINITY
  #pending: PendingRows[] = []
  #isInitialDone = false
  /** Timers that a timer registered in this epoch: they wait for the next one. */
  #fresh: Set<string> | undefined
  #figures = new Map<Figure, number>()
  #rowsIn = 0
  #rowsLate = 0
  #keysUpdated = 0
  #keysRemoved = 0

  constructor(parts: Parts) {
    const { spec, shape } = parts
    this.name = spec.operator
    this.#parts = parts
    this.#known = new Set(shape.variables.map(({ id }) => id))
    this.#timeColumn = spec.timeMode === 'eventTime' ? spec.timeColumn : undefined
    this.#rows = new HandlerRows(spec.operator, spec.output, spec.outputTime)
  }

  open(header: EpochHeader): void {
    const { watermarkShift } = this.#parts.spec
    this.#header = header
    this.#late = heldBack(header.lateWatermark, watermarkShift)
    // At the end of the input there is no watermark until its last row was read.
    this.#evict =
      header.flush === true ? this.#late : heldBack(header.evictWatermark, watermarkShift)
    this.#rows.watermark = header.flush === true ? Number.NEGATIVE_INFINITY : this.#evict
    this.#pending = []
    this.#figures = new Map()
    this.#rowsIn = 0
    this.#rowsLate = 0
    this.#keysUpdated = 0
    this.#keysRemoved = 0
    this.#isInitialDone = header.epoch > 0
    this.#parts.state.openEpoch(header.epoch)
  }

  process(_input: number, batch: Batch, output: Output): Wait {
    const { rows, late } = splitLate(batch, this.#timeColumn, this.#late)
    this.#rowsIn += rows.length + late.length
    this.#rowsLate += late.length
    const wait = late.length === 0 ? undefined : output.emitSide('late', select(batch, late))
    if (rows.length === 0) return wait
    const pending = { batch, rows }
    const { ranges, flush } = this.#header ?? {}
    if (ranges !== undefined || flush === true) {
      this.#pending.push(pending)
      return wait
    }
    // While an epoch is open its end is far: each message is answered at once.
    const handle = (): Promise<void> =>
      this.#parts.state.pinned(async () => {
        await this.#initial(output)
        await this.#input([pending], output)
      })
    return wait === undefined ? handle() : wait.then(handle)
  }

  async closeEpoch(header: EpochHeader, output: Output): Promise<EpochReport> {
    const { spec, state } = this.#parts
    await state.pinned(async () => {
      await this.#initial(output)
      const pending = this.#pending
      this.#pending = []
      await this.#input(pending, output)
      await this.#timers(header, output)
    })
    const next = state.firstTimer()
    const clock =
      next === never
        ? {}
        : spec.timeMode === 'processingTime'
          ? { nextTimer: micros(next) }
          : { nextWatermark: micros(next + spec.watermarkShift) }
    return { ...clock, progress: { [this.name]: this.#progress() } }
  }

  freeze() {
    return this.#parts.state.freeze()
  }

  close(): void {
    this.#parts.instance.processor.close?.()
  }

  async #input(pending: readonly PendingRows[], output: Output): Promise<void> {
    let chunk: (GroupRows & Group)[] = []
    for (const group of groupsOf(pending, this.#parts.spec.keys)) {
      chunk.push({ ...group, position: this.#parts.state.positionOf(group.hash) ?? 0 })
      if (chunk.length < keysAtOnce) continue
      await this.#inputOf(chunk, pending, output)
      chunk = []
    }
    await this.#inputOf(chunk, pending, output)
    await this.#rows.flush(output)
  }

  async #inputOf(
    groups: readonly (GroupRows & Group)[],
    pending: readonly PendingRows[],
    output: Output,
  ): Promise<void> {
    const { state, instance } = this.#parts
    const column = this.#timeColumn
    const times =
      column === undefined ? undefined : pending.map(({ batch }) => timesOf(batch, column))
    await state.fetch(groups)
    for (const group of groups) {
      const rows = this.#edgeRows(group, pending)
      const eventTime = times === undefined ? this.#evict : largestTime(group, times, this.#evict)
      const moment = { eventTime, watermark: this.#evict }
      const wait = this.#call(group, moment, (key, timers) =>
        instance.processor.handleInputRows(key, rows, timers),
      )
      if (wait !== undefined) await wait
      if (this.#rows.isFull) await this.#rows.flush(output)
    }
  }

  async #timers(header: EpochHeader, output: Output): Promise<void> {
    const { spec, state, instance } = this.#parts
    if (spec.timeMode === 'none') return
    const now =
      spec.timeMode === 'processingTime'
        ? header.processingTime
        : heldBack(header.evictWatermark, spec.watermarkShift)
    const { timers, groups } = await state.due(now)
    this.#fresh = new Set()
    for (let from = 0; from < timers.length; from += keysAtOnce) {
      const chunk = timers.slice(from, from + keysAtOnce)
      await state.fetch(chunk)
      for (const timer of chunk) {
        if (!this.#takeTimer(timer)) continue
        // The watermark is past the end of a finished input: there it moves from timer to timer.
        const watermark = header.flush === true ? Math.max(this.#late, timer.time) : this.#evict
        // A key that had nothing but this timer had state until now.
        const moment = { eventTime: timer.time, watermark, hadState: true as const }
        const wait = this.#call(timer, moment, (key, handles) =>
          instance.processor.handleExpiredTimer?.(key, handles, { timeMs: timer.time / 1000 }),
        )
        if (wait !== undefined) await wait
        if (this.#rows.isFull) await this.#rows.flush(output)
      }
    }
    this.#fresh = undefined
    await this.#rows.flush(output)
    if (header.flush !== true) await this.#sweep(groups)
    state.findFirstTimer()
  }

  /** Takes a timer off its key before it fires; `false` if it was deleted since, or registered anew. */
  #takeTimer({ time, ...group }: DueTimer): boolean {
    const { state } = this.#parts
    if (this.#fresh?.has(freshKey(group.group, time)) === true) return false
    const key = state.stateOf(group)
    const at = key.head.timers.indexOf(time)
    if (at < 0) return false
    key.head.timers.splice(at, 1)
    key.changed()
    state.save(key, group.position)
    this.#count('numExpiredTimers')
    return true
  }

  /** Removes what is over by its time to live. */
  async #sweep(groups: readonly Group[]): Promise<void> {
    const { state } = this.#parts
    for (let from = 0; from < groups.length; from += keysAtOnce) {
      const chunk = groups.slice(from, from + keysAtOnce)
      await state.fetch(chunk)
      for (const group of chunk) {
        const key = state.stateOf(group)
        const current = this.#current(group, key, { eventTime: 0, watermark: this.#evict })
        for (const [id, { expiry }] of [...key.head.values]) {
          if (expiry > current.now) continue
          key.head.values.delete(id)
          key.changed()
          this.#count('numValuesRemovedDueToTTLExpiry')
        }
        for (const ranges of [key.head.lists, key.head.maps]) {
          for (const id of [...ranges.keys()]) sweepRange(current, id, ranges)
        }
        state.save(key, group.position)
      }
    }
  }

  async #initial(output: Output): Promise<void> {
    if (this.#isInitialDone) return
    this.#isInitialDone = true
    const { spec, state, instance } = this.#parts
    const types = spec.keys.map(({ type }) => type)
    const moment = { eventTime: this.#evict, watermark: this.#evict }
    const mine = initialRows(spec.program, types, (hash) => state.positionOf(hash))
    for await (const { group, row } of mine) {
      const wait = this.#call(group, moment, (key, timers) =>
        instance.processor.handleInitialState?.(key, row, timers),
      )
      if (wait !== undefined) await wait
      if (this.#rows.isFull) await this.#rows.flush(output)
    }
    await this.#rows.flush(output)
  }

  /** Calls a handler for a key and keeps what it changed. */
  #call(
    group: Group,
    moment: Moment,
    handler: (key: unknown, timers: Timers) => Emitted<unknown> | Promise<Emitted<unknown>>,
  ): Promise<void> | undefined {
    const { state, instance } = this.#parts
    const key = state.stateOf(group)
    key.dropOthers(this.#known)
    const hadState = moment.hadState === true || !isEmptyHead(key.head)
    const current = this.#current(group, key, moment)
    const done = (): void => {
      const isThere = !isEmptyHead(key.head)
      state.save(key, group.position)
      if (isThere && key.isTouched) this.#keysUpdated++
      if (hadState && !isThere) this.#keysRemoved++
    }
    try {
      const wait = instance.scope.run(current, () =>
        this.#rows.take(handler(this.#edgeKey(group.group), current.timers)),
      )
      if (wait === undefined) {
        done()
        return undefined
      }
      return wait.then(done, (cause: unknown) => {
        throw this.#failure(cause)
      })
    } catch (cause) {
      throw this.#failure(cause)
    }
  }

  #failure(cause: unknown): StreamError {
    if (cause instanceof StreamError) return cause
    const { name } = this.#parts.spec.program
    return new StreamError('USER_FUNCTION_FAILED', { name, why: reasonOf(cause) }, { cause })
  }

  #current({ group }: Group, state: Current['state'], moment: Moment): Current {
    const { spec } = this.#parts
    const processingTime = this.#header?.processingTime ?? 0
    const times = { mode: spec.timeMode, processingTime, watermark: moment.watermark }
    const count = (figure: Figure): void => this.#count(figure)
    const registered = (time: number): void => {
      this.#fresh?.add(freshKey(group, time))
    }
    const { scope } = this.#parts.instance
    const isRunning = (): boolean => scope.current?.state === state
    const clocks = {
      none: { now: Number.NEGATIVE_INFINITY, writtenAt: 0 },
      processingTime: { now: processingTime, writtenAt: processingTime },
      eventTime: { now: moment.watermark, writtenAt: moment.eventTime },
    }
    return {
      state,
      variables: this.#parts.instance.variables,
      timers: timersOf(state, times, { count, registered, isRunning }),
      ...clocks[spec.timeMode],
      query: this.#queryInfo(),
      count,
    }
  }

  #queryInfo(): QueryInfo {
    const { queryId, runId } = this.#parts.context.query ?? { queryId: '', runId: '' }
    return { queryId, runId, batchId: this.#header?.epoch ?? -1 }
  }

  #edgeKey(group: Uint8Array): unknown {
    const { spec, state } = this.#parts
    const values = state.keyValues(group)
    const [only] = spec.keys
    if (only !== undefined && spec.keys.length === 1) {
      return toEdge(only.type, values[0] ?? null, spec.program.edge)
    }
    const schema = spec.keys.map(({ name, type }) => ({ name, type, nullable: true }))
    return toRow(schema, values, spec.program.edge)
  }

  #edgeRows({ batches, rows }: GroupRows, pending: readonly PendingRows[]): readonly unknown[] {
    const { row: schema, program } = this.#parts.spec
    return Array.from(rows, (row, index) => {
      const batch = pending[batches[index] as number]?.batch
      const values = batch === undefined ? [] : valuesAt(batch, schema.length, row)
      return toRow(schema, values, program.edge)
    })
  }

  #count(figure: Figure): void {
    this.#figures.set(figure, (this.#figures.get(figure) ?? 0) + 1)
  }

  #progress() {
    const { spec, state, shape, context } = this.#parts
    return {
      stateName: spec.style === 'processor' ? 'transformWithStateExec' : 'flatMapGroupsWithState',
      rowsIn: this.#rowsIn,
      rowsTotal: state.rowsTotal(),
      rowsUpdated: this.#keysUpdated,
      rowsRemoved: this.#keysRemoved,
      rowsDroppedByWatermark: this.#rowsLate,
      memoryUsedBytes: state.byteLength(),
      storedBytes: state.storedBytes(),
      custom: processMetrics(this.#figures, shape, context.state.shards.includes(0)),
    }
  }
}

function freshKey(group: Uint8Array, time: number): string {
  return `${time} ${textOfKey(group)}`
}
