import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSimulatedClock } from '../../properties/simulated-clock.ts'
import { createSimulation } from '../../properties/simulated-system.ts'
import type { Batch } from '../../src/batch/batch.ts'
import { batchOf } from '../../src/batch/build.ts'
import { parseSchema } from '../../src/batch/ddl.ts'
import { rowsOf } from '../../src/batch/read.ts'
import { type Clock, sleep } from '../../src/core/clock.ts'
import { StreamError } from '../../src/core/error.ts'
import { seededRandom } from '../../src/core/random.ts'
import type { Epoch, Micros } from '../../src/core/units.ts'
import type { AsyncCall, AsyncLimits } from '../../src/flow/async-function.ts'
import type { EpochHeader } from '../../src/flow/message.ts'
import type { Operator, OperatorProgress, Wait } from '../../src/flow/operator.ts'
import { mapAsyncOperator } from '../../src/operators/async/map-async.ts'

const input = parseSchema('id INT')
const output = parseSchema('id INT, attempt INT')
const limits: AsyncLimits = {
  capacity: 100,
  timeoutMs: 50,
  ordered: true,
  attempts: 3,
  delayMs: 200,
  delayMsMax: 1000,
  onError: 'fail',
}

function operatorOf(
  clock: Clock,
  given: Partial<AsyncLimits>,
  call: (id: number, call: AsyncCall) => Promise<unknown>,
): Operator {
  const named = {
    name: 'ask',
    call: (row: Readonly<Record<string, unknown>>, how: AsyncCall) => call(Number(row['id']), how),
    edge: {},
  }
  const spec = { operator: 'mapAsync-0', input, output, function: named }
  const world = { clock, random: seededRandom(1) }
  return mapAsyncOperator({ ...spec, limits: { ...limits, ...given } }, world)
}

function headerOf(epoch: number): EpochHeader {
  const none = 0 as Micros
  return {
    epoch: epoch as Epoch,
    lateWatermark: none,
    evictWatermark: none,
    processingTime: none,
    idle: [],
    ranges: {},
  }
}

function batchOfIds(ids: readonly number[]): Batch {
  const order = { origin: 'a/0', ordinals: Float64Array.from(ids) }
  const rows = ids.map((id) => [id])
  return { ...batchOf(input, rows), partition: 'a/0', order }
}

/** Everything that came out, with its place among the rows of the epoch. */
function collector(slow: () => Wait = () => undefined) {
  const rows: { readonly id: unknown; readonly attempt: unknown; readonly place: unknown }[] = []
  return {
    rows,
    emit(batch: Batch) {
      rowsOf(batch).forEach(([id, attempt], row) => {
        rows.push({ id, attempt, place: batch.order?.ordinals[row] })
      })
      expect(batch.partition).toBe('a/0')
      return slow()
    },
    emitSide: () => undefined,
  }
}

/** What the calls for a row do, one after the other; when there are no more they answer. */
type Script = readonly { readonly how: 'answer' | 'throw' | 'hang'; readonly afterMs: number }[]

interface Run {
  readonly epochs: readonly (readonly (readonly Script[])[])[]
  readonly limits: Partial<AsyncLimits>
  readonly isSlow: boolean
  readonly seed: number
}

const step = fc.record({
  how: fc.constantFrom<('answer' | 'throw' | 'hang')[]>('answer', 'answer', 'throw', 'hang'),
  // An exact tie with the timeout would depend on which timer was set first.
  afterMs: fc.integer({ min: 0, max: 80 }).filter((ms) => ms !== limits.timeoutMs),
})
const script = fc.array(step, { maxLength: 4 })
const runs: fc.Arbitrary<Run> = fc.record({
  epochs: fc.array(fc.array(fc.array(script, { maxLength: 6 }), { maxLength: 4 }), {
    minLength: 1,
    maxLength: 3,
  }),
  limits: fc.record({
    capacity: fc.integer({ min: 1, max: 5 }),
    ordered: fc.boolean(),
    attempts: fc.integer({ min: 1, max: 3 }),
    onError: fc.constantFrom<('fail' | 'drop')[]>('drop', 'drop', 'fail'),
  }),
  isSlow: fc.boolean(),
  seed: fc.nat(),
})

/** What the rules say of one row: the attempt that answered, and what was counted. */
function expectedOf(calls: Script, attempts: number) {
  let [timeouts, retries] = [0, 0]
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const { how, afterMs } = calls[attempt - 1] ?? { how: 'answer', afterMs: 0 }
    const isLate = how === 'hang' || afterMs > limits.timeoutMs
    if (how === 'answer' && !isLate) return { attempt, timeouts, retries }
    timeouts += isLate ? 1 : 0
    retries += attempt < attempts ? 1 : 0
  }
  return { attempt: undefined, timeouts, retries }
}

/** A service whose calls follow the scripts, with a count of those that run. */
function service(clock: Clock, scripts: readonly Script[]) {
  const seen = { running: 0, runningMax: 0 }
  const ask = async (id: number, { signal, attempt }: AsyncCall): Promise<unknown> => {
    seen.running += 1
    seen.runningMax = Math.max(seen.runningMax, seen.running)
    let isRunning = true
    const ended = () => {
      if (isRunning) seen.running -= 1
      isRunning = false
    }
    const { how, afterMs } = scripts[id]?.[attempt - 1] ?? { how: 'answer', afterMs: 0 }
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => {
        ended()
        reject(signal.reason)
      })
    })
    const answer = how === 'hang' ? aborted : Promise.race([sleep(clock, afterMs), aborted])
    await answer.finally(ended)
    if (how === 'throw') throw new Error(`no ${id}`)
    return { id, attempt }
  }
  return { ask, seen }
}

async function check({ epochs, limits: given, isSlow, seed }: Run): Promise<number> {
  const simulation = createSimulation(seed)
  const scripts = epochs.flat(2)
  const attempts = given.attempts ?? limits.attempts
  const { ask, seen } = service(simulation.clock, scripts)
  const operator = operatorOf(simulation.clock, given, ask)
  const progress: OperatorProgress[] = []
  let id = 0
  for (const [epoch, batches] of epochs.entries()) {
    const found = collector(isSlow ? () => simulation.pause() : undefined)
    const ids: number[] = []
    const work = async (): Promise<void> => {
      operator.open(headerOf(epoch))
      for (const batch of batches) {
        const own = batch.map(() => id++)
        ids.push(...own)
        await operator.process(0, batchOfIds(own), found)
      }
      const { progress: figures = {} } = await operator.closeEpoch(headerOf(epoch), found)
      progress.push(...Object.values(figures))
    }
    const expected = ids.map.bind(ids)
    const failed = await simulation.run(
      work().then(
        () => undefined,
        (cause: unknown) => ({ cause }),
      ),
    )
    expect(seen.runningMax).toBeLessThanOrEqual(given.capacity ?? 0)
    const wanted = expected((each) => ({ id: each, ...expectedOf(scripts[each] ?? [], attempts) }))
    const lost = wanted.filter(({ attempt }) => attempt === undefined)
    if (given.onError === 'fail' && lost.length > 0) {
      expect(failed?.cause).toMatchObject({
        code: 'ASYNC_CALL_FAILED',
        details: { operator: 'mapAsync-0', name: 'ask', attempts },
      })
      const text = failed?.cause instanceof StreamError ? String(failed.cause.details['row']) : ''
      expect(lost.map((each) => JSON.stringify({ id: each.id }))).toContain(text)
      await simulation.run(simulation.pause())
      expect(seen.running).toBe(0)
      return progress.length
    }
    expect(failed).toBeUndefined()
    const answered = wanted.filter(({ attempt }) => attempt !== undefined)
    const rows = answered.map((each) => ({ id: each.id, attempt: each.attempt, place: each.id }))
    const inOrder = [...found.rows].sort((left, right) => Number(left.id) - Number(right.id))
    expect(given.ordered === true ? found.rows : inOrder).toEqual(rows)
    expect(progress.at(-1)).toMatchObject({
      rowsIn: ids.length,
      custom: {
        retries: sumOf(wanted.map((each) => each.retries)),
        timeouts: sumOf(wanted.map((each) => each.timeouts)),
        dropped: lost.length,
      },
    })
    expect(seen.running).toBe(0)
  }
  return progress.length
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0)
}

test('every row is given out once in its epoch, whatever its calls do', async () => {
  let epochs = 0
  await fc.assert(
    fc.asyncProperty(runs, async (run) => {
      epochs += await check(run)
    }),
    { numRuns: 300, seed: 4 },
  )
  expect(epochs).toBeGreaterThan(300)
})

/** Takes in rows, up to where it has to wait. */
function ids(from: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => from + index)
}

/** Moves the clock from timer to timer until the promise settles. */
async function settle<Result>(
  clock: ReturnType<typeof createSimulatedClock>,
  promise: Promise<Result>,
): Promise<Result> {
  let isDone = false
  const done = () => {
    isDone = true
  }
  promise.then(done, done)
  while (!isDone) {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve()
    if (!isDone) clock.advance(clock.untilNextTimer() ?? 0)
  }
  return promise
}

test('a thousand calls of 20 ms at a capacity of 100 take 200 ms, over the borders of batches', async () => {
  const clock = createSimulatedClock()
  const operator = operatorOf(clock, {}, async (id, { attempt }) => {
    await sleep(clock, 20)
    return { id, attempt }
  })
  const found = collector()
  operator.open(headerOf(0))
  const work = async () => {
    for (let from = 0; from < 1000; from += 40) {
      await operator.process(0, batchOfIds(ids(from, 40)), found)
    }
    return operator.closeEpoch(headerOf(0), found)
  }
  const { progress } = await settle(clock, work())
  expect(clock.now()).toBe(200)
  expect(found.rows.map(({ id }) => id)).toEqual(ids(0, 1000))
  expect(progress).toMatchObject({ 'mapAsync-0': { custom: { inFlightMax: 100 } } })
})

test.each([true, false])(
  'rows that the next operator does not take keep new ones from being called (ordered: %s)',
  async (ordered) => {
    const clock = createSimulatedClock()
    let [called, given] = [0, 0]
    const operator = operatorOf(clock, { capacity: 10, ordered }, async (id, { attempt }) => {
      called += 1
      return { id, attempt }
    })
    const releases: (() => void)[] = []
    const found = collector(() => new Promise((resolve) => releases.push(resolve)))
    operator.open(headerOf(0))
    const taken = operator.process(0, batchOfIds(ids(0, 5000)), found)
    const turn = async () => {
      for (let turns = 0; turns < 20_000; turns++) await Promise.resolve()
    }
    await turn()
    given = found.rows.length
    // What is given out and not taken counts as held.
    expect(called).toBe(1034)
    expect(given).toBeLessThan(called)
    const closed = (async () => {
      await taken
      await operator.closeEpoch(headerOf(0), found)
    })()
    while (releases.length > 0) {
      releases.shift()?.()
      await turn()
    }
    await closed
    expect(found.rows.map(({ id }) => id)).toEqual(ids(0, 5000))
  },
)

test('waits between calls double up to a limit, and half of each is chance', async () => {
  const clock = createSimulatedClock()
  const times: number[] = []
  const given = { attempts: 5, delayMs: 100, delayMsMax: 300 }
  const operator = operatorOf(clock, given, async () => {
    times.push(clock.now())
    throw new Error('no')
  })
  operator.open(headerOf(0))
  const found = collector()
  const work = async () => {
    await operator.process(0, batchOfIds([1]), found)
    await operator.closeEpoch(headerOf(0), found)
  }
  await expect(settle(clock, work())).rejects.toMatchObject({
    code: 'ASYNC_CALL_FAILED',
    message: expect.stringContaining('the last of 5 calls of ask for a row failed: no.'),
  })
  const waits = times.slice(1).map((time, index) => time - (times[index] ?? 0))
  for (const [index, full] of [100, 200, 300, 300].entries()) {
    expect(waits[index]).toBeGreaterThanOrEqual(full / 2)
    expect(waits[index]).toBeLessThan(full)
  }
  expect(new Set(waits.map((wait, index) => wait / Math.min(100 * 2 ** index, 300))).size).toBe(4)
})

test('an answer that is no row, or does not fit, is not asked for again', async () => {
  for (const [answer, code] of [
    [undefined, 'ASYNC_CALL_FAILED'],
    [{ id: 'x' }, 'CAST_INVALID_INPUT'],
  ] as const) {
    let calls = 0
    const operator = operatorOf(createSimulatedClock(), {}, async () => {
      calls += 1
      return answer
    })
    operator.open(headerOf(0))
    await operator.process(0, batchOfIds([1]), collector())
    await expect(operator.closeEpoch(headerOf(0), collector())).rejects.toMatchObject({ code })
    expect(calls).toBe(1)
  }
})

test('what is in flight when the query ends is aborted, and nothing waits for it', async () => {
  const signals: AbortSignal[] = []
  const operator = operatorOf(createSimulatedClock(), { capacity: 3 }, (_id, { signal }) => {
    signals.push(signal)
    return new Promise(() => {})
  })
  operator.open(headerOf(0))
  const taken = operator.process(0, batchOfIds(ids(0, 10)), collector())
  operator.abort?.()
  await expect(taken).rejects.toMatchObject({ code: 'INTERNAL' })
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true])
})
