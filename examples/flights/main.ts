import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type DataFrame, Session, type StreamingQuery } from 'millrace'
import { col } from 'millrace/functions'
import { busiestHours, type HourOfOrigin } from './chart.ts'
import { difference } from './compare.ts'
import { flightSchema, inOrderOfArrival } from './flight.ts'
import { flightsPerHour, lateRule } from './flight-query.ts'
import { lateFlights } from './late-model.ts'
import { filesOf, prepare, readRecords } from './prepare.ts'

/** Everything lies here; delete the folder to start from the beginning. */
const folder = process.argv[2] ?? join('.millrace', 'flights')
const input = join(folder, 'input')
const output = join(folder, 'output')

/** The number of flights to read, for a shorter run. */
const records = readRecords().slice(0, Number(process.argv[3] ?? Number.POSITIVE_INFINITY))
prepare(input, records)

const spark = Session.builder.appName('flights').getOrCreate()
const rowsBefore = (await hoursOf(committed())).length

const query = flightsPerHour(
  spark.readStream.schema(flightSchema).option('maxFilesPerTrigger', 1).json(input),
)
  .writeStream.queryName('flights')
  .outputMode('append')
  .format('json')
  .option('checkpointLocation', join(folder, 'checkpoint'))
  .option('drain', 'flush')
  .trigger({ availableNow: true })
  .start(output)
const lateRows = countLateRows(query)
await query.awaitTermination()

const hours = await hoursOf(committed())
const added = hours.length - rowsBefore
console.log(added === 0 ? 'nothing new' : `${added} rows added to ${output}`)
console.log('\nThe busiest hours of the day:')
for (const line of busiestHours(hours, 8)) console.log(`  ${line}`)

const late = lateFlights(filesOf(inOrderOfArrival(records)), lateRule)
console.log(
  `\nlate rows: ${late.length} of ${records.length}, ${await lateRows} of them in this run`,
)

const flights = spark.read.schema(flightSchema).json(input)
const inTime = late.length === 0 ? flights : flights.filter(col('flight').isin(late).not())
const wrong = difference(await committed().collect(), await flightsPerHour(inTime).collect())
for (const row of wrong.onlyLeft.slice(0, 5)) console.log(`only in the stream: ${row}`)
for (const row of wrong.onlyRight.slice(0, 5)) console.log(`only in the batch:  ${row}`)
const equal = wrong.onlyLeft.length + wrong.onlyRight.length === 0
console.log(`equal to the batch answer: ${equal ? 'yes' : 'no'}`)

await spark.stop()
process.exitCode = equal ? 0 : 1

/** What the query has committed so far, read as a batch. */
function committed(): DataFrame {
  const schema = 'hour TIMESTAMP, origin STRING, flights BIGINT, averageDelay DOUBLE'
  return existsSync(output)
    ? spark.read.schema(schema).json(output)
    : spark.createDataFrame([], schema)
}

async function hoursOf(frame: DataFrame): Promise<readonly HourOfOrigin[]> {
  const rows = await frame.collect()
  return rows.map(({ hour, origin, flights, averageDelay }) => ({
    hour: hour instanceof Date ? hour.toISOString() : String(hour),
    origin: String(origin),
    flights: Number(flights),
    averageDelay: Number(averageDelay),
  }))
}

/** Late rows are no loss: the query says which it left out. Ends with the query. */
async function countLateRows(running: StreamingQuery): Promise<number> {
  let count = 0
  for await (const _ of running.lateRows()) count++
  return count
}
