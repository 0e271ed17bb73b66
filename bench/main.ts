/**
 * `npm run bench -- [--events n] [--runs n] [--only q5]`: every query over generated JSON lines, beside
 * the program a user would write by hand, after the gate has compared the answers with DuckDB's.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { byHandPrograms } from './by-hand/programs.ts'
import type { Cell } from './checksum.ts'
import { byHand, duckdbBatch } from './contenders.ts'
import { type Gate, openGate, passed } from './gate.ts'
import { loadOfLastMinute, thisMachine } from './machine.ts'
import { compare } from './measure.ts'
import { writeJsonLinesFolder } from './nexmark/json-lines.ts'
import { type QueryName, queryNames } from './nexmark/results.ts'
import { machineLine, measurementTable, type RatioRow, ratioTable, verdictOf } from './table.ts'

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '1000000' },
    runs: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
  },
})
const events = Number(values.events)
/** The gate holds all rows in memory; beyond this size it looks at the first part of the stream. */
const gateEventsMax = 1_000_000
const runs = Number(values.runs)
const load = loadOfLastMinute()
const chosen = queryNames.filter((name) => values.only === '' || name === values.only)

const print = (text: string): void => {
  process.stdout.write(`${text}\n`)
}

print(machineLine(thisMachine()))
const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
try {
  const path = join(folder, 'events')
  generate(path, events)
  const gatePath = events > gateEventsMax ? join(folder, 'gate') : path
  if (gatePath !== path) generate(gatePath, gateEventsMax)
  const gate = await openGate(gatePath)
  for (const query of chosen) await checkByHand(gate, query, gatePath)
  await gate.close()
  const rows: RatioRow[] = []
  for (const query of chosen) rows.push(...(await measure(query, path)))
  print(ratioTable(rows))
  if (rows.some((row) => ['MISSED', 'VOID'].includes(verdictOf(row)))) process.exitCode = 1
} finally {
  await rm(folder, { recursive: true, force: true })
}

/** Files of one size, whatever the size of the run: an epoch takes a number of them. */
function filesFor(count: number): number {
  return Math.max(1, Math.round(count / 62_500))
}

/** The generator is not part of any figure; its own cost is told apart. */
function generate(path: string, count: number): void {
  const before = process.cpuUsage()
  const { bytes } = writeJsonLinesFolder(
    path,
    { events: count, files: filesFor(count) },
    { seed: 42 },
  )
  const { user, system } = process.cpuUsage(before)
  const rate = ((count * 1e3) / (user + system)).toFixed(0)
  const size = (bytes / count).toFixed(0)
  print(`${count} events, seed 42, ${size} bytes each; generating them: ${rate} k ev/cpu-s`)
}

/** A slow program that is right is a peer, a quick one that is wrong is none. */
async function checkByHand(gate: Gate, query: QueryName, path: string): Promise<void> {
  const rows: (readonly Cell[])[] = []
  byHandPrograms[query](path, { row: (cells) => rows.push(cells) })
  const result = await gate.check(query, rows)
  if (passed(result)) {
    print(`gate ${query}: the program by hand gives DuckDB's ${result.oracleRows} rows`)
    return
  }
  throw new Error(`${query} by hand differs from DuckDB: ${JSON.stringify(result)}`)
}

async function measure(query: QueryName, path: string): Promise<readonly RatioRow[]> {
  const comparison = await compare([byHand(query, path), duckdbBatch(query, path)], {
    events,
    runs,
    load,
  })
  print(measurementTable(`${query} file`, comparison))
  const [ours, theirs] = comparison.measurements
  if (ours === undefined || theirs === undefined) return []
  return [{ workload: `${query} file`, ours, theirs, doubts: comparison.doubts }]
}
