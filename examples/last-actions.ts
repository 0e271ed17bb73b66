// The last 1,000 actions of each card, none older than 90 days, and how often a merchant is among them.
import { Session } from 'millrace'
import type { ListState, StatefulHandle } from 'millrace/streaming'
import { LongType, StringType, StructType } from 'millrace/types'

const action = StructType().add('card', StringType(), false).add('merchant', StringType(), false)
const answer = StructType()
  .add('card', StringType(), false)
  .add('merchant', StringType(), false)
  .add('among', LongType(), false)
  .add('times', LongType(), false)

class LastActions {
  #actions: ListState<string> | undefined

  init(handle: StatefulHandle) {
    // Stored action by action: an action more writes one entry, not the whole list.
    this.#actions = handle.listState('actions', StringType(), { cap: 1000, ttl: '90 days' })
  }

  *handleInputRows(card: string, rows: readonly { readonly merchant: string }[]) {
    this.#actions?.appendAll(rows.map(({ merchant }) => merchant))
    const all = this.#actions?.get() ?? []
    for (const merchant of new Set(rows.map((row) => row.merchant))) {
      const times = all.filter((other) => other === merchant).length
      yield { card, merchant, among: BigInt(all.length), times: BigInt(times) }
    }
  }
}

const spark = Session.builder.getOrCreate()
const actions = spark.memoryStream('card STRING, merchant STRING')
const query = actions
  .toDF()
  .as(action)
  .groupByKey('card')
  .transformWithState(() => new LastActions(), { output: answer, timeMode: 'processingTime' })
  .toDF()
  .writeStream.outputMode('update')
  .foreach(({ card, merchant, among, times }) =>
    console.log(`${card}: ${merchant} ${times} times among ${among}`),
  )
  .start()
actions.addData(
  Array.from({ length: 1500 }, (_, n) => ({ card: 'ada', merchant: `shop ${n % 2}` })),
)
await query.processAllAvailable()
actions.addData([{ card: 'ada', merchant: 'bakery' }])
actions.addData([{ card: 'bob', merchant: 'bakery' }])
await query.processAllAvailable()
await spark.stop()
