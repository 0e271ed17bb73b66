// Which ads were clicked within an hour of being shown, and which never were: a left outer join of two
// streams. An ad that was not clicked comes out once the watermark says that no click can come any more.
import { Session } from 'millrace'
import { col, expr } from 'millrace/functions'

const spark = Session.builder.appName('Clicks').config('progress', 'off').getOrCreate()
const shown = spark.memoryStream('ad INT, shownAt TIMESTAMP')
const clicked = spark.memoryStream('ad INT, clickedAt TIMESTAMP')

const impressions = shown.toDF().withWatermark('shownAt', '10 minutes').alias('i')
const clicks = clicked.toDF().withWatermark('clickedAt', '20 minutes').alias('c')

const results = impressions
  .join(
    clicks,
    [col('i.ad').eq(col('c.ad')), expr('clickedAt BETWEEN shownAt AND shownAt + INTERVAL 1 HOUR')],
    'left',
  )
  .select('i.ad', expr('unix_micros(clickedAt) - unix_micros(shownAt)').alias('waited'))

const query = results.writeStream
  .foreach((row) => {
    const ad = row['ad']
    if (Number(ad) >= 100) return
    const waited = row['waited']
    if (waited === null) console.log(`ad ${ad}: never clicked`)
    else console.log(`ad ${ad}: clicked after ${Number(waited) / 1_000_000} s`)
  })
  .start()

const at = (time: string): Date => new Date(`2026-01-01T${time}Z`)
shown.addData([
  [1, at('12:00:00')],
  [2, at('12:01:00')],
])
clicked.addData([[1, at('12:00:40')]])
await query.processAllAvailable()

// Rows of later hours move the watermark of both streams, and with it the end of the wait for ad 2.
shown.addData([[100, at('15:00:00')]])
clicked.addData([[100, at('15:00:30')]])
await query.processAllAvailable()
await query.stop()
await spark.stop()
