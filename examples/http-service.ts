// A web service that embeds a query: rows come in by POST, results go out as they are committed,
// and SIGTERM ends it without losing a row that was accepted. Any GET is the health probe.
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { type EdgeRow, onTerminationSignal, Session, StreamError } from 'millrace'
import { sum } from 'millrace/functions'

const spark = Session.builder.appName('totals').getOrCreate()
const orders = spark.pushSource('customer STRING, amount DOUBLE', { name: 'orders' })
const query = orders
  .toDF()
  .groupBy('customer')
  .agg(sum('amount').alias('total'))
  .writeStream.outputMode('update')
  .format('noop')
  .option('checkpointLocation', mkdtempSync(join(tmpdir(), 'totals-')))
  .start()

const totals = new Map<unknown, unknown>()
const following = (async () => {
  for await (const { rows } of query.results()) {
    for (const { customer, total } of rows) totals.set(customer, total)
  }
})()

const server = createServer(async (request, response) => {
  try {
    if (request.method === 'POST') {
      // Resolves when the rows are on disk: from here on nothing loses them.
      await orders.push((await json(request)) as EdgeRow[])
    } else if (query.health().state !== 'healthy') response.statusCode = 503
  } catch (error) {
    // A full buffer passes; rows that do not fit the schema never will.
    response.statusCode = error instanceof StreamError && error.retry !== 'never' ? 503 : 400
  }
  response.end(JSON.stringify([...totals]))
}).listen(0)
await once(server, 'listening')

onTerminationSignal(async () => {
  server.close()
  await query.stop()
  await following
  for (const [customer, total] of totals) console.log(`${customer} ${total}`)
  await spark.stop()
})

// A client, for the demonstration.
const url = `http://localhost:${(server.address() as AddressInfo).port}`
const body = '[{ "customer": "ada", "amount": 20 }, { "customer": "ada", "amount": 22 }]'
console.log(`accepted: ${(await fetch(url, { method: 'POST', body })).status}`)
await query.processAllAvailable()
console.log(`healthy: ${(await fetch(url)).status}`)
process.kill(process.pid, 'SIGTERM')
