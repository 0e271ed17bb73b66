// Calls that must not compile. `tsc` checks this file; nothing here runs.
import type { DataFrame, DataStreamWriter } from '../../src/dataframe/data-frame.ts'
import {
  type Column,
  col,
  count,
  expr,
  lit,
  sum,
  udaf,
  udf,
  when,
  window,
} from '../../src/functions.ts'
import { type StreamingQuery, Trigger } from '../../src/streaming.ts'
import { LongType, StructField, StructType } from '../../src/types.ts'

/** What users write compiles, and gives the types they expect. */
export function compiles(frame: DataFrame, writer: DataStreamWriter): StreamingQuery {
  const column: Column = col('a').plus(1).multiply(2n).eq(lit('x')).and(expr('b > 1'))
  frame
    .select('a', col('b'), ['c', col('d')])
    .selectExpr('a + 1 AS b')
    .where(column)
    .filter('a > 1')
    .withColumns({ x: lit(1), y: when(col('a').isNull(), 0).otherwise(col('a')) })
    .groupBy('a', window('at', '1 minute'), window(col('at'), '10 minutes', '5 minutes'))
    .agg(sum('a'), count('*').alias('n'))
    .agg({ n: 'max' })
  const rows: Promise<readonly Readonly<Record<string, unknown>>[]> = frame.collect()
  void rows
  StructType([StructField('a', LongType(), false)])
    .add('b', 'array<string>')
    .add('c', LongType())
  udaf({
    returnType: 'double',
    zero: () => ({ sum: 0 }),
    reduce: ({ sum }, value: number | null, weight: bigint) => ({
      sum: sum + (value ?? 0) * Number(weight),
    }),
    merge: (left, right) => ({ sum: left.sum + right.sum }),
    finish: ({ sum }) => sum,
  })('a', col('b'))
  udf((value: number, other: string) => `${value}${other}`, 'string')('a', col('b'))
  return writer
    .outputMode('append')
    .trigger({ processingTime: '10 seconds' })
    .trigger(Trigger.AvailableNow())
    .option('a', 1)
    .option('b', true)
    .foreachBatch(async (batch, epochId) => {
      await batch.where(lit(epochId).gt(1)).show()
    })
    .start()
}

/** Each line is refused by the compiler. */
export function isRefused(frame: DataFrame, writer: DataStreamWriter): void {
  // @ts-expect-error a number is no column
  frame.select(1)
  udaf({
    returnType: 'double',
    zero: () => 0,
    reduce: (sum: number, value: number) => sum + value,
    // @ts-expect-error the buffer is a number
    merge: (left: string, right: string) => left + right,
    finish: (sum) => sum,
  })
  // @ts-expect-error a condition is a column or text
  frame.where(true)
  // @ts-expect-error a column is needed: use lit
  frame.withColumn('a', 1)
  // @ts-expect-error a delay is text
  frame.withWatermark('at', 10)
  // @ts-expect-error the delay is missing
  frame.withWatermark('at')
  // @ts-expect-error getters are not called
  frame.isStreaming()
  // @ts-expect-error frames are immutable
  frame.columns = []
  // @ts-expect-error an object is no literal
  col('a').eq({ b: 1 })
  // @ts-expect-error undefined is not NULL
  lit(undefined)
  // @ts-expect-error one trigger at a time needs a duration
  writer.trigger({ processingTime: true })
  // @ts-expect-error there is no such trigger
  writer.trigger({ hourly: true })
  // @ts-expect-error options are text, numbers or booleans
  writer.option('a', { b: 1 })
  // @ts-expect-error types are functions: LongType()
  StructType().add('a', LongType)
  // @ts-expect-error a window needs a duration
  window('at')
}
