import type { Source } from '../../flow/connector.ts'
import { countedRows, countedSchema, firstCounted } from '../counted-rows.ts'
import { numberAt } from '../numbered-position.ts'
import { integerOption, settledOption } from '../option-spec.ts'
import { readSchema, type SourceContext, type SourceFactory } from '../registry.ts'

const rowsPerBatch = integerOption({
  name: 'rowsPerBatch',
  description: 'Rows of every epoch.',
  required: true,
})
const numPartitions = integerOption({
  name: 'numPartitions',
  description: 'Partitions that the rows are spread over; the rows of one are read by one lane.',
  initial: '1',
})
const startTimestamp = integerOption({
  name: 'startTimestamp',
  description: 'Time of the rows of the first epoch, milliseconds since 1970.',
  initial: '0',
  min: 0,
  max: 8_640_000_000_000,
})
const advanceMillisPerBatch = integerOption({
  name: 'advanceMillisPerBatch',
  description: 'Milliseconds from the time of one epoch to that of the next.',
  initial: '1000',
  min: 0,
})

/**
 * Counts, a fixed number of rows per epoch, with times that are a function of the row's number and
 * not of any clock: every run gives the same rows in the same epochs.
 */
export const rateMicroBatchSource: SourceFactory = {
  format: 'rate-micro-batch',
  options: [rowsPerBatch, numPartitions, startTimestamp, advanceMillisPerBatch],
  schemaFor: () => countedSchema,
  create: async (context) => sourceOf(context),
}

function sourceOf(context: SourceContext): Source {
  const { options, columns } = context
  const rows = settledOption(options, rowsPerBatch)
  const partitions = settledOption(options, numPartitions)
  const startMs = settledOption(options, startTimestamp)
  const advanceMs = settledOption(options, advanceMillisPerBatch)
  const timestampOf = (value: number): number =>
    (startMs + Math.floor(value / rows) * advanceMs) * 1000
  return {
    description: `rate-micro-batch, ${rows} rows per epoch`,
    schema: readSchema(context),
    replayable: true,
    initial: async () => ({ '0': 0 }),

    async latest(from, _, end) {
      const start = numberAt(from, '0')
      const next = (Math.floor(start / rows) + 1) * rows
      return { '0': end === undefined ? next : Math.max(start, Math.min(next, numberAt(end, '0'))) }
    },
    async *read({ from, to }, slice) {
      const range = { from: numberAt(from, '0'), to: numberAt(to, '0') }
      yield* countedRows({ ...range, slice, partitions, columns, timestampOf })
    },
    async poll(from, maxRows) {
      const start = numberAt(from, '0')
      const to = start + Math.min(maxRows, rows - (start % rows))
      return firstCounted({ from: start, to, columns, timestampOf })
    },
    commit: async () => undefined,
    close: async () => undefined,
  }
}
