// A source of your own: the numbers up to a limit, which can be read again from any position.
import { type Batch, fromRows, type Position, Session, type SourceFactory } from 'millrace'
import { sum } from 'millrace/functions'

const limit = 5

const countdown: SourceFactory = {
  format: 'numbers',
  options: [],
  schemaFor: () => [{ name: 'n', type: { kind: 'double' }, nullable: false }],
  limits: () => ({ maxRows: 2 }),
  async create({ schema, columns }) {
    // Only the columns that the query needs are read.
    const needed = schema.filter((_, index) => columns?.includes(index) ?? true)
    // A position is how many numbers were read; the checkpoint keeps it.
    const done = (position: Position): number => Number(position['0'] ?? 0)
    const rows = (from: number, to: number): Batch => {
      const numbers = Array.from({ length: to - from }, (_, index) => ({ n: from + index + 1 }))
      return fromRows(needed, numbers)
    }
    return {
      description: `numbers up to ${limit}`,
      schema: needed,
      replayable: true,
      initial: async () => ({ 0: 0 }),
      latest: async (from, { maxRows = limit }) => ({ 0: Math.min(limit, done(from) + maxRows) }),
      // With one source partition, all of it belongs to the first lane.
      async *read({ from, to }, { index }) {
        if (index === 0) yield rows(done(from), done(to))
      },
      async poll(from, maxRows) {
        const to = Math.min(limit, done(from) + maxRows)
        if (to === done(from)) return undefined
        return { batch: rows(done(from), to), position: { 0: to } }
      },
      commit: async () => undefined,
      close: async () => undefined,
    }
  },
}

const spark = Session.builder.appName('own source').getOrCreate()
spark.register({ source: countdown })
const total = spark.readStream.format('numbers').load().agg(sum('n').alias('total'))
const query = total.writeStream
  .outputMode('complete')
  .foreach((row) => console.log(row['total']))
  .trigger({ availableNow: true })
  .start()
await query.awaitTermination()
await spark.stop()
