import { expect, test } from 'vitest'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import { parseSchema } from '../../src/batch/ddl.ts'
import { pushSource, pushStream } from '../../src/connectors/push/source.ts'
import { sourceContext } from './contexts.ts'
import { outcomeOf, pushProcess, readOn } from './push-world.ts'

const start = { '0': 0 }

test('rows are read in the order in which they were pushed', async () => {
  const { push, start: run } = pushProcess(virtualFileSystem())
  const source = await run()
  await Promise.all([push(1, 2), push(3), push(4)])
  expect(await readOn(source, await source.initial())).toEqual({
    numbers: [1, 2, 3, 4],
    to: { '0': 4 },
  })
})

test('pushes of one turn share one fsync', async () => {
  const syncs: string[] = []
  const files = virtualFileSystem({
    onStep: (name) => void (name.startsWith('sync q') && syncs.push(name)),
  })
  const { push, start: run } = pushProcess(files)
  await run()
  await Promise.all(Array.from({ length: 50 }, (_, n) => push(n)))
  expect(syncs.length).toBe(1)
})

test('a push waits for a query to start', async () => {
  const { push, start: run } = pushProcess(virtualFileSystem())
  const pushed = push(1)
  expect(await outcomeOf(pushed)).toBe('waits')
  const source = await run()
  await pushed
  expect((await readOn(source, start)).numbers).toEqual([1])
})

test('a push that no query reads is refused after waitMs', async () => {
  const { push, clock } = pushProcess(virtualFileSystem(), { waitMs: 1000 })
  const pushed = push(1)
  clock.advance(999)
  expect(await outcomeOf(pushed)).toBe('waits')
  clock.advance(1)
  expect(await outcomeOf(pushed)).toBe('PUSH_CLOSED')
})

test('nothing is accepted after close', async () => {
  const { push, handle, start: run } = pushProcess(virtualFileSystem())
  const waiting = push(1)
  const refused = outcomeOf(waiting)
  await handle.close()
  expect(await refused).toBe('PUSH_CLOSED')
  await run()
  await expect(push(2)).rejects.toMatchObject({ code: 'PUSH_CLOSED' })
})

test('a row that does not fit refuses the whole push', async () => {
  const { handle, start: run } = pushProcess(virtualFileSystem())
  const source = await run()
  await expect(handle.push([{ n: 1 }, { n: 'two' }])).rejects.toMatchObject({
    code: 'CAST_INVALID_INPUT',
  })
  expect((await readOn(source, start)).numbers).toEqual([])
})

test('a durable push waits for the commit of its rows', async () => {
  const { handle, start: run } = pushProcess(virtualFileSystem())
  const source = await run()
  const first = handle.push([{ n: 1 }], { durable: true })
  const second = handle.push([{ n: 2 }], { durable: true })
  expect(await outcomeOf(first)).toBe('waits')
  await source.commit({ '0': 1 })
  expect(await outcomeOf(first)).toBe('done')
  expect(await outcomeOf(second)).toBe('waits')
  await source.commit({ '0': 2 })
  expect(await outcomeOf(second)).toBe('done')
})

test('more than the buffer waits until the query has read', async () => {
  const { push, start: run } = pushProcess(virtualFileSystem(), { bufferBytes: 16 })
  const source = await run()
  expect(await outcomeOf(push(1, 2))).toBe('done')
  const third = push(3)
  expect(await outcomeOf(third)).toBe('waits')
  const { to } = await readOn(source, start)
  expect(to).toEqual({ '0': 2 })
  await source.latest(to, {})
  expect(await outcomeOf(third)).toBe('done')
})

test('a push larger than the buffer goes alone', async () => {
  const { push, start: run } = pushProcess(virtualFileSystem(), { bufferBytes: 16 })
  await run()
  expect(await outcomeOf(push(1, 2, 3, 4))).toBe('done')
})

test('the same id adds its rows once, also within one turn and after a restart', async () => {
  const files = virtualFileSystem()
  const first = pushProcess(files)
  const source = await first.start()
  const send = (process: typeof first) => process.handle.push([{ n: 7 }], { id: 'a' })
  await Promise.all([send(first), send(first)])
  await send(first)
  expect((await readOn(source, start)).numbers).toEqual([7])

  const second = pushProcess(files.kill())
  const again = await second.start()
  await send(second)
  expect((await readOn(again, start)).numbers).toEqual([7])
})

test('ids are remembered when the files of their rows are gone, and rows keep their numbers', async () => {
  const files = virtualFileSystem()
  const first = pushProcess(files)
  const source = await first.start()
  await first.handle.push([{ n: 7 }], { id: 'a' })
  await source.close()

  const second = pushProcess(files)
  const later = await second.start()
  const before = files.allFiles().filter((name) => name.endsWith('.sealed'))
  await later.commit({ '0': 1 })
  expect(before.length).toBe(1)
  expect(files.allFiles().filter((name) => name.endsWith('.sealed'))).toEqual([])
  await later.close()

  const third = pushProcess(files)
  const last = await third.start()
  await third.handle.push([{ n: 7 }], { id: 'a' })
  await third.handle.push([{ n: 8 }], { id: 'b' })
  expect(await readOn(last, { '0': 1 })).toEqual({ numbers: [8], to: { '0': 2 } })
})

test('only the newest ids are remembered', async () => {
  const { handle, start: run } = pushProcess(virtualFileSystem(), { rememberIds: 1 })
  const source = await run()
  for (const id of ['a', 'b', 'a']) await handle.push([{ n: 1 }], { id })
  expect((await readOn(source, start)).numbers).toEqual([1, 1, 1])
})

test('a run whose journal was taken over confirms nothing any more', async () => {
  const files = virtualFileSystem()
  const old = pushProcess(files)
  await old.start()
  await old.push(1)
  const source = await pushProcess(files).start()
  await expect(old.push(2)).rejects.toMatchObject({ code: 'PUSH_CLOSED' })
  expect((await readOn(source, start)).numbers).toEqual([1])
})

test.each(['write q', 'sync q'])(
  'a push whose %s fails is refused, and leaves no row behind',
  async (step) => {
    let isFull = false
    const files = virtualFileSystem({
      fault: (name) => (isFull && name.startsWith(step) ? 'ENOSPC' : undefined),
    })
    const { push, start: run } = pushProcess(files)
    const source = await run()
    await push(1)
    isFull = true
    await expect(push(2)).rejects.toMatchObject({ code: 'IO_ERROR' })
    isFull = false
    await push(3)
    expect((await readOn(source, start)).numbers).toEqual([1, 3])
    const again = await pushProcess(files.kill()).start()
    expect((await readOn(again, start)).numbers).toEqual([1, 3])
  },
)

test('a journal with other columns is refused', async () => {
  const files = virtualFileSystem()
  const { push, start: run } = pushProcess(files)
  await run()
  await push(1)
  const schema = parseSchema('n STRING')
  const { clock } = sourceContext(schema)
  const handle = pushStream(schema, {}, clock)
  await expect(
    pushSource.create(sourceContext(schema, { handle, files, folder: 'q/sources/push' })),
  ).rejects.toMatchObject({ code: 'CHECKPOINT_OTHER_QUERY' })
})

test('rows missing from the middle of the journal are an error, never passed over', async () => {
  const files = virtualFileSystem()
  for (const numbers of [[1], [2], [3]]) {
    const { push, start: run } = pushProcess(files)
    const source = await run()
    await push(...numbers)
    await source.close()
  }
  const [, middle = ''] = files.allFiles().filter((name) => name.endsWith('.sealed'))
  files.tamper(middle, () => undefined)
  await expect(pushProcess(files).start()).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT' })
})

test('a damaged end of the newest file was never accepted, and is passed over', async () => {
  const files = virtualFileSystem()
  const { push, start: run } = pushProcess(files)
  await run()
  await push(1)
  await push(2)
  const [open = ''] = files.allFiles()
  files.tamper(open, (bytes) => bytes.with(-1, (bytes.at(-1) ?? 0) ^ 1))
  const source = await pushProcess(files.kill()).start()
  expect((await readOn(source, start)).numbers).toEqual([1])
})

test('an attempt that ends during a write touches the journal no more, and the push is not lost', async () => {
  let written = 0
  for (let turns = 0; turns < 40; turns++) {
    const files = virtualFileSystem()
    const { push, start: run } = pushProcess(files)
    const source = await run()
    const pushed = push(1)
    for (let turn = 0; turn < turns; turn++) await Promise.resolve()
    await source.close()
    const steps = files.steps()
    const outcome = await outcomeOf(pushed)
    expect(files.steps()).toBe(steps)
    written += outcome === 'done' ? 1 : 0
    const again = await run()
    await pushed
    expect((await readOn(again, start)).numbers).toEqual([1])
  }
  expect(written).toBeGreaterThan(5)
  expect(written).toBeLessThan(40)
})

test('a stream is read by one query at a time', async () => {
  const { start: run } = pushProcess(virtualFileSystem())
  const source = await run()
  await expect(run()).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  await source.close()
  await run()
})

test('without a journal rows of an earlier process are counted as lost, and new ones are not', async () => {
  const { push, start: run } = pushProcess(virtualFileSystem(), { journal: false })
  const source = await run()
  expect(source.replayable).toBe(false)
  const pushed = push(1, 2)
  // The checkpoint knows rows 5 to 7 of a process that died.
  const lost = source.read({ from: { '0': 5 }, to: { '0': 8 } }, { index: 0, count: 1 })
  for await (const _ of lost) throw new Error('there are no such rows')
  await pushed
  expect(await readOn(source, { '0': 8 })).toEqual({ numbers: [1, 2], to: { '0': 10 } })
  expect(source.metrics?.()).toEqual({ rowsLost: '3' })
})

test('without a journal rows stay for the next attempt in the same process', async () => {
  const { push, start: run } = pushProcess(virtualFileSystem(), { journal: false })
  const source = await run()
  await source.initial()
  await push(1, 2)
  await source.close()
  const next = await run()
  expect((await readOn(next, start)).numbers).toEqual([1, 2])
})
