import { StreamError } from '../../core/error.ts'
import type { Source } from '../../flow/connector.ts'
import type { Position } from '../../flow/message.ts'
import { countedRows, countedSchema, firstCounted } from '../counted-rows.ts'
import { numberAt } from '../numbered-position.ts'
import { durationOption, integerOption, settledOption } from '../option-spec.ts'
import { readSchema, type SourceContext, type SourceFactory } from '../registry.ts'
import { type Rate, rowsBefore, secondOf } from './rate.ts'

const rowsPerSecond = integerOption({
  name: 'rowsPerSecond',
  description: 'Rows of every second of the clock.',
  initial: '1',
})
const rampUpTime = durationOption({
  name: 'rampUpTime',
  description: 'How long the speed grows before it is rowsPerSecond; whole seconds count.',
  initial: '0s',
})
const numPartitions = integerOption({
  name: 'numPartitions',
  description: 'Partitions that the rows are spread over; the rows of one are read by one lane.',
  initial: '1',
})

/**
 * Counts at a steady speed from the moment of the first start, which is part of its position: rows
 * of the time when no query ran come at the next start, with the times they were due.
 */
export const rateSource: SourceFactory = {
  format: 'rate',
  noPast: true,
  options: [rowsPerSecond, rampUpTime, numPartitions],
  schemaFor: () => countedSchema,
  create: async (context) => sourceOf(context),
}

function sourceOf(context: SourceContext): Source {
  const { options, columns, clock } = context
  const rate: Rate = {
    rowsPerSecond: settledOption(options, rowsPerSecond),
    rampUpSeconds: Math.floor(settledOption(options, rampUpTime) / 1_000_000),
  }
  const partitions = settledOption(options, numPartitions)
  const elapsedMs = (position: Position): number => clock.now() - startOf(position)

  return {
    description: `rate, ${rate.rowsPerSecond} rows per second`,
    schema: readSchema(context),
    replayable: true,
    // Short enough for one row at a time, long enough not to be felt by the host.
    pollMs: Math.min(100, Math.max(1, Math.floor(1000 / rate.rowsPerSecond))),
    initial: async () => ({ '0': 0, startMs: clock.now() }),

    async latest(from, { maxRows = Number.POSITIVE_INFINITY }, end) {
      const start = numberAt(from, '0')
      const due = rowsBefore(rate, Math.max(0, Math.floor(elapsedMs(from) / 1000)))
      const stop = Math.min(due, start + maxRows, end === undefined ? due : numberAt(end, '0'))
      return { ...from, '0': Math.max(start, stop) }
    },
    async *read({ from, to }, slice) {
      const range = { from: numberAt(from, '0'), to: numberAt(to, '0') }
      const timestampOf = timesOf(rate, startOf(from))
      yield* countedRows({ ...range, slice, partitions, columns, timestampOf })
    },
    async poll(from, maxRows) {
      const start = numberAt(from, '0')
      const timestampOf = timesOf(rate, startOf(from))
      const nowMicros = clock.now() * 1000
      let to = start
      while (to < start + Math.min(maxRows, 4096) && timestampOf(to) <= nowMicros) to++
      const polled = firstCounted({ from: start, to, columns, timestampOf })
      return polled && { batch: polled.batch, position: { ...from, ...polled.position } }
    },
    commit: async () => undefined,
    close: async () => undefined,
  }
}

/** Times of ascending rows: those of one second are spread evenly over it, in whole milliseconds. */
function timesOf(rate: Rate, startMs: number): (value: number) => number {
  let second = -1
  let first = 0
  let end = 0
  return (value) => {
    if (value < first || value >= end) {
      second = secondOf(rate, value)
      first = rowsBefore(rate, second)
      end = rowsBefore(rate, second + 1)
    }
    const withinMs = Math.round(((value - first) * 1000) / (end - first))
    return (startMs + second * 1000 + withinMs) * 1000
  }
}

function startOf(position: Position): number {
  const startMs = position['startMs']
  if (typeof startMs === 'number') return startMs
  throw new StreamError('CHECKPOINT_CORRUPT', {
    path: 'the position of a rate source',
    what: 'it does not say when the source first started',
  })
}
