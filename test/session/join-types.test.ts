import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { simulatedSession } from '../../properties/simulated-session.ts'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import type { EdgeRow } from '../../src/batch/edge-row.ts'
import { expr, window } from '../../src/functions.ts'
import type { DataFrame } from '../../src/index.ts'
import { type Cell, checkCell, gives, type Mode, type More, refuses, timed } from './matrix/cell.ts'
import { paired, pairs } from './matrix/join-shapes.ts'

// The table of docs/output-modes.md that says which type of join goes with which sides: every cell.

const types = ['inner', 'left', 'right', 'full', 'leftsemi', 'leftanti'] as const
type How = (typeof types)[number]

/** What stands on the two sides, and what each type of join makes of it. */
interface Sides {
  readonly name: string
  readonly build: (input: DataFrame, more: More, how: How) => DataFrame
  readonly cells: Readonly<Record<How, Cell>>
}

const named: Readonly<Record<How, string>> = {
  inner: 'inner',
  left: 'left outer',
  right: 'right outer',
  full: 'full outer',
  leftsemi: 'left semi',
  leftanti: 'left anti',
}
const wrongSide = (how: How, frames: string, allowed: string): Cell =>
  refuses(
    'STREAMING_UNSUPPORTED',
    new RegExp(`A ${named[how]} join of ${frames}`),
    new RegExp(`Use ${allowed}, or swap the sides`),
  )
const waits = (how: How, side = 'left'): Cell =>
  refuses(
    'STREAMING_UNSUPPORTED',
    new RegExp(`A ${named[how]} join in which a ${side} row would wait for a partner for ever`),
    /withWatermark on both sides.*BETWEEN/,
  )

const onTable = 'a stream with a frame that does not stream'
const tableTypes = 'inner, left outer, left semi, left anti'
const underTable = 'a frame that does not stream with a stream'

/** Only columns of the left come out. */
const isSemi = (how: How): boolean => how === 'leftsemi' || how === 'leftanti'
const both = (frame: DataFrame, how: How): DataFrame =>
  isSemi(how)
    ? frame.select('user', 'v')
    : frame.selectExpr('coalesce(l.user, r.user) AS user', 'l.v AS lv', 'r.v AS rv')
const users = expr('l.user = r.user')
const behind = expr('r.t >= l.t')
const near = expr('r.t BETWEEN l.t AND l.t + INTERVAL 5 SECONDS')

const matched = ['ada 1 4', 'bob 3 2']
const behindMatched = [...matched.slice(0, 1), 'ada 1 5', ...matched.slice(1)]
const halfBounded = gives([], behindMatched, ['bob 3 7'])
const matchedOnly = gives([], matched, [])
/** What outer joins add in the third step, where the watermark reaches 50. */
const bounded: Readonly<Record<How, Cell>> = {
  inner: matchedOnly,
  left: gives([], matched, ['cid 8 null']),
  right: gives([], matched, ['ada null 5', 'dan null 9']),
  full: gives([], matched, ['ada null 5', 'cid 8 null', 'dan null 9']),
  leftsemi: gives([], ['ada 1', 'bob 3'], []),
  leftanti: gives([], [], ['cid 8']),
}
const unbounded: Readonly<Record<How, Cell>> = {
  inner: matchedOnly,
  left: waits('left'),
  right: waits('right', 'right'),
  full: waits('full'),
  leftsemi: waits('leftsemi'),
  leftanti: waits('leftanti'),
}

const sides: readonly Sides[] = [
  {
    name: 'stream × table',
    build: (input, { table }, how) =>
      input.join(table, 'user', how).select('user', ...(isSemi(how) ? [] : ['city'])),
    cells: {
      inner: gives(['ada Rome'], [], ['ada Rome']),
      left: gives(['ada Rome', 'cid null'], ['bob null'], ['ada Rome']),
      right: wrongSide('right', onTable, tableTypes),
      full: wrongSide('full', onTable, tableTypes),
      leftsemi: gives(['ada'], [], ['ada']),
      leftanti: gives(['cid'], ['bob'], []),
    },
  },
  {
    name: 'table × stream',
    build: (input, { table }, how) =>
      table.join(input, 'user', how).select('user', 'city', ...(isSemi(how) ? [] : ['v'])),
    cells: {
      inner: gives(['ada Rome 1'], [], ['ada Rome 6']),
      left: wrongSide('left', underTable, 'inner, right outer'),
      right: gives(['ada Rome 1', 'cid null 8'], ['bob null 3'], ['ada Rome 6']),
      full: wrongSide('full', underTable, 'inner, right outer'),
      leftsemi: wrongSide('leftsemi', underTable, 'inner, right outer'),
      leftanti: wrongSide('leftanti', underTable, 'inner, right outer'),
    },
  },
  {
    name: 'stream × stream, watermarks and a bound',
    build: (input, more, how) => both(paired(input, more, how), how),
    cells: bounded,
  },
  {
    name: 'stream × stream, watermarks, equal windows',
    build: (input, { other }, how) =>
      both(
        timed(input)
          .select('user', 'v', window('t', '10 seconds').alias('w'))
          .alias('l')
          .join(
            timed(other).select('user', 'v', window('t', '10 seconds').alias('w')).alias('r'),
            [users, expr('l.w = r.w')],
            how,
          ),
        how,
      ),
    cells: bounded,
  },
  {
    name: 'stream × stream, watermarks, no bound',
    build: (input, { other }, how) =>
      both(
        timed(input)
          .alias('l')
          .join(timed(other).alias('r'), [users, expr('r.v + l.v IN (5)')], how),
        how,
      ),
    cells: unbounded,
  },
  {
    name: 'stream × stream, a bound, no watermark',
    build: (input, { other }, how) =>
      both(input.alias('l').join(other.alias('r'), [users, near], how), how),
    cells: unbounded,
  },
  {
    name: 'stream × stream, watermarks and a bound of the right side only',
    build: (input, { other }, how) =>
      both(timed(input).alias('l').join(timed(other).alias('r'), [users, behind], how), how),
    cells: {
      inner: halfBounded,
      left: waits('left'),
      right: gives([], behindMatched, ['bob 3 7', 'dan null 9']),
      // As Spark does; `cid` waits until `drain` says that the streams have ended.
      full: gives([], behindMatched, ['bob 3 7', 'dan null 9']),
      leftsemi: waits('leftsemi'),
      leftanti: waits('leftanti'),
    },
  },
  // Spark takes what follows, and then never gives out a row without partner: it forgets no row of a side
  // that has no watermark.
  {
    name: 'stream × stream, a bound, a watermark on the left',
    build: (input, { other }, how) =>
      both(timed(input).alias('l').join(other.alias('r'), [users, near], how), how),
    cells: unbounded,
  },
  {
    name: 'stream × stream, a bound, a watermark on the right',
    build: (input, { other }, how) =>
      both(input.alias('l').join(timed(other).alias('r'), [users, near], how), how),
    cells: unbounded,
  },
]

const mode: Mode = 'append'
const cells = sides.flatMap((side) =>
  types.map((how) => [side.name, named[how], how, side] as const),
)

test.each(cells)('%s, %s', async (_name, _type, how, { build, cells: all }) => {
  const query = { build: (input: DataFrame, more: More) => build(input, more, how), steps: pairs }
  await checkCell(query, mode, all[how])
})

test('the table of the docs says the same, cell by cell', () => {
  const text = readFileSync(new URL('../../docs/output-modes.md', import.meta.url), 'utf8')
  const [, , ...body] = text.slice(text.indexOf('| join |')).split('\n')
  const documented = body.slice(0, body.indexOf('')).map((line) =>
    line
      .split('|')
      .slice(1, 8)
      .map((cell) => /yes|no/.exec(cell)?.[0]),
  )
  const answers = sides.map(({ cells: all }) =>
    types.map((how) => ('gives' in all[how] ? 'yes' : 'no')),
  )
  expect(documented.map(([, ...row]) => row)).toEqual(answers)
  expect(cells).toHaveLength(9 * 6)
})

test('a full outer join with half a range gives out the rest when the streams are drained', async () => {
  const { session, simulation } = simulatedSession({
    seed: 7,
    files: virtualFileSystem(),
    life: 0,
  })
  const open = (rows: readonly EdgeRow[]): DataFrame => {
    const stream = session.memoryStream('user STRING, s INT, v INT')
    stream.addData(rows)
    return timed(stream.toDF().selectExpr('user', 'CAST(s AS TIMESTAMP) AS t', 'v'))
  }
  const left = open([
    { user: 'ada', s: 12, v: 1 },
    { user: 'cid', s: 13, v: 8 },
  ])
  const right = open([{ user: 'ada', s: 15, v: 4 }])
  const found: string[] = []
  const query = both(left.alias('l').join(right.alias('r'), [users, behind], 'full'), 'full')
    .writeStream.option('drain', 'flush')
    .trigger({ availableNow: true })
    .foreachBatch(async (batch) => {
      for (const row of await batch.collect()) found.push(Object.values(row).join(' '))
    })
    .start()
  await simulation.run(query.awaitTermination())
  expect(found.toSorted()).toEqual(['ada 1 4', 'cid 8 '])
})

test.each(['l', 'r'])(
  'a %s row without a partner raises no error of what stands behind a condition of pairs',
  async (side) => {
    await checkCell(
      {
        build: (input, { other }) => {
          const guarded = expr(`100 / ${side}.v > 1`)
          const [left, right] = [timed(input).alias('l'), timed(other).alias('r')]
          return both(left.join(right, [users, near, guarded], 'left'), 'left')
        },
        steps: [
          [
            ['ada 12 1', 'cid 13 0'],
            ['bob 14 2', 'dan 13 0'],
          ],
          ...pairs.slice(1),
        ],
      },
      'append',
      gives([], matched, ['cid 0 null']),
    )
  },
)
