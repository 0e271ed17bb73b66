import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { col, count, window } from '../../src/functions.ts'
import { type DataFrame, Session } from '../../src/index.ts'

const folder = await mkdtemp(join(tmpdir(), 'millrace-shared-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

const ddl =
  'kind INT, person STRUCT<id: INT, name: STRING, city: STRING>, sale STRUCT<id: INT, seller: INT, text: STRING>'
const lines = [
  '{"kind":0,"person":{"id":1,"name":"Ann","city":"Oslo"}}',
  '{"kind":1,"sale":{"id":7,"seller":1,"text":"a chair"}}',
  '{"kind":1,"sale":',
  '{"kind":0,"person":{"id":2,"name":"Ben","city":"Rome"}}',
  '{"kind":1,"sale":{"id":8,"seller":2,"text":"a table"}}',
  '{"kind":2}',
]
await writeFile(join(folder, 'events.json'), `${lines.join('\n')}\n`)

const session = Session.builder.config('progress', 'off').config('store', 'memory').getOrCreate()
afterAll(() => session.stop())

const events = (mode = 'PERMISSIVE'): DataFrame =>
  session.readStream.schema(ddl).option('mode', mode).json(folder)

function joined(stream: DataFrame): DataFrame {
  const people = stream.where(col('kind').eq(0)).select('person.id', 'person.name')
  const sales = stream.where(col('kind').eq(1)).select(col('sale.id').alias('sale'), 'sale.seller')
  return people.join(sales, col('id').eq(col('seller'))).select('name', 'sale')
}

function planOf(frame: DataFrame): string {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  const plan = frame.explain(true)
  write.mockRestore()
  return plan
}

test('a stream with two readers is read once', async () => {
  const query = joined(events('DEADLETTER'))
    .writeStream.format('memory')
    .queryName('sales')
    .option('deadLetterPath', join(folder, 'dead'))
    .option('checkpointLocation', join(folder, 'checkpoint'))
    .trigger({ availableNow: true })
    .start()
  await query.awaitTermination()
  const rows = await session.table('sales').collect()
  expect(rows.map(({ name, sale }) => `${name} ${sale}`).sort()).toEqual(['Ann 7', 'Ben 8'])
  const read = query.recentProgress.flatMap(({ sources }) => sources)
  expect(read.reduce((sum, { numInputRows }) => sum + numInputRows, 0)).toBe(5)
  const dead = await session.read.schema('record STRING').json(join(folder, 'dead')).collect()
  expect(dead.map(({ record }) => record)).toEqual([lines[2]])
})

test('only the fields are read that one of the readers reads', () => {
  const plan = planOf(joined(events()))
  expect(plan.match(/<- source/g)).toHaveLength(1)
  expect(plan).toContain('person: struct<id:int,name:string>')
  expect(plan).toContain('sale: struct<id:int,seller:int>')
  const stream = events()
  const whole = stream.select(col('person').alias('both')).union(stream.select('person'))
  expect(planOf(whole)).toContain('person: struct<id:int,name:string,city:string>')
  const apart = stream.select('person.name').union(stream.select('person.city'))
  expect(planOf(apart)).toContain('person: struct<name:string,city:string>')
})

test('every reader gets every row under the continuous trigger, on any number of lanes', async () => {
  await session.stop()
  const threeLanes = Session.builder.config('progress', 'off').config('lanes', 3).getOrCreate()
  const input = threeLanes.memoryStream('n INT')
  const stream = input.toDF()
  const query = stream
    .where(col('n').mod(2).eq(0))
    .union(stream.where(col('n').mod(3).eq(0)))
    .writeStream.format('memory')
    .queryName('multiples')
    .trigger({ continuous: '50 ms' })
    .start()
  input.addData(Array.from({ length: 30 }, (_, n) => ({ n })))
  await query.processAllAvailable()
  await query.stop()
  const rows = await threeLanes.table('multiples').collect()
  const numbers = Array.from({ length: 30 }, (_, n) => n)
  const expected = [...numbers.filter((n) => n % 2 === 0), ...numbers.filter((n) => n % 3 === 0)]
  expect(rows.map(({ n }) => n).sort((a, b) => Number(a) - Number(b))).toEqual(
    expected.sort((a, b) => a - b),
  )
  await threeLanes.stop()
})

test('a watermark that two places stand behind is kept once, and so are its rows without a time', async () => {
  const session = Session.builder.config('progress', 'off').config('store', 'memory').getOrCreate()
  const path = join(folder, 'timed')
  await mkdir(path)
  const timed = ['{"k":1,"at":"2024-01-01 00:00:00"}', '{"k":2,"at":null}']
  await writeFile(join(path, 'a.json'), `${timed.join('\n')}\n`)
  const marked = session.readStream
    .schema('k INT, at TIMESTAMP, more INT')
    .json(path)
    .withWatermark('at', '1 minute', { nullTime: 'deadLetter' })
  const counts = marked
    .select('k', 'at')
    .union(marked.where('k > 0').select('k', 'at'))
    .groupBy(window('at', '1 minute'))
    .agg(count('*').alias('n'))
  expect(planOf(counts).match(/ {2}watermark /g)).toHaveLength(1)
  const query = counts.writeStream
    .format('memory')
    .queryName('counts')
    .option('deadLetterPath', join(folder, 'timeless'))
    .option('drain', 'flush')
    .trigger({ availableNow: true })
    .start()
  await query.awaitTermination()
  expect((await session.table('counts').collect()).map(({ n }) => n)).toEqual([2n])
  const dead = await session.read.schema('record STRING').json(join(folder, 'timeless')).collect()
  expect(dead).toHaveLength(1)
  await session.stop()
})
