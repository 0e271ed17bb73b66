import { expect, test } from 'vitest'
import { simulatedSession } from '../../properties/simulated-session.ts'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import { Session } from '../../src/index.ts'
import type { AsyncCall } from '../../src/streaming.ts'
import { StructType } from '../../src/types.ts'

const id = StructType().add('id', 'int')

test('the progress says how many rows were in flight, and what became of calls', async () => {
  const { session, simulation } = simulatedSession({ seed: 1, files: virtualFileSystem(), life: 0 })
  const input = session.memoryStream('id INT')
  input.addData(Array.from({ length: 10 }, (_, n) => ({ id: n })))
  const answer = async (row: { readonly id: number | null }, { attempt, signal }: AsyncCall) => {
    if (row.id === 3) throw new Error('never')
    if (row.id === 4 && attempt === 1) {
      await new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason))
      })
    }
    return row
  }
  const query = input
    .toDF()
    .as(id)
    .mapAsync(answer, id, { capacity: 4, onError: 'drop' })
    .toDF()
    .writeStream.trigger({ availableNow: true })
    .format('memory')
    .queryName('answers')
    .start()
  await simulation.run(query.awaitTermination())
  expect(query.lastProgress?.asyncOperators).toEqual([
    {
      operatorName: 'mapAsync-0',
      numInputRows: 10,
      maxRowsInFlight: 4,
      numRetries: 3,
      numTimeouts: 1,
      numRowsDropped: 1,
    },
  ])
  const rows = await simulation.run(session.table('answers').collect())
  expect(rows?.map((row) => row['id'])).toEqual([0, 1, 2, 4, 5, 6, 7, 8, 9])
})

test('a query ends with what the last call said', async () => {
  const { session, simulation } = simulatedSession({ seed: 1, files: virtualFileSystem(), life: 0 })
  const input = session.memoryStream('id INT')
  input.addData([{ id: 7 }])
  const fetchName = async (): Promise<{ id: number }> => {
    throw new Error('503 Service Unavailable')
  }
  const query = input
    .toDF()
    .as(id)
    .mapAsync(fetchName, id)
    .toDF()
    .writeStream.format('noop')
    .start()
  await expect(simulation.run(query.awaitTermination())).rejects.toMatchObject({
    code: 'ASYNC_CALL_FAILED',
    message: expect.stringContaining(
      'In mapAsync-0 the last of 3 calls of fetchName for a row failed: 503 Service Unavailable. The row begins: {"id":7}',
    ),
  })
})

test('a forced stop aborts what is in flight and does not wait for it', async () => {
  const session = Session.builder.config('progress', 'off').getOrCreate()
  const input = session.memoryStream('id INT')
  const signals: AbortSignal[] = []
  let begun = () => {}
  const hasBegun = new Promise<void>((resolve) => {
    begun = resolve
  })
  const deaf = (_row: unknown, { signal }: AsyncCall) => {
    signals.push(signal)
    begun()
    return new Promise<{ id: number }>(() => {})
  }
  const query = input.toDF().as(id).mapAsync(deaf, id).toDF().writeStream.format('noop').start()
  input.addData([{ id: 1 }, { id: 2 }])
  await hasBegun
  await query.stop({ force: true })
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true])
  await session.stop()
})

test('a batch waits for its calls, keeps its order, and aborts the others when one fails', async () => {
  const { session, simulation } = simulatedSession({ seed: 1, files: virtualFileSystem(), life: 0 })
  const rows = Array.from({ length: 50 }, (_, n) => ({ id: n }))
  const frame = session.createDataFrame(rows, 'id INT').as(id)
  const slow = async (row: { readonly id: number | null }) => {
    for (let turns = (row.id ?? 0) % 7; turns > 0; turns--) await simulation.pause()
    return row
  }
  const found = await simulation.run(frame.mapAsync(slow, id, { ordered: false }).toDF().collect())
  expect(found).toEqual(rows)
  const signals: AbortSignal[] = []
  const failing = async (row: { readonly id: number | null }, { signal }: AsyncCall) => {
    signals.push(signal)
    if (row.id === 20) throw new Error('no')
    return new Promise<{ id: number }>(() => {})
  }
  const once = { retry: { attempts: 1 } }
  const broken = frame.mapAsync(failing, id, once).toDF().collect()
  await expect(simulation.run(broken)).rejects.toMatchObject({ code: 'ASYNC_CALL_FAILED' })
  expect(signals.filter(({ aborted }) => aborted)).toHaveLength(49)
})

test.each([
  [{ capacity: 0 }, 'capacity of mapAsync'],
  [{ retry: { attempts: 1.5 } }, 'retry.attempts of mapAsync'],
  [{ timeout: '0 ms' }, 'timeout of mapAsync'],
])('limits that make no sense are refused: %j', async (options, option) => {
  const { session } = simulatedSession({ seed: 1, files: virtualFileSystem(), life: 0 })
  const frame = session.createDataFrame([{ id: 1 }], 'id INT').as(id)
  expect(() => frame.mapAsync(async (row) => row, id, options)).toThrow(
    expect.objectContaining({
      code: 'CONFIG_INVALID',
      details: expect.objectContaining({ option }),
    }),
  )
})
