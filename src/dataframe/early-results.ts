/**
 * When an aggregation of a stream gives out groups that are still open. Not in Spark, whose update mode
 * forgets closed groups silently.
 *
 * In update mode, with the event time of a watermark among the keys: a group that changed is given out with
 * `is_final = false`, all of them together in the first epoch at or after each multiple of `every` on the
 * clock; if no rows come, that epoch is empty. When the watermark closes a group, it is given out once more
 * with `is_final = true`, whether or not it changed since. On batch frames every row is final.
 *
 * @example
 * ```ts
 * import { Session } from 'millrace'
 * import { count, window } from 'millrace/functions'
 *
 * const spark = Session.builder.getOrCreate()
 * const views = spark.memoryStream('at TIMESTAMP, page STRING')
 * const perMinute = views
 *   .toDF()
 *   .withWatermark('at', '10 seconds')
 *   .groupBy(window('at', '1 minute'), 'page')
 *   .emit({ every: '0 seconds' })
 *   .agg(count('page').alias('n'))
 * const said: unknown[] = []
 * const query = perMinute.writeStream
 *   .outputMode('update')
 *   .foreach(({ n, is_final }) => void said.push(`${n} ${is_final}`))
 *   .start()
 * views.addData([[new Date('2026-01-01T12:00:05Z'), '/']])
 * await query.processAllAvailable()
 * views.addData([[new Date('2026-01-01T12:01:10Z'), '/']])
 * await query.processAllAvailable()
 * if (said.join() !== '1 false,1 false,1 true') throw new Error(said.join())
 * await query.stop()
 * await spark.stop()
 * ```
 */
export interface EarlyResultOptions {
  /** The interval, for example `'10 seconds'`; `'0 seconds'` = every epoch. */
  readonly every: string
}
