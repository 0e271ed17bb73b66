import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { collectConnector } from '../../bench/engine/collect.ts'
import { benchSession } from '../../bench/engine/session.ts'
import { type BenchSession, prepareRun, type Workload } from '../../bench/engine/workload.ts'
import { type Gate, openGate, passed } from '../../bench/gate.ts'
import { writeJsonLinesFolder } from '../../bench/nexmark/json-lines.ts'
import { queryNames } from '../../bench/nexmark/results.ts'

const work = mkdtempSync(join(tmpdir(), 'millrace-bench-test-'))
const folder = join(work, 'events')

/** 40 s of event time, in epochs of which many cut a window and a pair of rows that belong together. */
const size = { events: 20_000, files: 8 }

let gate: Gate
let session: BenchSession

beforeAll(async () => {
  writeJsonLinesFolder(folder, size, { seed: 42, ratePerSecond: 500 })
  gate = await openGate(folder)
  session = benchSession()
})

afterAll(async () => {
  await session.stop()
  await gate.close()
})

test.each(queryNames)(
  'the engine gives the rows of the oracle for %s, from JSON lines',
  async (query) => {
    const sink = collectConnector()
    const checkpoint = join(work, query)
    await prepareRun(session, { query, input: { folder }, perEpoch: 1, checkpoint })(sink)
    const result = await gate.check(query, sink.rows)
    expect(result.examples).toEqual([])
    expect(passed(result)).toBe(true)
  },
)

test.each(queryNames)(
  '%s gives the same rows from memory as from JSON lines, epoch by epoch',
  async (query) => {
    const lines = join(work, `lines-${query}`)
    writeJsonLinesFolder(lines, { events: 16_384, files: 4 }, { seed: 42 })
    const rowsOf = async (input: Workload['input'], name: string): Promise<readonly string[]> => {
      const sink = collectConnector()
      const checkpoint = join(work, `${name}-${query}`)
      await prepareRun(session, { query, input, perEpoch: 1, checkpoint })(sink)
      return sink.rows.map((row) => JSON.stringify(row, bigintText)).sort()
    }
    expect(await rowsOf({ events: 16_384 }, 'memory')).toEqual(
      await rowsOf({ folder: lines }, 'file'),
    )
  },
)

function bigintText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}` : value
}
