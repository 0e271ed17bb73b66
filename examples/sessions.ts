// Visits of a site: page views of one user belong together until a break that is too long. On a phone
// 10 minutes are too long, elsewhere 30. A late view may join two visits that seemed to be apart.
import { Session } from 'millrace'
import { col, count, date_format, expr, max, session_window } from 'millrace/functions'

const spark = Session.builder.appName('Visits').getOrCreate()
const views = spark.pushSource('user STRING, device STRING, price DOUBLE, at TIMESTAMP')
const gap = expr("CASE WHEN device = 'phone' THEN '10 minutes' ELSE '30 minutes' END")

const visits = views
  .toDF()
  .withWatermark('at', '30 minutes')
  .groupBy(col('user'), session_window('at', gap))
  .agg(count('*').alias('views'), max('price').alias('dearest'))
  .filter(col('views').gt(1))
  .select(
    'user',
    date_format('session_window.start', 'HH:mm').alias('start'),
    date_format('session_window.end', 'HH:mm').alias('end'),
    'views',
    'dearest',
  )

const query = visits.writeStream
  .outputMode('append')
  .foreachBatch(async (closed) => {
    for (const { user, start, end, views: count, dearest } of await closed.collect()) {
      console.log(`${user} ${start}-${end}: ${count} views, dearest ${dearest}`)
    }
  })
  .start()

await see('ada', 'desk', 20, '12:00')
await see('bob', 'phone', 5, '12:05')
await see('ada', 'desk', 80, '12:50')
// Bob's second view is 11 minutes after the first: another visit, of one view only.
await see('bob', 'phone', 7, '12:16')
// Late, but not later than the watermark allows: both visits of Ada become one.
await see('ada', 'desk', 35, '12:25')
// The watermark is 30 minutes behind: what ended by 13:30 is over and comes out.
await see('cid', 'desk', 1, '14:00')
await spark.stop()

async function see(user: string, device: string, price: number, time: string): Promise<void> {
  await views.push([{ user, device, price, at: new Date(`2026-01-01T${time}:00Z`) }])
  await query.processAllAvailable()
}
