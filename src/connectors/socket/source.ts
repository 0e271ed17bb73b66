import { stringType, timestampType } from '../../batch/schema.ts'
import { reasonOf, StreamError } from '../../core/error.ts'
import { nodeConnect } from '../../core/node-socket.ts'
import type { SocketConnection } from '../../core/socket.ts'
import type { Source } from '../../flow/connector.ts'
import { lossyNumbers } from '../lossy-rows.ts'
import { numberedSource } from '../numbered-source.ts'
import { booleanOption, integerOption, settledOption, textOption } from '../option-spec.ts'
import type { SourceContext, SourceFactory } from '../registry.ts'
import { rowLog } from '../row-log.ts'
import { lineCutter } from './lines.ts'

const host = textOption({ name: 'host', description: 'Where to connect to.', required: true })
const port = integerOption({
  name: 'port',
  description: 'The TCP port.',
  required: true,
  max: 65_535,
})
const includeTimestamp = booleanOption({
  name: 'includeTimestamp',
  description: 'Whether a column says when each line came.',
  initial: 'false',
})

/**
 * Lines of text from a TCP server, one row each. It cannot be asked for them again: rows that were
 * read but not committed when the process dies are gone, and counted as `rowsLost`.
 */
export const socketSource: SourceFactory = {
  format: 'socket',
  noPast: true,
  options: [host, port, includeTimestamp],
  schemaFor: (options) => [
    { name: 'value', type: stringType, nullable: true },
    ...(settledOption(options, includeTimestamp)
      ? [{ name: 'timestamp', type: timestampType, nullable: true }]
      : []),
  ],
  async create(context) {
    if (context.folder !== undefined) return sourceOf(context)
    throw new StreamError('CONFIG_INVALID', {
      option: 'format',
      value: 'socket',
      expected: 'readStream, as a socket has no end,',
    })
  },
}

/** More than this that the query has not read yet stays with the sender. */
const bufferBytesMax = 16 * 1024 * 1024
const firstDelayMs = 100
const delayMsMax = 10_000

function sourceOf(context: SourceContext): Source {
  const { options, clock, random, connect = nodeConnect } = context
  const address = { host: settledOption(options, host), port: settledOption(options, port) }
  const origin = `socket ${address.host}:${address.port}`
  const log = rowLog(context.schema)
  const wakes = new Set<() => void>()
  let lines = lineCutter()
  let connection: SocketConnection | undefined
  let unread: { readonly end: number; readonly byteLength: number }[] = []
  let unreadBytes = 0
  let failures = 0
  let reconnects = 0
  let lastError = ''
  let failure: StreamError | undefined
  let stopTimer: () => void = () => undefined

  const add = (texts: readonly string[], byteLength: number): void => {
    const now = clock.now() * 1000
    for (const text of texts) log.append([text, now])
    unread.push({ end: log.end, byteLength })
    unreadBytes += byteLength
    if (unreadBytes > bufferBytesMax) connection?.pause()
    if (texts.length > 0) for (const wake of [...wakes]) wake()
  }

  const open = (): void => {
    connection = connect(address, {
      connected() {
        failures = 0
      },
      received(bytes) {
        add(lines.add(bytes), bytes.length)
        if (lines.restLength > bufferBytesMax) fail()
      },
      closed(error) {
        // The last line of an orderly end counts without a line feed; half a line of a broken one does not.
        const rest = lines.takeRest()
        if (error === undefined && rest !== '') add([rest], 0)
        lines = lineCutter()
        lastError = error === undefined ? lastError : reasonOf(error)
        openLater()
      },
    })
  }

  const openLater = (): void => {
    const delayMs = Math.min(delayMsMax, firstDelayMs * 2 ** Math.min(failures++, 10))
    // Many clients of one server that comes back must not arrive at one moment.
    stopTimer = clock.after(delayMs * (0.5 + random.next() / 2), () => {
      reconnects++
      open()
    })
  }

  const fail = (): void => {
    connection?.close()
    failure = new StreamError('DECODE_FAILED', {
      origin,
      schema: 'value STRING',
      why: `a line is longer than ${bufferBytesMax} bytes`,
      row: lines.takeRest().slice(0, 100),
    })
    for (const wake of [...wakes]) wake()
  }

  const numbers = lossyNumbers(log, open)
  return numberedSource(context, {
    description: origin,
    replayable: false,
    log,
    wakes,
    reach(from, to) {
      if (failure !== undefined) throw failure
      numbers.reach(from, to)
    },
    consumed(row) {
      const read = unread.filter(({ end }) => end <= row)
      unread = unread.slice(read.length)
      const wasFull = unreadBytes > bufferBytesMax
      unreadBytes -= read.reduce((sum, each) => sum + each.byteLength, 0)
      if (wasFull && unreadBytes <= bufferBytesMax) connection?.resume()
    },
    async close() {
      stopTimer()
      connection?.close()
    },
    metrics: () => ({ rowsLost: String(numbers.lost), reconnects: String(reconnects), lastError }),
  })
}
