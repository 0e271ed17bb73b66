/**
 * The open loop in a process of its own: `generator.js <rate> <rows> <keys>`. Prints the port, waits for
 * one reader, writes lines `key dueMicros` to it, and reports its own lags. Due times are on the
 * machine's monotonic clock, which is the same in every process.
 */
import { createServer } from 'node:net'
import { constants, setPriority } from 'node:os'
import { systemClock } from '../../src/core/system-clock.ts'
import { reportRun } from '../measured-run.ts'
import { paceRows } from './pace.ts'
import { percentilesOf, warmUpRows } from './percentiles.ts'

const [ratePerSecond = 0, rows = 0, keys = 0] = process.argv.slice(2).map(Number)
if (!(ratePerSecond > 0 && rows > 0 && keys > 0)) {
  throw new RangeError('usage: generator.js <rows per second> <rows> <keys>')
}

goFirst()
const clock = systemClock()
/** From this process's monotonic clock to the machine's. */
const offsetMs = Number(process.hrtime.bigint()) / 1e6 - clock.monotonic()

const server = createServer({ noDelay: true }, (reader) => {
  server.close()
  void reportRun(async () => {
    const send = (row: number, dueMs: number): void => {
      reader.write(`${row % keys} ${Math.round((dueMs + offsetMs) * 1000)}\n`)
    }
    const lags = await paceRows(clock, { ratePerSecond, rows, tickMs: 0.2 }, send)
    reader.end()
    // Of the rows whose latencies count.
    return percentilesOf(lags.subarray(warmUpRows(rows)))
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object' && address !== null)
    process.stdout.write(`port ${address.port}\n`)
})

/** It stands for machines elsewhere: threads of the engine may not make it late. Where the system forbids that, its lags tell. */
function goFirst(): void {
  try {
    setPriority(constants.priority.PRIORITY_HIGHEST)
  } catch {
    process.stderr.write('the open loop runs at normal priority: no permission for a higher one\n')
  }
}
