import fc from 'fast-check'
import type { Batch } from '../../src/batch/batch.ts'
import { compareNames } from '../../src/core/compare-names.ts'
import type { Slice, Source } from '../../src/flow/connector.ts'
import type { Position } from '../../src/flow/message.ts'
import { mustEqual, rowsAsText } from './rows-as-text.ts'
import { type LawOptions, runLaw } from './run-law.ts'

/** A source and the hand that feeds it. */
export interface SourceUnderTest {
  readonly source: Source
  /** Makes about so many rows arrive; resolves when the source can see them. */
  arrive(rows: number): Promise<void>
  /** Another source object over the same outside world, as after a restart. Absent: not tried. */
  reopen?(): Promise<Source>
  close?(): Promise<void>
}

interface Step {
  readonly arriving: number
  readonly maxRows: number | undefined
}

interface Choice {
  readonly steps: readonly Step[]
  readonly lanes: number
  readonly polls: readonly number[]
}

/**
 * What the engine relies on in every source that is replayable: a range read twice gives the same
 * rows in the same order; cut anywhere it gives the same rows; the shares of the lanes are disjoint and
 * complete; positions only go forward; `poll` gives the rows that `read` gives. Run it on your own.
 * @throws LawFailure
 */
export async function sourceLaw(
  make: () => Promise<SourceUnderTest>,
  options: LawOptions = {},
): Promise<void> {
  const step = fc.record({
    arriving: fc.integer({ min: 0, max: 12 }),
    maxRows: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
  })
  const choice: fc.Arbitrary<Choice> = fc.record({
    steps: fc.array(step, { minLength: 1, maxLength: 5 }),
    lanes: fc.integer({ min: 1, max: 4 }),
    polls: fc.array(fc.integer({ min: 1, max: 7 }), { maxLength: 5 }),
  })
  const holds = async (chosen: Choice): Promise<void> => {
    const world = await make()
    try {
      await check(world, chosen)
    } finally {
      await world.close?.()
    }
  }
  await runLaw(
    { name: 'sourceLaw', cases: choice, holds, describe: choiceText },
    { runs: 50, ...options },
  )
}

function choiceText({ steps, lanes, polls }: Choice): string {
  return [
    ...steps.map(({ arriving, maxRows }) => {
      const limit = maxRows === undefined ? '' : `, of which an epoch takes at most ${maxRows}`
      return `${arriving} rows arrive${limit}`
    }),
    `${lanes} lanes read them`,
    ...(polls.length === 0 ? [] : [`polls of at most ${polls.join(', ')} rows`]),
  ].join('\n')
}

async function check(world: SourceUnderTest, { steps, lanes, polls }: Choice): Promise<void> {
  const { source } = world
  const positions = [await source.initial()]
  for (const { arriving, maxRows } of steps) {
    await world.arrive(arriving)
    const from = positions.at(-1) ?? {}
    const to = await source.latest(from, maxRows === undefined ? {} : { maxRows })
    mustNotGoBack(from, to)
    positions.push(to)
  }
  const start = positions[0] ?? {}
  const last = positions.at(-1) ?? {}
  const whole = await readAll(source, start, last)
  mustEqual('a range read twice', inOrder(await readAll(source, start, last)), inOrder(whole))

  for (const middle of positions) {
    const parts = [
      ...(await readAll(source, start, middle)),
      ...(await readAll(source, middle, last)),
    ]
    const where = `a range cut at ${JSON.stringify(middle)}`
    mustEqual(where, byPartition(parts), byPartition(whole))
  }

  const shares: Batch[] = []
  for (let index = 0; index < lanes; index++) {
    shares.push(...(await readAll(source, start, last, { index, count: lanes })))
  }
  mustEqual(`the shares of ${lanes} lanes`, byPartition(shares), byPartition(whole))
  // What tells rows apart by their place gives the same whoever reads them.
  mustEqual('the rows by their places', inOrder(byPlace(shares)), inOrder(whole))

  await checkPolls(source, start, polls)
  if (world.reopen === undefined) return
  const again = await world.reopen()
  try {
    mustEqual('after a restart', inOrder(await readAll(again, start, last)), inOrder(whole))
  } finally {
    await again.close()
  }
}

async function checkPolls(
  source: Source,
  start: Position,
  polls: readonly number[],
): Promise<void> {
  const polled: Batch[] = []
  let position = start
  for (const maxRows of polls) {
    const found = await source.poll(position, maxRows)
    if (found === undefined) break
    const rows = rowsAsText(found.batch).length
    if (rows > maxRows) throw new Error(`poll gave ${rows} rows where ${maxRows} were asked for`)
    mustNotGoBack(position, found.position)
    polled.push(found.batch)
    position = found.position
  }
  const read = await readAll(source, start, position)
  mustEqual('the rows of polls', byPartition(polled), byPartition(read))
}

async function readAll(
  source: Source,
  from: Position,
  to: Position,
  slice: Slice = { index: 0, count: 1 },
): Promise<readonly Batch[]> {
  const batches: Batch[] = []
  for await (const batch of source.read({ from, to }, slice)) batches.push(batch)
  return batches
}

function inOrder(batches: readonly Batch[]): readonly string[] {
  return batches.flatMap(labelled)
}

/** In order within a partition that has a name; rows of no named partition may be mixed. */
function byPartition(batches: readonly Batch[]): readonly string[] {
  const named = batches.filter(({ partition }) => partition !== undefined)
  const unnamed = batches.filter(({ partition }) => partition === undefined)
  const names = [...new Set(named.map(({ partition }) => partition))].sort()
  return [
    ...names.flatMap((name) => named.filter((each) => each.partition === name).flatMap(labelled)),
    ...unnamed.flatMap(labelled).sort(),
  ]
}

/** By partition, then by part of it. */
function byPlace(batches: readonly Batch[]): readonly Batch[] {
  return batches.toSorted(
    (left, right) =>
      compareNames(left.partition ?? '', right.partition ?? '') ||
      (left.part ?? 0) - (right.part ?? 0),
  )
}

function labelled(batch: Batch): readonly string[] {
  return rowsAsText(batch).map((text) => `${batch.partition ?? ''}: ${text}`)
}

/** Only numbers have an order that everybody knows. */
function mustNotGoBack(from: Position, to: Position): void {
  for (const [partition, before] of Object.entries(from)) {
    const after = to[partition]
    if (typeof before !== 'number' || typeof after !== 'number' || after >= before) continue
    throw new Error(`partition ${partition} went back from ${before} to ${after}`)
  }
}
