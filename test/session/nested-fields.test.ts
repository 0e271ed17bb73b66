import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { col, count, sum } from '../../src/functions.ts'
import { type DataFrame, Session } from '../../src/index.ts'

const folder = await mkdtemp(join(tmpdir(), 'millrace-fields-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

const ddl = 'kind INT, bid STRUCT<a: LONG, b: STRING, c: INT>, _corrupt_record STRING'
const lines = [
  '{"kind":1,"bid":{"a":1,"b":"x","c":10}}',
  '{"kind":1,"bid":{"c":20,"a":2}}',
  '{"kind":2,"bid":{"a":3,"b":"y","c":30}}',
  '{"kind":1}',
  '{"kind":1,"bid":{"a":"not a number","b":"z","c":40}}',
]
await writeFile(join(folder, 'events.json'), `${lines.join('\n')}\n`)

const session = Session.builder.config('progress', 'off').config('store', 'memory').getOrCreate()
afterAll(() => session.stop())

/** Without the corrupt column, which needs every field. */
const events = (options: Readonly<Record<string, string>> = {}): DataFrame => {
  let reader = session.read.schema(ddl.replace(', _corrupt_record STRING', ''))
  for (const [name, value] of Object.entries(options)) reader = reader.option(name, value)
  return reader.json(folder)
}

test('a query over one field of a struct reads only that field', async () => {
  const cents = events().where(col('kind').eq(1)).select('bid.c')
  expect(await cents.collect()).toEqual([{ c: 10 }, { c: 20 }, { c: null }, { c: 40 }])
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  const plan = cents.explain(true)
  write.mockRestore()
  expect(plan).toContain('[kind: int, bid: struct<c:int>]')
})

test('filters and aggregates read the fields that they name', async () => {
  const totals = events()
    .where(col('bid.a').gt(0))
    .groupBy('kind')
    .agg(count('*').alias('n'), sum(col('bid.c')).alias('c'))
  const rows = await totals.collect()
  expect(rows.map(({ kind, n, c }) => [kind, Number(n), Number(c)]).sort()).toEqual([
    [1, 2, 30],
    [2, 1, 30],
  ])
})

test('a struct that is read as a whole keeps all its fields', async () => {
  const both = events().where(col('kind').eq(2)).select('bid.c', 'bid')
  const [row] = await both.collect()
  expect(row).toMatchObject({ c: 30, bid: { b: 'y', c: 30 } })
})

test('a bad field that is not read still fails a FAILFAST read, and drops the row of a DROPMALFORMED one', async () => {
  const select = (mode: string) => events({ mode }).select('bid.c').collect()
  await expect(select('FAILFAST')).rejects.toMatchObject({ code: 'DECODE_FAILED' })
  expect(await select('DROPMALFORMED')).toEqual([{ c: 10 }, { c: 20 }, { c: 30 }, { c: null }])
})

test('a bad field that is not read is still kept in the corrupt column', async () => {
  const rows = await session.read
    .schema(ddl)
    .json(folder)
    .select('bid.c', '_corrupt_record')
    .where(col('c').eq(40))
    .collect()
  expect(rows).toEqual([{ c: 40, _corrupt_record: lines[4] }])
})

test('rows that a filter drops are read all the same, and explained', async () => {
  const stream = session.readStream.schema('kind INT').json(folder)
  const query = await stream
    .where(col('kind').eq(2))
    .writeStream.format('noop')
    .trigger({ availableNow: true })
    .start()
  await query.awaitTermination()
  expect(query.recentProgress.map(({ numInputRows }) => numInputRows)).toEqual([lines.length])
  expect(query.lastProgress?.sink.numOutputRows).toBe(1)
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  const plan = events().where(col('kind').isin(1, 2)).explain(true)
  write.mockRestore()
  expect(plan).toContain(', wants kind IN (1, 2)')
})
