import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BuiltPackage, buildPackage } from '../house/built-package.ts'
import { runProgram } from '../house/run-program.ts'
import { projectRoot } from '../house/tree.ts'
import { leaveOutWithoutBrokers } from '../kafka/left-out.ts'
import { type RealBrokers, realBrokers } from '../kafka/real-brokers.ts'

/** What each example must print, in this order. */
const expected: Readonly<Record<string, readonly RegExp[]>> = {
  'backfill-then-live.ts': [
    /^2026-01-01 ada: 5(\.0)?$/m,
    /^2026-01-02 bob: 7(\.0)?$/m,
    /^2026-01-03 ada: 42(\.0)?$/m,
    /^epoch 0: files reading [12], push waiting 0$/m,
    /^epoch 1: files reading [12], push waiting 0$/m,
    /^epoch 2: files ended 0, push reading 1$/m,
  ],
  'changing-static-table.ts': [
    /^always new: coffee 50$/m,
    /^always new: tea 30$/m,
    /^always new: tea 40$/m,
    /^once an hour: coffee null$/m,
    /^once an hour: tea 30\nonce an hour: tea 30$/m,
  ],
  'checkpoint-root.ts': [/^active: 2$/m, /^refused: CHECKPOINT_IN_USE$/m, /checkpointLocation/],
  'csv-folder.ts': [
    /order_id: integer/,
    /Batch: 0/,
    /sum\(amount\)/,
    /ada\s*\|\s*22\.0/,
    /bob\s*\|\s*5\.0/,
  ],
  'hello-stream.ts': [/^a stream: true$/m, /Batch: 0/, /\|\s*2\s*\|/, /Batch: 1/],
  'http-enrichment.ts': [
    /^100 orders, each once and in order: true$/m,
    /^[4-9]\d calls were made again, [1-9]\d of them had timed out$/m,
    /^at most 20 at a time$/m,
  ],
  'http-service.ts': [/^accepted: 200$/m, /^healthy: 200$/m, /^ada 42$/m],
  'impossible-travel.ts': [/ada\s*\|\s*55\d\d\.0/],
  'impressions-clicks.ts': [/^ad 1: clicked after 40 s$/m, /^ad 2: never clicked$/m],
  'last-actions.ts': [
    /^ada: shop 0 500 times among 1000$/m,
    /^ada: bakery 1 times among 1000$/m,
    /^bob: bakery 1 times among 1$/m,
  ],
  'leaderboard.ts': [
    /^1\. bob 7, 2\. ada 5, 3\. cid 2$/m,
    /^1\. dot 10, 2\. bob 7, 3\. ada 5$/m,
    /^1\. bob 7, 2\. ada 5, 3\. cid 2$/m,
  ],
  'own-sink.ts': [/^5 rows in 2 epochs, each once$/m],
  'own-source.ts': [/^15$/m],
  'rolling-day.ts': [
    /^state of rolling windows: 48 rows, of 240 readings in 288 windows each$/m,
    /^rolling attic until 01 01:00: 60$/m,
    /^(daily|rolling) attic until 02 00:00: 120$/m,
    /^rolling attic until 02 01:00: 60$/m,
    /^rolling windows that closed: 622$/m,
  ],
  'sessions.ts': [/^ada 12:00-13:20: 3 views, dearest 80(\.0)?$/m],
  'socket-word-count.ts': [/be\s*\|\s*2/, /to\s*\|\s*2/, /not\s*\|\s*1/, /or\s*\|\s*1/],
  'triggers.ts': [
    /^once: 1 rows/m,
    /^once: 0 rows/m,
    /deprecated: 1 rows/,
    /endless: /,
    /'9007199254740993'/,
  ],
  'windowed-sums.ts': [/Batch: 0/, /ada\s*\|\s*20\.0/, /Batch: 1/, /ada\s*\|\s*42\.0/],
}

/** The same of those that take the address of brokers; the topics that they expect to be there. */
const expectedWithBrokers: Readonly<Record<string, readonly RegExp[]>> = {
  'kafka-arrivals.ts': [
    /^failed$/m,
    /^readings 0 0: reading \d$/m,
    /^readings \d \d: reading \d$/m,
    /^arrived at one time: true$/m,
    /^at the same time when the epoch ran again: true$/m,
  ],
  'kafka-orders.ts': [
    / key: binary/,
    / value: binary/,
    / topic: string/,
    / partition: integer/,
    / offset: long/,
    / timestamp: timestamp/,
    / timestampType: integer/,
    / headers: array/,
    /^refused: KAFKA_SINK_COLUMNS$/m,
    /^processed: \{"id":"o2","customer":"bob","amount":7\.5\}\nprocessed: \{\}\n(?!processed)/m,
  ],
}
const topics: readonly string[] = ['orders', 'processed_orders', 'readings']

const examples = readdirSync(join(projectRoot, 'examples'))
  .filter((file) => file.endsWith('.ts'))
  .sort()

let built: BuiltPackage
let errors: readonly string[]

beforeAll(() => {
  built = buildPackage()
  cpSync(join(projectRoot, 'examples'), join(built.folder, 'examples'), { recursive: true })
  errors = built.compile(examples.map((file) => `examples/${file}`))
}, 120_000)

afterAll(() => built.remove())

test('every example compiles as a user would compile it, and is expected to print something', () => {
  expect(errors).toEqual([])
  expect(examples).toEqual(
    [...Object.keys(expected), ...Object.keys(expectedWithBrokers)].toSorted(),
  )
})

test('an example fits in 60 lines', () => {
  const lines = examples.map((file) => {
    const text = readFileSync(join(projectRoot, 'examples', file), 'utf8')
    return { file, lines: text.trimEnd().split('\n').length }
  })
  expect(lines.filter(({ lines: count }) => count > 60)).toEqual([])
})

test.each(Object.entries(expected))(
  '%s runs and prints what it says',
  (file, patterns) => mustPrint(file, [], patterns),
  70_000,
)

const isLeftOut = leaveOutWithoutBrokers('examples')

describe.skipIf(isLeftOut)('with brokers', () => {
  let brokers: RealBrokers | undefined
  beforeAll(async () => {
    brokers = await realBrokers()
    for (const topic of topics) await brokers.createTopic(topic, 1)
  }, 300_000)
  afterAll(() => brokers?.stop())

  test.each(Object.entries(expectedWithBrokers))(
    '%s runs and prints what it says',
    (file, patterns) => mustPrint(file, [brokers?.bootstrap ?? ''], patterns),
    70_000,
  )
})

async function mustPrint(
  file: string,
  words: readonly string[],
  patterns: readonly RegExp[],
): Promise<void> {
  const program = join(built.folder, 'examples', file.replace(/\.ts$/, '.js'))
  const { exitCode, output } = await runProgram(program, { timeoutMs: 60_000, arguments: words })
  expect(exitCode, output).toBe(0)
  let rest = output
  for (const pattern of patterns) {
    const at = rest.search(pattern)
    expect(at, `${pattern} in ${output}`).toBeGreaterThanOrEqual(0)
    rest = rest.slice(at)
  }
}
