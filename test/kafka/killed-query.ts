/**
 * A query from one topic of Kafka into another, exactly once, in a process that dies at a step of its choice:
 * `killed-query.js <bootstrap> <from> <to> <checkpoint> <moment> <which>`. At the step it says so, waits for a line on its
 * standard input, and is gone; with the moment `never` it runs to the end of what there is.
 */
import { createInterface } from 'node:readline'
import { decodeRequest } from '../../src/connectors/kafka/protocol/api.ts'
import { endTxnApi } from '../../src/connectors/kafka/protocol/transaction-api.ts'
import { kafkaSinkOver } from '../../src/connectors/kafka/sink.ts'
import { machineTransport } from '../../src/connectors/kafka/source.ts'
import type { KafkaTransport, WireRequest } from '../../src/connectors/kafka/transport.ts'
import { col } from '../../src/functions.ts'
import { Session } from '../../src/index.ts'
import { isKillMoment, type KillMoment } from './kill-moments.ts'

const [bootstrap = '', from = '', to = '', checkpoint = '', moment = 'never', which = '0'] =
  process.argv.slice(2)
if (moment !== 'never' && !isKillMoment(moment)) throw new RangeError(`no moment ${moment}`)

const answers = createInterface({ input: process.stdin })
let seen = 0

/** Whether this is the request to die at. */
function isTheOne(request: WireRequest): boolean {
  return requestOf[moment as KillMoment]?.(request) === true && seen++ === Number(which)
}

const requestOf: Readonly<Record<KillMoment, (request: WireRequest) => boolean>> = {
  'before the flush': ({ name }) => name === 'Produce',
  'after prepare': ({ name }) => name === 'TxnOffsetCommit',
  'before EndTxn': isCommit,
  'after EndTxn': isCommit,
  // These two are up to whoever stands between it and its brokers.
  'EndTxn sent': () => false,
  'answer lost': () => false,
}

function isCommit({ name, version, body }: WireRequest): boolean {
  return name === endTxnApi.name && decodeRequest(endTxnApi, version, body).isCommit
}

/** Says where it is, and dies when it is told to. */
async function die(): Promise<never> {
  process.stdout.write('at the step\n')
  await new Promise((resolve) => answers.once('line', resolve))
  process.kill(process.pid, 'SIGKILL')
  return new Promise(() => undefined)
}

function watched(transport: KafkaTransport): KafkaTransport {
  return {
    ...transport,
    link(address) {
      const link = transport.link(address)
      return {
        ...link,
        async request(request) {
          if (!isTheOne(request)) return link.request(request)
          switch (moment) {
            case 'before the flush':
            case 'before EndTxn':
              return die()
            default:
              await link.request(request)
              return die()
          }
        },
      }
    },
  }
}

const session = Session.builder.getOrCreate()
session.register({
  sink: kafkaSinkOver(async (context) => watched(await machineTransport(context))),
})
const query = session.readStream
  .format('kafka')
  .option('kafka.bootstrap.servers', bootstrap)
  .option('subscribe', from)
  .option('startingOffsets', 'earliest')
  .option('maxOffsetsPerTrigger', 40)
  .load()
  .select(col('key'), col('value'))
  .writeStream.format('kafka')
  .option('kafka.bootstrap.servers', bootstrap)
  .option('topic', to)
  .option('kafka.max.block.ms', 20_000)
  .option('checkpointLocation', checkpoint)
  .trigger({ availableNow: true })
  .start()
try {
  await query.awaitTermination()
} finally {
  await session.stop()
  answers.close()
}
process.stdout.write('at the end\n')
