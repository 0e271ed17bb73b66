// Word count over a TCP connection. A socket cannot be read twice: use it to try things out.
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { Session } from 'millrace'
import { col, explode, split } from 'millrace/functions'

// In a terminal this would be `nc -lk 9999`.
const server = createServer((socket) => socket.write('to be or\nnot to be\n')).listen(0)
await once(server, 'listening')
const { port } = server.address() as AddressInfo

const spark = Session.builder.appName('WordCount').getOrCreate()
const lines = spark.readStream
  .format('socket')
  .option('host', 'localhost')
  .option('port', port)
  .load()
const words = lines.select(explode(split(col('value'), ' ')).alias('word'))
const counting = words
  .groupBy('word')
  .count()
  .writeStream.outputMode('complete')
  .format('memory')
  .queryName('counts')
  .start()

// Until both lines have arrived.
const counts = spark.table('counts')
while ((await counts.filter("word = 'not'").count()) === 0) await counting.processAllAvailable()
await counts.orderBy(col('count').desc(), 'word').show()

await counting.stop()
await spark.stop()
server.close()
