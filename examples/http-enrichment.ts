// Orders enriched by a service that fails at times: many requests at once, those that fail or take too
// long are made again, and every order comes out once, in order.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Session } from 'millrace'
import { LongType, StringType, StructType } from 'millrace/types'

// The service: every third product fails when it is first asked for, every tenth does not answer.
const asked = new Map<number, number>()
const server = createServer((request, response) => {
  const product = Number(request.url?.slice(1))
  const times = (asked.get(product) ?? 0) + 1
  asked.set(product, times)
  if (times === 1 && product % 10 === 0) return
  if (times === 1 && product % 3 === 0) response.statusCode = 503
  response.end(`product ${product}`)
}).listen(0)
await once(server, 'listening')
const url = `http://localhost:${(server.address() as AddressInfo).port}`

const spark = Session.builder.appName('Names').config('progress', 'off').getOrCreate()
const orders = spark.memoryStream('product BIGINT')
const order = StructType().add('product', LongType(), false)

async function nameOf(product: bigint, signal: AbortSignal): Promise<string> {
  const response = await fetch(`${url}/${product}`, { signal })
  if (response.ok) return response.text()
  throw new Error(`${response.status} ${response.statusText}`)
}

const named = orders
  .toDF()
  .as(order)
  .mapAsync(
    async ({ product }, { signal }) => ({ product, name: await nameOf(product, signal) }),
    order.add('name', StringType(), false),
    { capacity: 20, timeout: '1 second', retry: { attempts: 5, delay: '20 ms' } },
  )
  .toDF()

const found: string[] = []
const query = named.writeStream.foreach(({ name }) => void found.push(String(name))).start()
orders.addData(Array.from({ length: 100 }, (_, product) => ({ product: BigInt(product) })))
await query.processAllAvailable()

const [calls] = query.lastProgress?.asyncOperators ?? []
const isInOrder = found.every((name, product) => name === `product ${product}`)
console.log(`${found.length} orders, each once and in order: ${isInOrder}`)
console.log(
  `${calls?.numRetries} calls were made again, ${calls?.numTimeouts} of them had timed out`,
)
console.log(`at most ${calls?.maxRowsInFlight} at a time`)
await query.stop()
await spark.stop()
server.closeAllConnections()
server.close()
