import { expect } from 'vitest'
import { simulatedSession } from '../../../properties/simulated-session.ts'
import { virtualFileSystem } from '../../../properties/virtual-file-system.ts'
import type { EdgeRow } from '../../../src/batch/edge-row.ts'
import { type ErrorCode, StreamError } from '../../../src/core/error.ts'
import type { DataFrame } from '../../../src/index.ts'

export type Mode = 'append' | 'update' | 'complete'
export const modes: readonly Mode[] = ['append', 'update', 'complete']

/** A row of an input, `user second value`. */
export type InputRow = string
/** What each input gets at one moment, the first input first. */
export type Step = readonly (readonly InputRow[])[]

/** Rows as text, one list per step; in complete mode the last answer of each step. */
export interface Gives {
  readonly gives: readonly (readonly string[])[]
}

/** A refusal: its code, words of its message, in their order, and words of its hint. */
export interface Refuses {
  readonly code: ErrorCode
  readonly says: RegExp
  readonly hint: RegExp
}

export type Cell = Gives | Refuses

export const gives = (...steps: readonly (readonly string[])[]): Gives => ({ gives: steps })
export const refuses = (code: ErrorCode, says: RegExp, hint: RegExp): Refuses => ({
  code,
  says,
  hint,
})

/** What a query may read besides its first input. */
export interface More {
  /** A second stream of the same columns. */
  readonly other: DataFrame
  /** `user STRING, city STRING`, which does not stream: ada lives in Rome. */
  readonly table: DataFrame
}

/** A query over an input of `user STRING, t TIMESTAMP, v INT`. */
export interface Query {
  readonly build: (input: DataFrame, more: More) => DataFrame
  readonly steps: readonly Step[]
  /** The order of the rows of a step is part of the answer. */
  readonly isSorted?: boolean
  readonly options?: Readonly<Record<string, string>>
}

/** The frame of one input: a watermark of ten seconds on its time. */
export const timed = (frame: DataFrame): DataFrame => frame.withWatermark('t', '10 seconds')

/** Runs one cell and holds it to what it promises. */
export async function checkCell(query: Query, mode: Mode, cell: Cell): Promise<void> {
  if ('gives' in cell) {
    expect(await answersOf(query, mode)).toEqual(cell.gives)
    return
  }
  const refusal = await refusalOf(query, mode)
  expect(refusal?.code).toBe(cell.code)
  expect(refusal?.message).toMatch(cell.says)
  expect(refusal?.hint).toMatch(cell.hint)
}

async function refusalOf(query: Query, mode: Mode): Promise<StreamError | undefined> {
  try {
    await answersOf({ ...query, steps: [] }, mode)
    return undefined
  } catch (thrown) {
    if (thrown instanceof StreamError) return thrown
    throw thrown
  }
}

/** What comes out of each step, with the empty epochs behind it. */
async function answersOf(query: Query, mode: Mode): Promise<readonly (readonly string[])[]> {
  const { session, simulation } = simulatedSession({
    seed: 7,
    files: virtualFileSystem(),
    life: 0,
    config: { lanes: 2 },
  })
  const run = async (work: Promise<unknown>): Promise<void> => void (await simulation.run(work))
  const open = () => session.memoryStream('user STRING, s INT, v INT')
  const streams = [open(), open()] as const
  const [input, other] = streams.map((stream) =>
    stream.toDF().selectExpr('user', 'CAST(s AS TIMESTAMP) AS t', 'v'),
  ) as [DataFrame, DataFrame]
  const table = session.createDataFrame([{ user: 'ada', city: 'Rome' }], 'user STRING, city STRING')
  let answers: (readonly string[])[] = []
  const running = query
    .build(input, { other, table })
    .writeStream.outputMode(mode)
    .options(query.options ?? {})
    .foreachBatch(async (batch) => void answers.push((await batch.collect()).map(textOf)))
    .start()
  const found: (readonly string[])[] = []
  for (const step of query.steps) {
    step.forEach((rows, index) => void streams[index]?.addData(rows.map(rowOf)))
    await run(running.processAllAvailable())
    const rows = mode === 'complete' ? (answers.at(-1) ?? []) : answers.flat()
    found.push(query.isSorted === true ? rows : rows.toSorted())
    answers = []
  }
  await run(session.stop())
  return found
}

function rowOf(text: InputRow): EdgeRow {
  const [user, s, v] = text.split(' ')
  return { user, s: Number(s), v: Number(v) }
}

function textOf(row: EdgeRow): string {
  return Object.values(row).map(String).join(' ')
}
