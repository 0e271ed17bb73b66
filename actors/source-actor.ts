import { type Batch, liveRows } from '../src/batch/batch.ts'
import { StreamError, unreachable } from '../src/core/error.ts'
import type { Epoch } from '../src/core/units.ts'
import type { EpochHeader, Position } from '../src/flow/message.ts'
import type { SourceMessage } from './control.ts'
import type { SourceTaskSpec } from './job.ts'
import { samePosition } from './positions.ts'
import type { Behaviour, Ref } from './system.ts'
import { passBarrier, persistAndAck, type TaskShell } from './task.ts'

/** Rows of one part of a partition in one epoch are fewer. */
const rowsPerPart = 2 ** 32

/** An epoch that is being read. */
type Reading = { readonly type: 'range'; readonly rows: AsyncIterator<Batch> | undefined } | Polling

interface Polling {
  readonly type: 'poll'
  position: Position
  /** The last poll found nothing and nobody has called since. */
  waiting: boolean
  /** Rows may have arrived since the last poll began. */
  woken: boolean
  stopWaiting: () => void
}

/** A source task at work. */
interface SourceTask {
  readonly task: TaskShell
  readonly spec: SourceTaskSpec
  readonly self: Ref<SourceMessage>
  readonly pollRows: number
  open: { readonly header: EpochHeader; readonly reading: Reading } | undefined
  /** Where the next epoch without ranges begins. */
  position: Position
  rowsIn: number
  /** Rows of the epoch so far, by part of each partition. */
  readonly rowsRead: Map<string, number>
}

/**
 * Reads one slice of a source epoch by epoch and runs the first stage on it. With ranges in the
 * header it reads exactly these and cuts by itself; without, it polls until it is told to cut.
 */
export function sourceBehaviour(
  task: TaskShell,
  spec: SourceTaskSpec,
  options: {
    readonly self: Ref<SourceMessage>
    readonly start: Position
    readonly pollRows: number
  },
): Behaviour<SourceMessage> {
  const { self, start: position, pollRows } = options
  const own: SourceTask = {
    task,
    spec,
    self,
    pollRows,
    open: undefined,
    position,
    rowsIn: 0,
    rowsRead: new Map(),
  }
  task.onClose(() => {
    spec.operator.abort?.()
    if (own.open !== undefined) stopReading(own.open.reading)
  })
  return (message) => {
    switch (message.type) {
      case 'open':
        return begin(own, message.header)
      case 'read':
        return read(own, message.epoch)
      case 'cut':
        return own.open?.header.epoch === message.epoch ? cut(own, message.final) : undefined
      default:
        return unreachable(message)
    }
  }
}

async function begin(own: SourceTask, header: EpochHeader): Promise<void> {
  const { task, spec } = own
  const { epoch } = header
  if (own.open !== undefined) {
    throw new StreamError('INTERNAL', { what: `epoch ${epoch} opened inside another` })
  }
  own.open = { header, reading: startReading(spec, header, own.position, () => wake(own, epoch)) }
  task.enter(epoch)
  spec.operator.open(header)
  await task.outbox.broadcast({ type: 'open', header })
  readOn(own, epoch)
}

async function read(own: SourceTask, epoch: Epoch): Promise<void> {
  const { open, task } = own
  if (open?.header.epoch !== epoch || task.closed()) return
  if (open.reading.type === 'poll') return poll(own, epoch, open.reading)
  const next = await open.reading.rows?.next()
  if (next === undefined || next.done === true) return cut(own, open.header.flush === true)
  await take(own, next.value)
  readOn(own, epoch)
}

async function poll(own: SourceTask, epoch: Epoch, reading: Polling): Promise<void> {
  const { source } = own.spec
  reading.woken = false
  const polled = await source.poll(reading.position, own.pollRows)
  if (polled !== undefined) {
    reading.position = polled.position
    await take(own, polled.batch)
    return readOn(own, epoch)
  }
  if (reading.woken) return readOn(own, epoch)
  reading.waiting = true
  if (source.onArrival !== undefined) return
  const call = () => wake(own, epoch)
  reading.stopWaiting = own.task.clock.after(source.pollMs ?? 10, call, { background: true })
}

async function take(own: SourceTask, { leftOut = 0, ...batch }: Batch): Promise<void> {
  own.rowsIn += liveRows(batch) + leftOut
  if (batch.rowCount === 0 && batch.rejected === undefined) return
  const wait = own.spec.operator.process(0, placed(own, batch), own.task.outbox)
  if (wait !== undefined) await wait
}

/** The batch with the full name of its partition, as other sources may have one of that name, and its order. */
function placed({ spec, rowsRead }: SourceTask, batch: Batch): Batch {
  const { sourceName } = spec
  const partition = batch.partition === undefined ? sourceName : `${sourceName}/${batch.partition}`
  if (!spec.ordered) return { ...batch, partition }
  const part = batch.part ?? 0
  const key = `${partition}/${part}`
  const before = rowsRead.get(key) ?? 0
  rowsRead.set(key, before + batch.rowCount)
  const first = part * rowsPerPart + before
  const ordinals = Float64Array.from({ length: batch.rowCount }, (_, row) => first + row)
  return { ...batch, partition, order: { origin: partition, ordinals } }
}

async function cut(own: SourceTask, final: boolean): Promise<void> {
  const { open, task, spec } = own
  if (open === undefined) return
  own.open = undefined
  const { header, reading } = open
  if (reading.type === 'poll') reading.stopWaiting()
  own.position =
    reading.type === 'poll'
      ? reading.position
      : (header.ranges?.[spec.sourceName]?.to ?? own.position)
  const passed = await passBarrier(task, {
    operator: spec.operator,
    output: task.outbox,
    header,
    barrier: { type: 'barrier', epoch: header.epoch, final },
    rowsIn: own.rowsIn,
    ...(reading.type === 'poll' ? { position: own.position } : {}),
  })
  own.rowsIn = 0
  own.rowsRead.clear()
  persistAndAck(task, passed)
}

/** Rows may have arrived in an epoch that polls. */
function wake(own: SourceTask, epoch: Epoch): void {
  if (own.open?.header.epoch !== epoch || own.open.reading.type !== 'poll') return
  const { reading } = own.open
  reading.woken = true
  if (!reading.waiting) return
  reading.waiting = false
  readOn(own, epoch)
}

function readOn({ self }: SourceTask, epoch: Epoch): void {
  self.send({ type: 'read', epoch })
}

function startReading(
  spec: SourceTaskSpec,
  header: EpochHeader,
  position: Position,
  wake: () => void,
): Reading {
  if (header.ranges === undefined) {
    const stopWaiting = spec.source.onArrival?.(wake) ?? (() => {})
    return { type: 'poll', position, waiting: false, woken: false, stopWaiting }
  }
  const range = header.ranges[spec.sourceName]
  if (range === undefined || samePosition(range.from, range.to)) {
    return { type: 'range', rows: undefined }
  }
  const rows = spec.source.read(range, spec.slice)[Symbol.asyncIterator]()
  return { type: 'range', rows }
}

/** Lets go of what an epoch was read from; it will not be read further. */
function stopReading(reading: Reading): void {
  if (reading.type === 'poll') {
    reading.stopWaiting()
    return
  }
  // Not awaited: a generator returns once its running step has, and nobody needs the answer.
  reading.rows?.return?.().then(undefined, () => undefined)
}
