// How often each sensor reported in the last 24 hours, anew every five minutes. A row belongs to 288 such
// windows, but it is counted once, in its slice of five minutes; windows are put together from slices
// when they close. So state and work are those of five-minute windows.
import { Session } from 'millrace'
import { window } from 'millrace/functions'

const spark = Session.builder
  .appName('Rolling')
  .config('progress', 'off')
  .config('store', 'memory')
  .getOrCreate()
const readings = spark.memoryStream('sensor STRING, at TIMESTAMP')
const timed = readings.toDF().withWatermark('at', '1 minute')

const closed: string[] = []
const start = (name: string, slide: string) =>
  timed
    .groupBy(window('at', '24 hours', slide), 'sensor')
    .count()
    .selectExpr('sensor', "date_format(window.end, 'dd HH:mm') AS until", 'count')
    .writeStream.queryName(name)
    .foreachBatch(async (batch) => {
      for (const { sensor, until, count } of await batch.collect()) {
        closed.push(`${name} ${sensor} until ${until}: ${count}`)
      }
    })
    .start()
const rolling = start('rolling', '5 minutes')
const daily = start('daily', '24 hours')

// Two sensors report every minute for two hours, and then once on the next day at noon.
const start0 = Date.UTC(2026, 0, 1)
const minutes = (count: number): Date => new Date(start0 + count * 60_000)
for (const sensor of ['attic', 'cellar']) {
  const reports = Array.from({ length: 120 }, (_, minute) => minutes(minute))
  readings.addData(reports.map((at) => ({ sensor, at })))
}
await rolling.processAllAvailable()
const rows = (query: typeof rolling): number =>
  query.lastProgress?.stateOperators[0]?.numRowsTotal ?? 0
console.log(`state of rolling windows: ${rows(rolling)} rows, of 240 readings in 288 windows each`)

readings.addData([{ sensor: 'attic', at: minutes(36 * 60) }])
for (const query of [rolling, daily]) await query.processAllAvailable()
for (const line of closed.filter((one) => /attic until (01 01:00|02 00:00|02 01:00)/.test(one)))
  console.log(line)
console.log(`rolling windows that closed: ${closed.filter((one) => one.startsWith('r')).length}`)
await spark.stop()
