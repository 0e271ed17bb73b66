import avsc from 'avsc'
import { expect, test } from 'vitest'
import { simulatedSession } from '../../properties/simulated-session.ts'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import { from_avro, to_avro } from '../../src/avro.ts'
import { framed } from '../../src/codecs/registry/frame.ts'
import type { Http } from '../../src/core/http.ts'
import { col, expr, from_json, struct, to_json, udf } from '../../src/functions.ts'
import type { DataFrame } from '../../src/index.ts'
import { from_protobuf, to_protobuf } from '../../src/protobuf.ts'
import { type FakeRegistry, fakeRegistry } from '../codecs/fake-registry.ts'
import { jsonLines } from './json-lines.ts'

type Options = Readonly<Record<string, string>>

/** Answers are kept for the life of the process, so each test has a registry of its own. */
let count = 0
function newUrl(): string {
  count += 1
  return `http://sessions-${count}:8081`
}

interface Given {
  readonly http: Http
  readonly options?: Options
  readonly config?: Options
  readonly batches?: readonly (readonly Readonly<Record<string, unknown>>[])[]
  /** Rows that change go nowhere. */
  readonly updates?: boolean
}

/** Runs a query over rows in a simulated process; each list of rows is an epoch. */
async function run(
  schema: string,
  query: (input: DataFrame) => DataFrame,
  { http, options = {}, config = {}, batches = [], updates = false }: Given,
) {
  const files = virtualFileSystem()
  const { session, simulation } = simulatedSession({ seed: 1, files, life: 0, config, http })
  const input = session.memoryStream(schema)
  const frame = query(input.toDF())
  const started = frame.writeStream
    .outputMode(updates ? 'update' : 'append')
    .format(updates ? 'noop' : 'json')
    .option('checkpointLocation', 'checkpoint')
    .options(updates ? options : { path: 'output', ...options })
    .start()
  let failure: unknown
  for (const rows of batches) {
    input.addData(rows)
    failure ??= await simulation
      .run(started.processAllAvailable())
      .then(() => undefined)
      .catch((thrown: unknown) => thrown)
  }
  await simulation.run(session.stop())
  const paths = await simulation.run(allFiles(files))
  return {
    failure,
    explained: frame.explain(true),
    badRows: started.recentProgress.at(-1)?.badRows,
    output: await jsonLines(files, 'output'),
    letters: await jsonLines(files, 'letters'),
    kept: paths ?? '',
  }
}

type Files = ReturnType<typeof virtualFileSystem>

/** Everything that a query left on its disk, as text. */
async function allFiles(files: Files, folder = '.'): Promise<string> {
  let text = ''
  for (const { name, isFolder } of await files.list(folder)) {
    const path = folder === '.' ? name : `${folder}/${name}`
    if (isFolder) text += await allFiles(files, path)
    else text += new TextDecoder().decode(await files.read(path))
  }
  return text
}

const first = {
  type: 'record',
  name: 'com.acme.Order',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'total', type: 'int' },
  ],
}
const second = {
  ...first,
  fields: [...first.fields, { name: 'currency', type: 'string', default: 'EUR' }],
}

/** A value as a producer of another make writes it. */
function produced(id: number, schema: object, value: object): Uint8Array {
  return framed(id, new Uint8Array(avsc.Type.forSchema(schema as avsc.Schema).toBuffer(value)))
}

function registryOfOrders(): FakeRegistry {
  const fake = fakeRegistry()
  fake.add('orders-value', { schema: JSON.stringify(first) })
  fake.add('orders-value', { schema: JSON.stringify(second) })
  return fake
}

const reader = JSON.stringify(second)
const url = 'schema.registry.url'

test('values of two versions are read as one, and each schema is asked for once', async () => {
  const fake = registryOfOrders()
  const at = newUrl()
  const batches = [
    [{ value: produced(1, first, { id: 1, total: 10 }) }],
    [
      { value: produced(2, second, { id: 2, total: 20, currency: 'USD' }) },
      { value: produced(1, first, { id: 3, total: 30 }) },
      { value: null },
    ],
    [{ value: produced(2, second, { id: 4, total: 40, currency: 'CHF' }) }],
  ]
  const query = (input: DataFrame) =>
    input.select(from_avro('value', reader, { [url]: at }).alias('o')).select('o.*')
  const { failure, output } = await run('value BINARY', query, { http: fake.http, batches })
  expect(failure).toBeUndefined()
  expect(output).toEqual([
    { id: 1, total: 10, currency: 'EUR' },
    { id: 2, total: 20, currency: 'USD' },
    { id: 3, total: 30, currency: 'EUR' },
    {},
    { id: 4, total: 40, currency: 'CHF' },
  ])
  expect(fake.asked).toEqual(['GET /schemas/ids/1', 'GET /schemas/ids/2'])
  // The answers outlive the query.
  const again = fakeRegistry()
  const repeated = await run('value BINARY', query, { http: again.http, batches })
  expect(repeated.output).toEqual(output)
  expect(again.asked).toEqual([])
})

test('only ids of rows that count are asked for, and functions never see what is not there yet', async () => {
  const fake = registryOfOrders()
  const seen: unknown[] = []
  const look = udf((total: unknown) => {
    seen.push(total)
    return total === null ? 'none' : 'some'
  }, 'string')
  const query = (input: DataFrame) =>
    input
      .where(col('n').gt(0))
      .select(look(from_avro('value', reader, { [url]: newUrl() }).getField('total')).alias('x'))
  const batches = [
    [
      { n: 0, value: framed(99, Uint8Array.of(1)) },
      { n: 1, value: produced(1, first, { id: 1, total: 10 }) },
      { n: 2, value: produced(1, first, { id: 2, total: 20 }) },
    ],
  ]
  const { output } = await run('n INT, value BINARY', query, { http: fake.http, batches })
  expect(output).toEqual([{ x: 'some' }, { x: 'some' }])
  expect(seen).toEqual([10, 20])
  expect(fake.asked).toEqual(['GET /schemas/ids/1'])
})

test('an unknown id ends the query in any mode, or is a bad row, counted once', async () => {
  const fake = registryOfOrders()
  const batches = [
    [
      { value: framed(77, Uint8Array.of(1)) },
      { value: produced(1, first, { id: 1, total: 10 }) },
      { value: produced(2, second, { id: 2, total: 20, currency: 'USD' }) },
    ],
  ]
  const permissive = { [url]: newUrl(), mode: 'PERMISSIVE' }
  const query = (input: DataFrame) =>
    input.select(from_avro('value', reader, permissive).alias('o')).select('o.id')
  const ended = await run('value BINARY', query, { http: fake.http, batches })
  expect(ended.failure).toMatchObject({ code: 'SCHEMA_ID_UNKNOWN', details: { id: 77 } })
  const options = { badRows: 'deadLetter', deadLetterPath: 'letters' }
  const { failure, output, badRows, letters } = await run('value BINARY', query, {
    http: fake.http,
    batches,
    options,
  })
  expect(failure).toBeUndefined()
  expect(output).toEqual([{ id: 1 }, { id: 2 }])
  expect(badRows).toEqual([{ operator: 'project', numRows: 1, numDeadLetters: 1 }])
  expect(letters).toMatchObject([{ code: 'SCHEMA_ID_UNKNOWN' }])
})

test('an id that was unknown is asked for again in the next epoch', async () => {
  const fake = registryOfOrders()
  const at = newUrl()
  const third = { ...first, doc: 'A third version.' }
  fake.add('orders-value', { schema: JSON.stringify(third) })
  fake.before = ({ url: asked }) =>
    asked.endsWith('/3') && fake.asked.length < 3 ? { status: 404, text: '{}' } : undefined
  const row = { value: produced(3, third, { id: 3, total: 30 }) }
  const known = { value: produced(1, first, { id: 1, total: 10 }) }
  const { output } = await run(
    'value BINARY',
    (input) => input.select(from_avro('value', reader, { [url]: at }).alias('o')).select('o.id'),
    { http: fake.http, batches: [[row, known], [row]], options: { badRows: 'drop' } },
  )
  expect(output).toEqual([{ id: 1 }, { id: 3 }])
  expect(fake.asked).toEqual(['GET /schemas/ids/3', 'GET /schemas/ids/1', 'GET /schemas/ids/3'])
})

test('bad rows in front of a value that has to wait are delivered once', async () => {
  const fake = registryOfOrders()
  const query = (input: DataFrame) =>
    input.select(
      expr('1 / n').alias('x'),
      from_avro('value', reader, { [url]: newUrl() }).alias('o'),
    )
  const batches = [
    [
      { n: 0, value: null },
      { n: 1, value: produced(1, first, { id: 1, total: 10 }) },
    ],
  ]
  const { output, letters } = await run('n INT, value BINARY', query, {
    http: fake.http,
    batches,
    options: { badRows: 'deadLetter', deadLetterPath: 'letters' },
  })
  expect(output).toEqual([{ x: 1, o: { id: 1, total: 10, currency: 'EUR' } }])
  expect(letters).toHaveLength(1)
})

test('a registry that is away ends the query, and its restart waits for it', async () => {
  const fake = registryOfOrders()
  let failures = 7
  fake.before = () => (failures-- > 0 ? { status: 503, text: '' } : undefined)
  const at = newUrl()
  const query = (input: DataFrame) =>
    input.select(from_avro('value', reader, { [url]: at }).alias('o')).select('o.id')
  const batches = [[{ value: produced(1, first, { id: 1, total: 10 }) }]]
  const away = await run('value BINARY', query, { http: fake.http, batches })
  expect(away.failure).toMatchObject({ code: 'SCHEMA_REGISTRY_UNREACHABLE' })
  expect(failures).toBe(2)
  failures = 7
  const config = { maxRestarts: '3' }
  const back = await run('value BINARY', query, { http: fake.http, batches, config })
  expect(back.failure).toBeUndefined()
  expect(back.output).toEqual([{ id: 1 }])
})

test('a query that waits for a registry can be stopped', async () => {
  const files = virtualFileSystem()
  let tell = (): void => {}
  const asked = new Promise<void>((resolve) => {
    tell = resolve
  })
  const http: Http = () => {
    tell()
    return new Promise(() => undefined)
  }
  const { session, simulation } = simulatedSession({ seed: 1, files, life: 0, http })
  const input = session.memoryStream('value BINARY')
  const query = input
    .toDF()
    .select(from_avro('value', reader, { [url]: newUrl(), 'schema.registry.timeout.ms': 1e9 }))
    .writeStream.format('noop')
    .start()
  input.addData([{ value: framed(1) }])
  await simulation.run(asked)
  await simulation.run(query.stop({ force: true }))
  expect(query.isActive).toBe(false)
})

test('no plan, no error and no file shows the password', async () => {
  const fake = registryOfOrders()
  const secret = 'ada:pa55word'
  const options = { [url]: newUrl(), 'schema.registry.basic.auth.user.info': secret }
  const value = from_avro('value', reader, options)
  const batches = [[{ value: produced(1, first, { id: 1, total: 10 }) }]]
  const query = (input: DataFrame) =>
    input.groupBy(value.getField('id').alias('id')).agg({ '*': 'count' })
  const counted = await run('value BINARY', query, {
    http: fake.http,
    batches,
    updates: true,
  })
  const bare = await run('value BINARY', (input) => input.select(value), { http: fake.http })
  const mistyped = () => oneRow().select(from_avro(col('n'), reader, options))
  expect(mistyped).toThrow('DATATYPE_MISMATCH')
  const shown = `${counted.explained}${counted.kept}${bare.explained}${bare.kept}${String(counted.failure)}`
  expect(counted.explained).toContain('from_avro(value')
  expect(counted.kept).toContain('from_avro(value')
  expect(shown).not.toContain('pa55word')
  expect(mistyped).not.toThrow('pa55word')
  expect(fake.requests.every(({ headers }) => headers['Authorization'] !== undefined)).toBe(true)
})

function oneRow(): DataFrame {
  const { session } = simulatedSession({ seed: 1, files: virtualFileSystem(), life: 0 })
  return session.createDataFrame([{ n: 1 }], 'n INT')
}

test('a join does not wait, so a condition that asks is refused when the plan is made', async () => {
  const { session } = simulatedSession({ seed: 1, files: virtualFileSystem(), life: 0 })
  const left = session.createDataFrame([{ a: new Uint8Array() }], 'a BINARY')
  const right = session.createDataFrame([{ b: 1 }], 'b INT')
  const asks = from_avro('a', '"int"', { [url]: newUrl() }).gt(col('b'))
  await expect(left.join(right, asks).collect()).rejects.toMatchObject({
    code: 'EXPRESSION_MISPLACED',
  })
  const plain = from_avro('a', '"int"').gt(col('b'))
  await expect(left.join(right, plain).collect()).rejects.toMatchObject({ code: 'DECODE_FAILED' })
})

const definitions = `
  syntax = "proto3";
  package acme;
  message Other { string name = 1; }
  message Order { message Line { int32 amount = 1; } int64 id = 1; repeated Line lines = 2; }
`

test('what is written with a registry is what its readers read', async () => {
  const fake = fakeRegistry()
  const at = newUrl()
  const to = (subject: string) => ({ [url]: at, subject })
  const order = struct(col('id'), col('lines'))
  const query = (input: DataFrame) =>
    input
      .select(
        to_avro(order, undefined, to('avro')).alias('avro'),
        to_protobuf(order, 'acme.Order', definitions, to('protobuf')).alias('protobuf'),
        to_json(order, { ...to('json'), jsonSchema: '{"type":"object"}' }).alias('json'),
      )
      .select(
        from_avro('avro', avroOrder, { [url]: at }).alias('avro'),
        from_protobuf('protobuf', 'Order', definitions, { [url]: at }).alias('protobuf'),
        from_json('json', 'id LONG, lines ARRAY<STRUCT<amount: INT>>', { [url]: at }).alias('json'),
      )
  const batches = [[{ id: 7n, lines: [{ amount: 1 }, { amount: 2 }] }]]
  const { failure, output } = await run('id LONG, lines ARRAY<STRUCT<amount: INT>>', query, {
    http: fake.http,
    batches,
  })
  expect(failure).toBeUndefined()
  const read = { id: 7, lines: [{ amount: 1 }, { amount: 2 }] }
  expect(output).toEqual([{ avro: read, protobuf: read, json: read }])
  expect(fake.asked.toSorted()).toEqual([
    'GET /schemas/ids/1',
    'GET /schemas/ids/2',
    'POST /subjects/avro/versions',
    'POST /subjects/json/versions',
    'POST /subjects/protobuf/versions',
  ])
})

const avroOrder = JSON.stringify({
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'id', type: ['null', 'long'] },
    {
      name: 'lines',
      type: {
        type: 'array',
        items: [
          'null',
          { type: 'record', name: 'Line', fields: [{ name: 'amount', type: ['null', 'int'] }] },
        ],
      },
    },
  ],
})

test('a message that is another one of its file is bad', async () => {
  const fake = fakeRegistry()
  const at = newUrl()
  const id = fake.add('s', { schema: definitions, schemaType: 'PROTOBUF' })
  const body = Uint8Array.of(0x08, 0x07)
  const query = (input: DataFrame) => {
    const options = { [url]: at, mode: 'PERMISSIVE' }
    return input.select(from_protobuf('value', 'acme.Order', definitions, options).alias('o'))
  }
  const batches = [
    [
      // The second message of the file, the first one, one inside of the second.
      { value: framed(id, Uint8Array.of(2, 2), body) },
      { value: framed(id, Uint8Array.of(0), body) },
      { value: framed(id, Uint8Array.of(4, 2, 0), body) },
    ],
  ]
  const { failure, output } = await run('value BINARY', query, { http: fake.http, batches })
  expect(failure).toBeUndefined()
  expect(output).toEqual([{ o: { id: 7, lines: [] } }, {}, {}])
})

test('a schema of another kind is not read', async () => {
  const fake = fakeRegistry()
  fake.add('s', { schema: '{}', schemaType: 'JSON' })
  const at = newUrl()
  const batches = [[{ value: framed(1, Uint8Array.of(0)) }]]
  for (const value of [
    from_avro('value', '"int"', { [url]: at }),
    from_protobuf('value', 'Order', definitions, { [url]: at }),
  ]) {
    const { failure } = await run('value BINARY', (input) => input.select(value.alias('x')), {
      http: fake.http,
      batches,
    })
    expect(failure).toMatchObject({
      code: 'SCHEMAS_INCOMPATIBLE',
      details: { why: 'it is of the type JSON' },
    })
  }
})
