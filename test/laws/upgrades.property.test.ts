import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type KeptTable, keptTable } from '../../properties/kept-table.ts'
import { simulatedSession } from '../../properties/simulated-session.ts'
import { type VirtualFileSystem, virtualFileSystem } from '../../properties/virtual-file-system.ts'
import { StreamError } from '../../src/core/error.ts'
import type { DataFrame, DataStreamWriter } from '../../src/dataframe/data-frame.ts'
import { col, expr, window } from '../../src/functions.ts'
import type { Session } from '../../src/session/session.ts'
import type { StatefulHandle, StatefulProcessor, ValueState } from '../../src/streaming.ts'

/** One version of a query; most pairs of them differ in something. */
interface Version {
  readonly lanes: number
  readonly filter: boolean
  readonly deduplicate: 'none' | 'k' | 'k, t'
  readonly second: boolean
  readonly swapped: boolean
  readonly kind: 'sums' | 'averages' | 'windows' | 'program' | 'join'
  readonly variables: readonly string[]
  readonly types: 'INT' | 'BIGINT'
  readonly dropped: boolean
  readonly name: 'none' | 'state'
  readonly sink: 'noop' | 'function' | 'kept'
  readonly letters: boolean
  readonly late: boolean
  readonly allowed: '' | 'state' | 'aggregate-0, process-0, join-0, deduplicate-0, state'
}

const version: fc.Arbitrary<Version> = fc.record({
  lanes: fc.constantFrom(1, 2, 3),
  filter: fc.boolean(),
  deduplicate: fc.constantFrom<Version['deduplicate']>('none', 'none', 'none', 'k', 'k, t'),
  second: fc.boolean(),
  swapped: fc.boolean(),
  kind: fc.constantFrom('sums', 'averages', 'windows', 'program', 'program', 'program', 'join'),
  variables: fc.subarray(['a', 'b', 'c'], { minLength: 1 }),
  types: fc.constantFrom('INT', 'BIGINT'),
  dropped: fc.boolean(),
  name: fc.constantFrom('none', 'none', 'state'),
  sink: fc.constantFrom('noop', 'function', 'kept'),
  letters: fc.boolean(),
  late: fc.boolean(),
  allowed: fc.constantFrom('', '', 'state', 'aggregate-0, process-0, join-0, deduplicate-0, state'),
})

/** Where the first life fails, and with it the epoch: never, before its checkpoint, or behind it. */
type Failure = 'never' | 'prepare' | 'commit'

/** A version and one that is like it but for a few things. */
const versions = fc
  .tuple(
    version,
    version,
    fc.subarray(Object.keys(emptyKeys()), { maxLength: 2 }),
    fc.constantFrom([], [], ['second'], ['sink'], ['letters']),
    fc.constantFrom<Failure[]>('never', 'prepare', 'commit'),
  )
  .map(([before, other, some, more, failure]) => {
    const changed = [...some, ...more]
    const parts = Object.fromEntries(changed.map((key) => [key, other[key as keyof Version]]))
    return [before, { ...before, ...parts }, failure] as const
  })

function emptyKeys(): Readonly<Record<keyof Version, true>> {
  return {
    lanes: true,
    filter: true,
    deduplicate: true,
    second: true,
    swapped: true,
    kind: true,
    variables: true,
    types: true,
    dropped: true,
    name: true,
    sink: true,
    letters: true,
    late: true,
    allowed: true,
  }
}

/** Puts numbers into a variable as its type wants them. */
function counter<T>(state: ValueState<T>, convert: (rows: number) => T): (rows: number) => void {
  return (rows) => state.update(convert(rows))
}

type Row = Readonly<Record<string, unknown>>

function program({ variables, types, dropped }: Version) {
  return (): StatefulProcessor<unknown, Row, Row> => {
    let states: readonly ((rows: number) => void)[] = []
    return {
      init(handle: StatefulHandle) {
        const missing = ['a', 'b', 'c'].filter((name) => !variables.includes(name))
        if (dropped) for (const name of missing) handle.deleteIfExists(name)
        states = variables.map((name) =>
          types === 'INT'
            ? counter(handle.valueState(name, 'INT'), Number)
            : counter(handle.valueState(name, 'BIGINT'), BigInt),
        )
      },
      handleInputRows(_key, rows) {
        for (const count of states) count(rows.length)
        return []
      },
    }
  }
}

/** The writer of a version, over sources named `first` and `second`. */
function writerOf(
  session: Session,
  made: Version,
  fails: (step: Failure) => void,
): DataStreamWriter {
  const source = (name: string): DataFrame =>
    session.readStream
      .format('rate-micro-batch')
      .options({ rowsPerBatch: 3, startTimestamp: 0, numPartitions: 1 })
      .name(name)
      .load()
      .selectExpr("concat('k', value % 3) AS k", 'timestamp AS t', 'CAST(value AS INT) AS n')
      .withWatermark('t', '1 second')
  const inputs = [source('first'), ...(made.second ? [source('second')] : [])]
  const ordered = made.swapped ? [...inputs].reverse() : inputs
  const all = ordered.reduce((some, frame) => some.union(frame))
  const filtered = made.filter ? all.filter('n > 1') : all
  const columns = made.deduplicate.split(', ')
  const rows = made.deduplicate === 'none' ? filtered : filtered.dropDuplicates(...columns)
  const result = withState(rows, made)
  const named = made.name === 'none' ? result : result.name(made.name)
  const writer = named.writeStream
    .outputMode(made.kind === 'join' || made.kind === 'windows' ? 'append' : 'update')
    .options({ checkpointLocation: 'checkpoint', allowUnbounded: true })
    .option('allowStateLoss', made.allowed)
    .options(made.letters ? { badRows: 'deadLetter', deadLetterPath: 'letters' } : {})
    .options(made.late ? { lateRowsPath: 'late' } : {})
  if (made.sink !== 'function') return writer.format(made.sink)
  return writer.foreachBatch(() => fails('prepare'))
}

function withState(rows: DataFrame, made: Version): DataFrame {
  switch (made.kind) {
    case 'sums':
      return rows.groupBy('k').agg(expr('sum(n)').alias('total'))
    case 'averages':
      return rows.groupBy('k').agg(expr('avg(n)').alias('total'))
    case 'windows':
      return rows.groupBy(window('t', '10 seconds'), 'k').count()
    case 'program':
      return rows
        .as()
        .groupByKey('k')
        .transformWithState(program(made), { output: 'x INT', timeMode: 'none' })
        .toDF()
    default:
      return rows
        .alias('l')
        .join(rows.alias('r'), col('l.k').eq(col('r.k')), 'inner')
        .select('l.k', 'l.t', col('r.n').alias('m'))
  }
}

/** Of what it was told that a failed epoch needs it. */
const seenReasons = new Set<unknown>()

interface Outcome {
  readonly report: string
  readonly code: string
}

/** What all lives of a query have in common. */
interface World {
  readonly files: VirtualFileSystem
  readonly table: KeptTable
}

/** Runs a version for an epoch or more; the code of the error that ended it. */
async function run(made: Version, life: number, world: World, fail: Failure): Promise<Outcome> {
  const { files, table } = world
  const { session, simulation } = simulatedSession({
    seed: 5 + life,
    files,
    life,
    config: { lanes: made.lanes },
  })
  const fails = (step: Failure): void => {
    if (step === fail) throw new Error('no route')
  }
  const onStep = (step: string): void => {
    if (step.startsWith('table prepare')) fails('prepare')
    if (step.startsWith('table commit')) fails('commit')
  }
  session.register({ sink: table.sink(onStep) })
  const work = async (): Promise<Outcome> => {
    const writer = writerOf(session, made, fails)
    const report = life === 0 ? undefined : await session.explainUpgrade(writer, 'checkpoint')
    const query = writer.trigger({ availableNow: true }).start()
    try {
      for (let pauses = 0; pauses < 400 && query.lastProgress === undefined; pauses++) {
        await simulation.pause()
        if (!query.isActive) break
      }
      await query.stop()
      const problem = query.exception()
      if (problem !== undefined) throw problem
      return { report: verdictOf(report), code: '' }
    } catch (problem) {
      if (String(problem).includes('no route')) return { report: '', code: 'failed' }
      if (!(problem instanceof StreamError)) throw problem
      const told = report?.changes.find(({ verdict }) => verdict === 'refused')
      if (told !== undefined) expect(problem.message).toContain(told.what)
      if (/start the query with it once more/.test(told?.what ?? '')) seenReasons.add(told?.kind)
      return { report: verdictOf(report), code: problem.code }
    }
  }
  const outcome = await simulation.run(work())
  if (outcome === undefined) throw new Error('the simulation died')
  return outcome
}

function verdictOf(report: Awaited<ReturnType<Session['explainUpgrade']>> | undefined): string {
  return report === undefined ? '' : report.canStart ? 'can start' : 'cannot start'
}

test('a start is refused exactly when explainUpgrade says so', async () => {
  const seen = new Map<string, number>()
  await fc.assert(
    fc.asyncProperty(versions, async ([before, after, failure]) => {
      const files = virtualFileSystem()
      const table = keptTable()
      const first = await run({ ...before, allowed: '' }, 0, { files, table }, failure)
      if (failure === 'never') expect(first.code).toBe('')
      const { report, code } = await run(after, 1, { files: files.kill(), table }, 'never')
      expect(report).toBe(code === '' ? 'can start' : 'cannot start')
      if (code !== '') expect(code).toBe('CHECKPOINT_OTHER_QUERY')
      seen.set(report, (seen.get(report) ?? 0) + 1)
    }),
    { numRuns: 300, seed: 20_261_121 },
  )
  expect([...seenReasons].sort()).toEqual(['sink', 'source'])
  expect(seen.get('can start')).toBeGreaterThan(20)
  expect(seen.get('cannot start')).toBeGreaterThan(20)
}, 120_000)
