import { type Batch, liveRows } from '../src/batch/batch.ts'
import { StreamError, unreachable } from '../src/core/error.ts'
import type { Epoch } from '../src/core/units.ts'
import type { EpochHeader, Position } from '../src/flow/message.ts'
import type { SourceMessage } from './control.ts'
import type { SourceTaskSpec } from './job.ts'
import { samePosition } from './positions.ts'
import type { Behaviour, Ref } from './system.ts'
import { passBarrier, persistAndAck, type TaskShell } from './task.ts'

/** An epoch that is being read. */
type Reading =
  | { readonly type: 'range'; readonly rows: AsyncIterator<Batch> | undefined }
  | {
      readonly type: 'poll'
      position: Position
      /** The last poll found nothing and nobody has called since. */
      waiting: boolean
      /** Rows may have arrived since the last poll began. */
      woken: boolean
      stopWaiting: () => void
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
  const { source, operator } = spec
  const { outbox } = task
  let open: { readonly header: EpochHeader; readonly reading: Reading } | undefined
  let position = options.start
  let rowsIn = 0

  const begin = async (header: EpochHeader) => {
    if (open !== undefined) {
      throw new StreamError('INTERNAL', { what: `epoch ${header.epoch} opened inside another` })
    }
    open = { header, reading: startReading(spec, header, position, () => wake(header.epoch)) }
    task.enter(header.epoch)
    operator.open(header)
    await outbox.broadcast({ type: 'open', header })
    options.self.send({ type: 'read', epoch: header.epoch })
  }

  const cut = async (final: boolean) => {
    if (open === undefined) return
    const { header, reading } = open
    open = undefined
    if (reading.type === 'poll') {
      reading.stopWaiting()
      position = reading.position
    } else {
      position = header.ranges?.[spec.sourceName]?.to ?? position
    }
    const passed = await passBarrier(task, {
      operator,
      output: outbox,
      header,
      barrier: { type: 'barrier', epoch: header.epoch, final },
      rowsIn,
      ...(reading.type === 'poll' ? { position } : {}),
    })
    rowsIn = 0
    persistAndAck(task, passed)
  }

  const take = async (batch: Batch) => {
    rowsIn += liveRows(batch)
    const wait = operator.process(0, batch, outbox)
    if (wait !== undefined) await wait
  }

  const readOn = (epoch: Epoch) => options.self.send({ type: 'read', epoch })

  const wake = (epoch: Epoch) => {
    if (open?.header.epoch !== epoch || open.reading.type !== 'poll') return
    const { reading } = open
    reading.woken = true
    if (!reading.waiting) return
    reading.waiting = false
    readOn(epoch)
  }

  const read = async (epoch: Epoch) => {
    if (open?.header.epoch !== epoch || task.closed()) return
    const { reading } = open
    if (reading.type === 'range') {
      const next = await reading.rows?.next()
      if (next === undefined || next.done === true) return cut(open.header.flush === true)
      await take(next.value)
      return readOn(epoch)
    }
    reading.woken = false
    const polled = await source.poll(reading.position, options.pollRows)
    if (polled === undefined) {
      if (reading.woken) return readOn(epoch)
      reading.waiting = true
      if (source.onArrival === undefined) {
        const wait = source.pollMs ?? 10
        reading.stopWaiting = task.clock.after(wait, () => wake(epoch), { background: true })
      }
      return
    }
    reading.position = polled.position
    await take(polled.batch)
    return readOn(epoch)
  }

  task.onClose(() => {
    if (open !== undefined) stopReading(open.reading)
  })

  return async (message) => {
    switch (message.type) {
      case 'open':
        return begin(message.header)
      case 'read':
        return read(message.epoch)
      case 'cut':
        if (open?.header.epoch === message.epoch) await cut(message.final)
        return
      default:
        return unreachable(message)
    }
  }
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
