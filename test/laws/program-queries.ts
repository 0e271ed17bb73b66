import fc from 'fast-check'
import type { StreamQuery } from '../../properties/laws/stream-query.ts'
import { StringType, StructType } from '../../src/types.ts'
import { operation, scriptProcessor } from '../operators/script-processor.ts'

const rows = StructType()
  .add('k', StringType())
  .add('t', 'timestamp')
  .add('op', StringType())
  .add('n', 'int')
const shown = StructType().add('k', StringType()).add('shown', StringType())

const schema = 'k STRING, t TIMESTAMP, op STRING, n INT'
const row = fc.tuple(
  fc.option(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { freq: 8 }),
  fc.option(
    fc.integer({ min: 0, max: 30 }).map((second) => new Date(second * 1000)),
    { freq: 9 },
  ),
  operation,
  fc.integer({ min: 0, max: 9 }),
)

/** A script per key behind a typed map and filter, over one input or a union of two. */
export const programQueries: fc.Arbitrary<StreamQuery> = fc
  .record({
    timeMode: fc.constantFrom('none', 'processingTime', 'eventTime'),
    inputs: fc.constantFrom(1, 2),
    partitions: fc.integer({ min: 1, max: 3 }),
    keyed: fc.boolean(),
  })
  .map(({ timeMode, inputs, partitions, keyed }) => ({
    inputs: Array.from({ length: inputs }, () => ({ schema, row, partitions })),
    outputMode: 'update' as const,
    text: `a script in ${timeMode}${keyed ? ' by a key function' : ''}`,
    query(frames) {
      const all = frames.reduce((some, frame) => some.union(frame)).withWatermark('t', '2 seconds')
      const some = all.as(rows).filter(({ n }) => n !== 7)
      const byKey = keyed ? some.groupByKey(({ k }) => k ?? '', 'STRING') : some.groupByKey('k')
      return byKey
        .transformWithState(() => scriptProcessor(timeMode), { output: shown, timeMode })
        .toDF()
    },
  }))
