import { expect, test } from 'vitest'
import { createSimulatedClock } from '../../properties/simulated-clock.ts'
import { rowsOf } from '../../src/batch/read.ts'
import { lineCutter } from '../../src/connectors/socket/lines.ts'
import { socketSource } from '../../src/connectors/socket/source.ts'
import type { SocketEvents } from '../../src/core/socket.ts'
import type { Source } from '../../src/flow/connector.ts'
import { sourceContext } from './contexts.ts'

/** A server in memory that keeps what happens to its connections. */
function server() {
  const connections: SocketEvents[] = []
  const log: string[] = []
  return {
    log,
    connections,
    connect: (_: unknown, events: SocketEvents) => {
      connections.push(events)
      return {
        pause: () => void log.push('pause'),
        resume: () => void log.push('resume'),
        close: () => void log.push('close'),
      }
    },
    send: (text: string) => connections.at(-1)?.received(new TextEncoder().encode(text)),
  }
}

async function opened(extra: readonly (readonly [string, string])[] = []) {
  const clock = createSimulatedClock({ startMs: 1000 })
  const { connect, ...world } = server()
  const options = new Map([['host', 'localhost'], ['port', '9'], ...extra] as const)
  const schema = socketSource.schemaFor(options, undefined)
  const source = await socketSource.create(
    sourceContext(schema, { options, clock, connect, folder: 'sources/socket' }),
  )
  return { ...world, clock, source, start: await source.initial() }
}

async function linesFrom(source: Source, start: Awaited<ReturnType<Source['initial']>>) {
  const to = await source.latest(start, {})
  const lines = []
  const slice = { index: 0, count: 1 }
  for await (const batch of source.read({ from: start, to }, slice)) lines.push(...rowsOf(batch))
  return lines
}

test('lines are rows, however the network cuts them', async () => {
  const { source, start, connections } = await opened()
  const bytes = new TextEncoder().encode('grün\r\n\nblau\nrest')
  for (const byte of bytes) connections[0]?.received(Uint8Array.of(byte))
  expect(await linesFrom(source, start)).toEqual([['grün'], [''], ['blau']])
})

test('includeTimestamp says when a line came', async () => {
  const { source, start, send } = await opened([['includetimestamp', 'true']])
  send('a\n')
  expect(await linesFrom(source, start)).toEqual([['a', 1_000_000]])
})

test('a lost connection is opened again, later each time, until one holds', async () => {
  const { source, start, connections, clock, send } = await opened()
  send('whole\nhal')
  connections[0]?.closed(new Error('reset'))
  expect(connections.length).toBe(1)
  clock.advance(100)
  expect(connections.length).toBe(2)
  connections[1]?.closed(new Error('refused'))
  clock.advance(99)
  expect(connections.length).toBe(2)
  clock.advance(101)
  expect(connections.length).toBe(3)
  connections[2]?.connected()
  send('again\n')
  // Half a line of a broken connection is no line.
  expect(await linesFrom(source, start)).toEqual([['whole'], ['again']])
  expect(source.metrics?.()).toMatchObject({ reconnects: '2', lastError: 'refused' })
})

test('the last line of an orderly end counts', async () => {
  const { source, start, connections, send } = await opened()
  send('one\ntwo')
  connections[0]?.closed(undefined)
  expect(await linesFrom(source, start)).toEqual([['one'], ['two']])
})

test('a sender that is too fast is held until the query has read', async () => {
  const { source, start, send, log } = await opened()
  const line = `${'x'.repeat(1024 * 1024 - 1)}\n`
  for (let count = 0; count < 17; count++) send(line)
  expect(log).toEqual(['pause'])
  await source.latest(await source.latest(start, {}), {})
  expect(log).toEqual(['pause', 'resume'])
})

test('a line without an end fails instead of filling the memory', async () => {
  const { source, start, send } = await opened()
  for (let count = 0; count < 17; count++) send('x'.repeat(1024 * 1024))
  await expect(source.latest(start, {})).rejects.toMatchObject({ code: 'DECODE_FAILED' })
})

test('rows of an earlier process are counted as lost', async () => {
  const clock = createSimulatedClock()
  const { connect, send } = server()
  const options = new Map([
    ['host', 'localhost'],
    ['port', '9'],
  ])
  const schema = socketSource.schemaFor(options, undefined)
  const source = await socketSource.create(
    sourceContext(schema, { options, clock, connect, folder: 'sources/socket' }),
  )
  for await (const _ of source.read(
    { from: { '0': 10 }, to: { '0': 14 } },
    { index: 0, count: 1 },
  )) {
    throw new Error('there are no such rows')
  }
  send('new\n')
  expect(await linesFrom(source, { '0': 14 })).toEqual([['new']])
  expect(source.metrics?.()).toMatchObject({ rowsLost: '4' })
  expect(source.replayable).toBe(false)
})

test('a batch read of a socket is refused', async () => {
  const options = new Map([
    ['host', 'localhost'],
    ['port', '9'],
  ])
  const schema = socketSource.schemaFor(options, undefined)
  await expect(socketSource.create(sourceContext(schema, { options }))).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
  })
})

test('bytes of a line are kept although their buffer is used again', () => {
  const cutter = lineCutter()
  const buffer = new TextEncoder().encode('ab')
  cutter.add(buffer)
  buffer.fill(0)
  expect(cutter.add(new TextEncoder().encode('c\n'))).toEqual(['abc'])
  expect(cutter.restLength).toBe(0)
})
