// A card that is used in two places too far apart for the time between is reported.
import { Session } from 'millrace'
import type { RowOf, StatefulHandle, StatefulProcessor, ValueState } from 'millrace/streaming'
import { DoubleType, StringType, StructType, TimestampType } from 'millrace/types'

const use = StructType()
  .add('card', StringType(), false)
  .add('at', TimestampType(), false)
  .add('latitude', DoubleType(), false)
  .add('longitude', DoubleType(), false)
const alert = StructType().add('card', StringType(), false).add('kmPerHour', DoubleType(), false)

type Use = RowOf<typeof use>

class ImpossibleTravel
  implements StatefulProcessor<string, Use, { card: string; kmPerHour: number }>
{
  #last: ValueState<Use> | undefined

  init(handle: StatefulHandle) {
    this.#last = handle.valueState<Use>('last', undefined, { ttl: '30 days' })
  }

  *handleInputRows(card: string, uses: readonly Use[]) {
    for (const next of uses) {
      const last = this.#last?.get()
      this.#last?.update(next)
      if (last === undefined) continue
      const hours = Math.abs(new Date(next.at).getTime() - new Date(last.at).getTime()) / 3_600_000
      const kmPerHour = Math.round(kilometres(last, next) / Math.max(hours, 1 / 60))
      if (kmPerHour > 900) yield { card, kmPerHour }
    }
  }
}

/** Along a great circle. */
function kilometres(from: Use, to: Use): number {
  const [a, b] = [(from.latitude * Math.PI) / 180, (to.latitude * Math.PI) / 180]
  const turn = ((to.longitude - from.longitude) * Math.PI) / 180
  return 6371 * Math.acos(Math.sin(a) * Math.sin(b) + Math.cos(a) * Math.cos(b) * Math.cos(turn))
}

const spark = Session.builder.getOrCreate()
const uses = spark.memoryStream('card STRING, at TIMESTAMP, latitude DOUBLE, longitude DOUBLE')
const alerts = uses
  .toDF()
  .as(use)
  .groupByKey('card')
  .transformWithState(() => new ImpossibleTravel(), { output: alert, timeMode: 'processingTime' })
const query = alerts.toDF().writeStream.format('console').start()
uses.addData([['ada', '2024-05-01T10:00:00Z', 51.5, -0.1]])
uses.addData([['bob', '2024-05-01T10:00:00Z', 48.9, 2.3]])
await query.processAllAvailable()
uses.addData([
  ['ada', '2024-05-01T11:00:00Z', 40.7, -74.0],
  ['bob', '2024-05-01T15:00:00Z', 52.5, 13.4],
])
await query.processAllAvailable()
await spark.stop()
