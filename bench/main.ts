/**
 * `npm run bench -- [--events n] [--memory-events n] [--runs n] [--only q5 | sessions | sliding | join | big |
 * host]`: every query from generated JSON lines and from memory, beside the program a user would write by hand
 * and DuckDB's batch answer, sessions of very many keys, windows that overlap (`sliding`), a join and a keyed
 * aggregation whose state is much larger than its budget (`join`, `big`), and what a service feels that embeds
 * one (`host`). The rows are compared with DuckDB's, or a plain program's, first: what is wrong is not measured.
 * What does not reach a bound is measured once more at the end, as other work on the machine moves figures of
 * speed; both tables are printed, and a bound that is missed twice, or one of memory once, fails the run. With
 * the defaults it takes 5 GB of the temporary folder and an hour and a half.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { byHandNamed, byHandPrograms } from './by-hand/programs.ts'
import { checkpointCost, isOpen } from './checkpoint-cost.ts'
import type { Cell } from './checksum.ts'
import { byHand, duckdbBatch, millraceFile, millraceMemory } from './contenders.ts'
import { collectConnector } from './engine/collect.ts'
import { benchSession } from './engine/session.ts'
import { firstOutputFigure, prepareRun } from './engine/workload.ts'
import { type Gate, openGate, passed } from './gate.ts'
import {
  checkpointCostMax,
  firstOutputSecondsMax,
  type GateFigure,
  gateTable,
  memoryRateMin,
  q17BytesMax,
  ratioByHandMin,
} from './gates.ts'
import { measureHost } from './host-gates.ts'
import { thisMachine } from './machine.ts'
import {
  type Comparison,
  type Contender,
  compare,
  loadBefore,
  type Measurement,
  type Trust,
} from './measure.ts'
import { writeJsonLinesFolder } from './nexmark/json-lines.ts'
import { type QueryName, queryNames } from './nexmark/results.ts'
import { measureOpenSessions } from './session-gates.ts'
import {
  measureBigState,
  measureJoinState,
  measureSliding,
  type StateReport,
} from './state-gates.ts'
import { type Spread, spreadOf } from './statistics.ts'
import { machineLine, measurementTable, type RatioRow, ratioOf, ratioTable } from './table.ts'
import { isNotMet, missedTwice } from './verdict.ts'

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '10000000' },
    'memory-events': { type: 'string', default: '2000000' },
    runs: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
  },
})
const events = Number(values.events)
/** Column batches are made before the clock starts and stay in memory: fewer of them. */
const memoryEvents = Math.min(events, Number(values['memory-events']))
const runs = Number(values.runs)
const load = await loadBefore(runs)
const chosen = queryNames.filter((name) => values.only === '' || name === values.only)

/** Events in a file; an epoch takes a number of whole files. */
const eventsPerFile = 62_500
/** About a second's work, so that there is a checkpoint every second. */
const filesPerSecond = 16
/** Windows come out one epoch after the one whose rows passed them: who wants them soon takes shorter epochs. */
const filesPerShortEpoch = filesPerSecond / 4
/** How often the runs are made again that say what checkpoints cost, while they leave it open. */
const costRounds = 3
const batchesPerSecond = 256
/** The gate holds all rows in memory; beyond this size it looks at the first part of the stream. */
const gateEvents = Math.min(events, 1_000_000)

/** What is measured besides the queries, by the name that chooses it. */
const groups: readonly (readonly [string, () => Promise<StateReport>])[] = [
  ['sessions', () => measureOpenSessions(runs, load)],
  ['sliding', () => measureSliding({ runs, load })],
  ['join', () => measureJoinState({ runs, load })],
  ['big', () => measureBigState({ runs, load })],
  ['host', () => measureHost(runs)],
]

const print = (text: string): void => {
  process.stdout.write(`${text}\n`)
}

print(machineLine(thisMachine()))
const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
try {
  const path = join(folder, 'events')
  const gatePath = events > gateEvents ? join(folder, 'gate') : path
  if (chosen.length > 0) {
    generate(path, events)
    if (gatePath !== path) generate(gatePath, gateEvents)
    await checkAll(gatePath)
  }
  const parts = partsOf(path, gatePath)
  const first = await measuredParts(parts)
  const open = parts.filter(({ name }) => first.get(name)?.gates.some(isNotMet))
  if (open.length > 0) print(`once more: ${open.map(({ name }) => name).join(', ')}`)
  const again = await measuredParts(open)
  if (missedTwice(gatesOf(first), gatesOf(again)).length > 0) process.exitCode = 1
} finally {
  await rm(folder, { recursive: true, force: true })
}

/** What is measured together: a query, or one of `groups`. */
interface Part {
  readonly name: string
  readonly measure: () => Promise<Report>
}

function partsOf(path: string, gatePath: string): readonly Part[] {
  const queries = chosen.map((name): Part => {
    const measure = async (): Promise<Report> => {
      const { ratios, gates } = await measureFile(name, path, gatePath)
      return { ratios, gates: [...gates, ...(await measureMemory(name))] }
    }
    return { name, measure }
  })
  const others = groups.map(([name, report]): Part => {
    const measure = async (): Promise<Report> => {
      const { table, gates } = await report()
      print(table)
      return { ratios: [], gates }
    }
    return { name, measure }
  })
  return [...queries, ...others.filter(({ name }) => values.only === '' || values.only === name)]
}

/** By name, with everything printed. */
async function measuredParts(parts: readonly Part[]): Promise<ReadonlyMap<string, Report>> {
  const reports = new Map<string, Report>()
  for (const { name, measure } of parts) reports.set(name, await measure())
  const ratios = [...reports.values()].flatMap((report) => report.ratios)
  if (ratios.length > 0) print(ratioTable(ratios))
  if (reports.size > 0) print(gateTable(gatesOf(reports)))
  return reports
}

function gatesOf(reports: ReadonlyMap<string, Report>): readonly GateFigure[] {
  return [...reports.values()].flatMap(({ gates }) => gates)
}

/** The generator is not part of any figure; its own cost is told apart. */
function generate(path: string, count: number): void {
  const before = process.cpuUsage()
  const files = Math.max(1, Math.round(count / eventsPerFile))
  const { bytes } = writeJsonLinesFolder(path, { events: count, files }, { seed: 42 })
  const { user, system } = process.cpuUsage(before)
  const rate = ((count * 1e3) / (user + system)).toFixed(0)
  const size = (bytes / count).toFixed(0)
  print(`${count} events, seed 42, ${size} bytes each; generating them: ${rate} k ev/cpu-s`)
}

async function checkAll(gatePath: string): Promise<void> {
  const gate = await openGate(gatePath)
  const session = benchSession()
  for (const query of chosen) {
    const program = byHandNamed(query)
    if (program !== undefined) {
      const byHandRows: (readonly Cell[])[] = []
      byHandPrograms[program](gatePath, { row: (cells) => byHandRows.push(cells) })
      await check(gate, query, 'by hand', byHandRows)
    }
    const sink = collectConnector()
    const checkpoint = join(folder, `gate-${query}`)
    // Epochs much shorter than a second, so that the answer is put together from many.
    await prepareRun(session, { query, input: { folder: gatePath }, perEpoch: 1, checkpoint })(sink)
    await check(gate, query, 'millrace', sink.rows)
  }
  await session.stop()
  await gate.close()
}

async function check(
  gate: Gate,
  query: QueryName,
  who: string,
  rows: readonly (readonly Cell[])[],
): Promise<void> {
  const result = await gate.check(query, rows)
  if (!passed(result)) {
    throw new Error(`${query}: ${who} differs from DuckDB: ${JSON.stringify(result)}`)
  }
  print(`gate ${query}: ${who} gives DuckDB's ${result.oracleRows} rows`)
}

/** What was found out about one of them. */
interface Report {
  readonly ratios: readonly RatioRow[]
  readonly gates: readonly GateFigure[]
}

async function measureFile(query: QueryName, path: string, smaller: string): Promise<Report> {
  const program = byHandNamed(query)
  if (program === undefined) return measureSmallFile(query, smaller)
  const workload = `${query} file`
  const often = millraceFile(query, path, filesPerSecond)
  const atEnd = { ...millraceFile(query, path, 'all'), name: 'one checkpoint' }
  const comparison = await compared(workload, events, [
    often,
    atEnd,
    { ...millraceFile(query, path, filesPerShortEpoch), name: 'short epochs' },
    byHand(program, path),
    duckdbBatch(query, path),
  ])
  const [ours, once, short, hand, duckdb] = comparison.measurements
  if (!ours || !once || !short || !hand || !duckdb) return { ratios: [], gates: [] }
  const { doubts, margin } = comparison
  const ratios: RatioRow[] = [
    { workload, ours, theirs: hand, floor: ratioByHandMin, doubts, margin },
    { workload, ours, theirs: duckdb, doubts: [], margin },
  ]
  const cost = await costOf(query, [often, atEnd], [ours, once])
  print(
    `${query} first output after ${firstOutputs(ours)}, with short epochs ${firstOutputs(short)}`,
  )
  const gate = gateOf(query, comparison)
  return {
    ratios,
    gates: [
      gate('file, over by hand', ratioOf(ours, hand).median, 'at least', ratioByHandMin, 'times'),
      gate('checkpoints, cost', cost, 'at most', checkpointCostMax, 'times'),
      gate('first output', firstOutput(short).median, 'at most', firstOutputSecondsMax, 's'),
      ...(query === 'q17'
        ? [gate('file, resident memory', ours.rssBytesMax.max, 'at most', q17BytesMax, 'bytes')]
        : []),
    ],
  }
}

/** Queries without a program by hand keep much more and take longer: fewer events, shorter epochs. */
async function measureSmallFile(query: QueryName, path: string): Promise<Report> {
  const workload = `${query} file`
  const comparison = await compared(workload, gateEvents, [
    millraceFile(query, path, filesPerSecond / 4),
    duckdbBatch(query, path),
  ])
  const [ours, theirs] = comparison.measurements
  if (ours === undefined || theirs === undefined) return { ratios: [], gates: [] }
  const { doubts, margin } = comparison
  return { ratios: [{ workload, ours, theirs, doubts, margin }], gates: [] }
}

async function measureMemory(query: QueryName): Promise<readonly GateFigure[]> {
  const perEpoch = byHandNamed(query) === undefined ? batchesPerSecond / 4 : batchesPerSecond
  const comparison = await compared(`${query} memory`, memoryEvents, [
    millraceMemory(query, memoryEvents, perEpoch),
  ])
  const rate = comparison.measurements[0]?.eventsPerCpuSecond.median ?? 0
  const gate = gateOf(query, comparison)
  const bound = memoryRateMin[query]
  return bound === undefined ? [] : [gate('from memory', rate, 'at least', bound, 'ev/cpu-s')]
}

async function compared(
  workload: string,
  events: number,
  contenders: Parameters<typeof compare>[0],
): Promise<Comparison> {
  const comparison = await compare(contenders, { events, runs, load })
  print(measurementTable(workload, comparison))
  return comparison
}

/** The cost of checkpoints, after more runs if those that were made leave open whether it is within its bound. */
async function costOf(
  query: QueryName,
  contenders: readonly [often: Contender, once: Contender],
  measured: readonly [often: Measurement, once: Measurement],
): Promise<number> {
  const seconds = measured.map(({ runs }) => runs.map(({ cpuSeconds }) => cpuSeconds))
  for (let round = 0; ; round++) {
    const cost = checkpointCost(seconds[0] ?? [], seconds[1] ?? [])
    if (round === costRounds || !isOpen(cost, checkpointCostMax)) return cost.ratio
    const more = await compared(`${query} checkpoints`, events, contenders)
    for (const [at, { runs: again }] of more.measurements.entries()) {
      seconds[at]?.push(...again.map(({ cpuSeconds }) => cpuSeconds))
    }
  }
}

/** For windows it holds the time until the first window closes. */
function firstOutput({ runs }: Measurement): Spread {
  return spreadOf(runs.map(({ figures }) => figures[firstOutputFigure] ?? Number.NaN))
}

function firstOutputs(measurement: Measurement): string {
  const { median, min, max } = firstOutput(measurement)
  return `${median.toFixed(2)} s (${min.toFixed(2)}–${max.toFixed(2)})`
}

function gateOf(query: QueryName, { doubts, margin }: Trust) {
  return (
    name: string,
    value: number,
    direction: GateFigure['direction'],
    bound: number,
    unit: string,
  ): GateFigure => ({ name: `${query} ${name}`, value, bound, direction, unit, doubts, margin })
}
