import { expect, test } from 'vitest'
import { dataReader } from '../../src/dataframe/reader.ts'
import { Trigger } from '../../src/streaming.ts'
import { LongType, StringType, StructType } from '../../src/types.ts'
import { oracleLaunch } from './oracle-launch.ts'

const schema = 'id BIGINT, name STRING'

test('a reader hands over format, options in lower case, schema and name', () => {
  const launch = oracleLaunch()
  const frame = dataReader(launch, { streaming: true })
    .format('JSON')
    .schema(schema)
    .option('maxFilesPerTrigger', 1)
    .option('MAXFILESPERTRIGGER', 2)
    .options({ latestFirst: true })
    .name('orders')
    .load('/in')
  expect(frame.isStreaming).toBe(true)
  expect(launch.asked.reads).toEqual([
    {
      format: 'json',
      options: { maxfilespertrigger: '2', latestfirst: 'true', path: '/in' },
      schema: frame.schema.fields,
      streaming: true,
      name: 'orders',
    },
  ])
})

test('a schema may be DDL text, built, or a list of fields', () => {
  const launch = oracleLaunch()
  const built = StructType().add('id', LongType()).add('name', StringType())
  for (const given of [schema, built, built.fields]) {
    expect(dataReader(launch, { streaming: false }).schema(given).csv('/in').columns).toEqual([
      'id',
      'name',
    ])
  }
  // Plans travel to workers, so nothing of them may be a function.
  expect(() => structuredClone(launch.asked.reads)).not.toThrow()
})

test('a view is read by its name', () => {
  const launch = oracleLaunch()
  launch.frame(schema).select('id').createOrReplaceTempView('ids')
  expect(dataReader(launch, { streaming: false }).table('ids').columns).toEqual(['id'])
})

test('a name that would make a bad file name is refused', () => {
  const reader = dataReader(oracleLaunch(), { streaming: true })
  for (const name of ['', '../up', 'a b', '.hidden']) {
    expect(() => reader.name(name)).toThrow('CONFIG_INVALID')
  }
})

test('a writer hands over everything it was told', () => {
  const launch = oracleLaunch()
  launch
    .frame(schema, [], { streaming: true })
    .writeStream.format('CSV')
    .outputMode('Append')
    .queryName('q')
    .option('checkpointLocation', '/c')
    .partitionBy('NAME')
    .trigger({ processingTime: '10 seconds' })
    .start('/out')
  expect(launch.asked.starts[0]?.spec).toEqual({
    format: 'csv',
    options: { checkpointlocation: '/c', path: '/out' },
    outputMode: 'append',
    trigger: { kind: 'processingTime', intervalMs: 10_000 },
    queryName: 'q',
    partitionBy: ['name'],
  })
})

test.each([
  [{ processingTime: '2 seconds' }, { kind: 'processingTime', intervalMs: 2_000 }],
  [Trigger.ProcessingTime(250), { kind: 'processingTime', intervalMs: 250 }],
  [Trigger.ProcessingTime(0), { kind: 'processingTime', intervalMs: 0 }],
  [Trigger.AvailableNow(), { kind: 'availableNow' }],
  [Trigger.Once(), { kind: 'once' }],
  [Trigger.Continuous('1 second'), { kind: 'continuous', intervalMs: 1_000 }],
  [Trigger.RealTime(), { kind: 'continuous', intervalMs: 300_000 }],
])('the trigger %o is %o', (trigger, spec) => {
  const launch = oracleLaunch()
  launch.frame(schema, [], { streaming: true }).writeStream.format('noop').trigger(trigger).start()
  expect(launch.asked.starts[0]?.spec.trigger).toEqual(spec)
})

test('without a trigger one epoch follows the other', () => {
  const launch = oracleLaunch()
  launch.frame(schema, [], { streaming: true }).writeStream.format('noop').start()
  expect(launch.asked.starts[0]?.spec.trigger).toEqual({ kind: 'processingTime', intervalMs: 0 })
})

test('foreach takes a function or an object, foreachBatch a function', () => {
  const launch = oracleLaunch()
  const { writeStream } = launch.frame(schema, [], { streaming: true })
  const process = () => {}
  const each = () => {}
  writeStream.foreach(process).start()
  writeStream.foreach({ open: () => true, process }).start()
  writeStream.foreachBatch(each).start()
  const [first, second, third] = launch.asked.starts.map(({ spec }) => spec)
  expect(first).toMatchObject({ format: 'foreach', foreach: { process } })
  expect(second?.foreach?.open?.(0, 0)).toBe(true)
  expect(third).toMatchObject({ format: 'foreachbatch', foreachBatch: each })
})

test('sources and watermarks of a query have stable names', () => {
  const launch = oracleLaunch()
  const reader = dataReader(launch, { streaming: true }).schema('id BIGINT, at TIMESTAMP')
  const first = reader.json('/a').withWatermark('at', '1 minute')
  const second = reader.name('second').json('/b')
  const third = reader.json('/c').withWatermark('at', '2 minutes')
  first.union(second).union(third).union(first).writeStream.format('noop').start()
  const text = JSON.stringify(launch.asked.starts[0]?.plan)
  expect([...text.matchAll(/"source":"([^"]*)"/g)].map(([, name]) => name)).toEqual([
    'json-0',
    'second',
    'json-1',
    'json-0',
  ])
  expect([...text.matchAll(/"node":"([^"]*)"/g)].map(([, name]) => name)).toEqual([
    'at@json-0',
    'at@json-1',
    'at@json-0',
  ])
})

test('a batch frame is written with what its writer was told', async () => {
  const launch = oracleLaunch()
  await launch.frame(schema).write.mode('overwrite').option('Header', true).csv('/out')
  expect(launch.asked.saves[0]?.spec).toEqual({
    format: 'csv',
    options: { header: 'true', path: '/out' },
    mode: 'overwrite',
    partitionBy: [],
  })
})
