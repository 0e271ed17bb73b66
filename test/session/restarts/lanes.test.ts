import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { DataFrame } from '../../../src/dataframe/data-frame.ts'
import { col, count, sum } from '../../../src/functions.ts'
import type { Session } from '../../../src/session/session.ts'
import { realSession } from '../real-session.ts'

const root = mkdtempSync(join(tmpdir(), 'millrace-lanes-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const openSession = (options: Readonly<Record<string, string>>): Session =>
  realSession(root, options)

type Row = Readonly<Record<'k' | 'n', number>>

interface Case {
  readonly mode: 'append' | 'update'
  readonly build: (left: DataFrame, right: DataFrame) => DataFrame
  /** All that was ever said, made from all rows in order: plain loops, no engine. */
  readonly expected: (left: readonly Row[], right: readonly Row[]) => ReadonlySet<string>
  /** Of what was said, what counts in the end. */
  readonly last?: (said: readonly Row[]) => readonly Row[]
}

/** Changed groups come again: the newest of each key counts. */
function newest(said: readonly Row[]): readonly Row[] {
  return [...new Map(said.map((row) => [row.k, row])).values()]
}

const asText = ({ k, n }: Row): string => `${k} ${n}`
const byKey = (rows: readonly Row[]): ReadonlyMap<number, readonly number[]> => {
  const groups = new Map<number, number[]>()
  for (const { k, n } of rows) groups.set(k, [...(groups.get(k) ?? []), n])
  return groups
}

const cases: Readonly<Record<string, Case>> = {
  aggregate: {
    mode: 'update',
    build: (left) =>
      left.groupBy('k').agg(sum('n').alias('n'), count('n').alias('c')).select('k', 'n'),
    expected: (rows) =>
      new Set([...byKey(rows)].map(([k, all]) => `${k} ${all.reduce((a, b) => a + b, 0)}`)),
    last: newest,
  },
  duplicates: {
    mode: 'append',
    build: (left) => left.dropDuplicates('k'),
    expected: (rows) => new Set([...byKey(rows)].map(([k, [first]]) => `${k} ${first}`)),
  },
  join: {
    mode: 'append',
    build: (left, right) =>
      left
        .alias('l')
        .join(right.alias('r'), col('l.k').eq(col('r.k')))
        .select(col('l.k').alias('k'), col('l.n').multiply(1000).plus(col('r.n')).alias('n')),
    expected: (left, right) =>
      new Set(
        left.flatMap((one) =>
          right.filter(({ k }) => k === one.k).map(({ n }) => `${one.k} ${one.n * 1000 + n}`),
        ),
      ),
  },
  'custom state': {
    mode: 'update',
    build: (left) =>
      left
        .as()
        .groupByKey('k')
        .flatMapGroupsWithState(
          (k, rows, state) => {
            const before = state.exists() ? Number(state.get()) : 0
            const n = rows.reduce((total, row) => total + Number(row['n']), before)
            state.update(n)
            return [{ k: Number(k), n }]
          },
          { state: 'INT', output: 'k INT, n INT', outputMode: 'update' },
        )
        .toDF(),
    expected: (rows) =>
      new Set([...byKey(rows)].map(([k, all]) => `${k} ${all.reduce((a, b) => a + b, 0)}`)),
    last: newest,
  },
}

/** Keys come again in later lives, and some only once; numbers are told apart within a key. */
function rowsOf(life: number, side: number): readonly Row[] {
  return Array.from({ length: 120 }, (_, at) => {
    const k = (at * 7 + life * 31 + side * 3) % (90 + life * 20)
    return { k, n: life * 120 + at }
  })
}

const ways = Object.keys(cases).flatMap((name) => [
  [name, 'memory'] as const,
  [name, 'rocksdb'] as const,
])

test.each(ways)(
  '%s in the %s store goes through 1, 2, 3 and 1 lanes without loss',
  async (name, store) => {
    const found = cases[name]
    if (found === undefined) throw new Error(name)
    const checkpointLocation = join(root, `${name} ${store}`)
    const fed: readonly [Row[], Row[]] = [[], []]
    const said: Row[] = []
    for (const [life, lanes] of ['1', '2', '3', '1'].entries()) {
      const session = openSession({ store, lanes, stateCache: '8 KB', allowUnbounded: 'true' })
      const streams = fed.map((rows) => {
        const stream = session.memoryStream('k INT, n INT')
        stream.addData(rows)
        return stream
      })
      const [left, right] = streams
      if (left === undefined || right === undefined) throw new Error('there are two')
      const query = found
        .build(left.toDF(), right.toDF())
        .writeStream.outputMode(found.mode)
        .option('checkpointLocation', checkpointLocation)
        .foreachBatch(async (batch) => {
          for (const { k, n } of await batch.collect()) said.push({ k: Number(k), n: Number(n) })
        })
        .start()
      // Three epochs each, so that what is left alone leaves memory.
      for (let part = 0; part < 3; part++) {
        streams.forEach((stream, side) => {
          const more = rowsOf(life, side).slice(part * 40, part * 40 + 40)
          fed[side]?.push(...more)
          stream.addData(more)
        })
        await query.processAllAvailable()
      }
      await query.stop()
      await session.stop()
    }
    const counted = (found.last?.(said) ?? said).map(asText).sort()
    expect(counted).toEqual([...found.expected(...fed)].sort())
  },
  60_000,
)
