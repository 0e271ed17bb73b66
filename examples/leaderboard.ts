// The best three players by all points they won, which changes as points arrive.
import { Session } from 'millrace'
import { col, desc, row_number, sum, Window } from 'millrace/functions'

const spark = Session.builder.getOrCreate()
const points = spark.pushSource('player STRING, points INT')
const totals = points.toDF().groupBy('player').agg(sum('points').alias('total'))
// One ranking of all players: nothing is given to partitionBy.
const ranked = totals.withColumn('rank', row_number().over(Window.orderBy(desc('total'), 'player')))
const best = ranked.filter(col('rank').leq(3))

// Only the places that changed come out; kept by their number they are the leaderboard.
const board = new Map<unknown, string>()
const query = best.writeStream
  .outputMode('update')
  .foreachBatch(async (changes) => {
    for (const { rank, player, total } of await changes.collect()) {
      board.set(rank, `${player} ${total}`)
    }
  })
  .start()

async function play(...won: readonly (readonly [player: string, points: number])[]) {
  await points.push(won.map(([player, each]) => ({ player, points: each })))
  await query.processAllAvailable()
  const places = [...board].sort(([a], [b]) => Number(a) - Number(b))
  console.log(places.map(([rank, text]) => `${rank}. ${text}`).join(', '))
}

await play(['ada', 5], ['bob', 7], ['cid', 2], ['dot', 1])
await play(['dot', 9])
// Points can be lost, too: cid comes back from the fourth place.
await play(['dot', -10])
await spark.stop()
