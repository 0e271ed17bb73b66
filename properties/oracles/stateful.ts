import { compareValues, equalValues } from '../../src/batch/compare.ts'
import { type EdgeRow, fromRow, toEdge, toRow } from '../../src/batch/edge-row.ts'
import type { Value } from '../../src/batch/value.ts'
import type { EpochHeader } from '../../src/flow/message.ts'
import type { Emitted, Timers } from '../../src/flow/stateful-processor.ts'
import { eventTimeColumns } from '../../src/plan/event-time.ts'
import { type Process, schemaOf } from '../../src/plan/logical.ts'
import { heldBackBy, watermarkDelay } from './join-time.ts'
import type { Evaluate, Row } from './oracle-node.ts'
import { type ModelCall, type ModelKey, modelHandle } from './stateful-model.ts'

interface Group {
  readonly values: Row
  readonly state: ModelKey
}

interface Times {
  readonly processingTime: number
  readonly watermark: number
  readonly eventTime: number
}

/**
 * Custom state by the rules P1 to P7 on plain lists: late rows go first, then each key gets its rows of
 * the epoch in order of arrival, then what timers were due before any fired, in order of time. For
 * programs whose handlers are synchronous; without initial state.
 */
export function processNode(plan: Process, input: Evaluate, late: (row: Row) => void): Evaluate {
  const { program, timeMode, output } = plan
  const schema = schemaOf(plan.input)
  const [time] = eventTimeColumns(plan.input)
  const delay = watermarkDelay(plan.input)
  const groups: Group[] = []
  let call: ModelCall | undefined
  const processor = typeof program.source === 'function' ? program.source() : program.source
  processor.init(
    modelHandle(() => {
      if (call === undefined) throw new TypeError('state was used outside of a handler')
      return call
    }),
  )

  const run = (
    group: Group,
    times: Times,
    work: (key: unknown, timers: Timers) => unknown,
  ): readonly Row[] => {
    const clock = timeMode === 'processingTime' ? times.processingTime : times.watermark
    call = {
      key: group.state,
      now: timeMode === 'none' ? Number.NEGATIVE_INFINITY : clock,
      writtenAt: timeMode === 'processingTime' ? times.processingTime : times.eventTime,
    }
    const emitted = work(keyOf(plan, group.values), timersFor(plan, group.state, times))
    const rows = [...((emitted as Emitted<EdgeRow> & Iterable<EdgeRow>) ?? [])]
    call = undefined
    return rows.map((row) => fromRow(output, row))
  }

  return (queryHeader, rows) => {
    const header = heldBackBy(delay, queryHeader)
    const watermark = header.flush === true ? header.lateWatermark : header.evictWatermark
    const now = { processingTime: header.processingTime, watermark }
    const mine = new Map<Group, Row[]>()
    for (const row of input(queryHeader, rows)) {
      const at = time === undefined ? null : (row[time.index] ?? null)
      if (timeMode === 'eventTime' && typeof at === 'number' && at <= header.lateWatermark) {
        late(row)
        continue
      }
      const group = groupOf(
        plan,
        groups,
        plan.keys.map((column) => row[column] ?? null),
      )
      mine.set(group, [...(mine.get(group) ?? []), row])
    }
    const made = [...mine].flatMap(([group, ofGroup]) => {
      const given = ofGroup.map((row) => toRow(schema.slice(0, plan.shown), row, program.edge))
      const eventTimes = ofGroup.flatMap((row) => {
        const at = time === undefined ? null : (row[time.index] ?? null)
        return typeof at === 'number' ? [at] : []
      })
      const eventTime = eventTimes.length === 0 ? watermark : Math.max(...eventTimes)
      return run(group, { ...now, eventTime }, (key, timers) =>
        processor.handleInputRows(key, given, timers),
      )
    })
    for (const group of groups) group.state.fresh = []
    return [
      ...made,
      ...dueTimers(plan, groups, header).flatMap(({ group, due }) => {
        if (!group.state.timers.includes(due) || group.state.fresh.includes(due)) return []
        group.state.timers = group.state.timers.filter((other) => other !== due)
        const passed = header.flush === true ? Math.max(header.lateWatermark, due) : watermark
        return run(group, { ...now, watermark: passed, eventTime: due }, (key, timers) =>
          processor.handleExpiredTimer?.(key, timers, { timeMs: due / 1000 }),
        )
      }),
    ]
  }
}

function dueTimers(
  plan: Process,
  groups: readonly Group[],
  header: EpochHeader,
): readonly { readonly group: Group; readonly due: number }[] {
  if (plan.timeMode === 'none') return []
  const limit = plan.timeMode === 'eventTime' ? header.evictWatermark : header.processingTime
  return groups
    .flatMap((group) => group.state.timers.map((due) => ({ group, due })))
    .filter(({ due }) => due <= limit)
    .sort((a, b) => a.due - b.due || compareKeys(plan, a.group.values, b.group.values))
}

function timersFor(plan: Process, state: ModelKey, times: Times): Timers {
  return {
    processingTimeMs: times.processingTime / 1000,
    watermarkMs: plan.timeMode === 'eventTime' ? Math.max(0, times.watermark / 1000) : undefined,
    register(timeMs) {
      const time = Math.round(timeMs * 1000)
      if (state.timers.includes(time)) return
      state.timers = [...state.timers, time]
      state.fresh = [...state.fresh, time]
    },
    delete(timeMs) {
      const time = Math.round(timeMs * 1000)
      state.timers = state.timers.filter((other) => other !== time)
    },
    list: () => [...state.timers].sort((a, b) => a - b).map((time) => time / 1000),
  }
}

function groupOf(plan: Process, groups: Group[], values: Row): Group {
  const found = groups.find((group) =>
    typesOf(plan).every((type, at) => {
      const [left, right] = [group.values[at] ?? null, values[at] ?? null]
      if (left === null || right === null) return left === right
      return equalValues(type, left, right)
    }),
  )
  if (found !== undefined) return found
  const made = { values, state: { variables: new Map(), timers: [], fresh: [] } }
  groups.push(made)
  return made
}

function compareKeys(plan: Process, left: Row, right: Row): number {
  for (const [at, type] of typesOf(plan).entries()) {
    const [a, b] = [left[at] ?? null, right[at] ?? null]
    const order =
      a === null || b === null ? Number(b === null) - Number(a === null) : compareValues(type, a, b)
    if (order !== 0) return order
  }
  return 0
}

function typesOf(plan: Process) {
  const schema = schemaOf(plan.input)
  return plan.keys.map((column) => schema[column]?.type ?? { kind: 'void' as const })
}

function keyOf(plan: Process, values: Row): unknown {
  const schema = schemaOf(plan.input)
  const fields = plan.keys.flatMap((column) => schema[column] ?? [])
  const [only] = fields
  if (only !== undefined && fields.length === 1) {
    const value: Value = values[0] ?? null
    return toEdge(only.type, value, plan.program.edge)
  }
  return toRow(fields, values, plan.program.edge)
}
