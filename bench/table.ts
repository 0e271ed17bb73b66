import type { Machine } from './machine.ts'
import type { Comparison, Measurement, Trust } from './measure.ts'
import type { Spread } from './statistics.ts'
import { gateVerdict } from './verdict.ts'

/** One line of the ratio table: what was compared, and the engine's side over the other's. */
export interface RatioRow extends Trust {
  readonly workload: string
  readonly ours: Measurement
  readonly theirs: Measurement
  /** The ratio that must be reached, when it is a gate. */
  readonly floor?: number
}

/** Events per CPU-second of ours over theirs: of the medians, and the worst and best pair of runs. */
export function ratioOf(ours: Measurement, theirs: Measurement): Spread {
  const left = ours.eventsPerCpuSecond
  const right = theirs.eventsPerCpuSecond
  return {
    median: left.median / right.median,
    min: left.min / right.max,
    max: left.max / right.min,
  }
}

/** What `gateVerdict` says of a row that is a gate; nothing otherwise. */
export function verdictOf({ ours, theirs, floor, margin }: RatioRow): string {
  if (floor === undefined) return ''
  const value = ratioOf(ours, theirs).median
  return gateVerdict({ value, bound: floor, direction: 'at least', margin })
}

/** The table of ratios as text, with the doubts of each line below it. */
export function ratioTable(rows: readonly RatioRow[]): string {
  const lines = rows.map((row) => {
    const ratio = ratioOf(row.ours, row.theirs)
    return [
      row.workload,
      row.ours.name,
      rate(row.ours.eventsPerCpuSecond),
      row.theirs.name,
      rate(row.theirs.eventsPerCpuSecond),
      `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)})`,
      row.floor === undefined ? '' : `≥ ${row.floor.toFixed(2)}`,
      verdictOf(row),
    ]
  })
  const heads = ['workload', 'ours', 'k ev/cpu-s', 'beside', 'k ev/cpu-s', 'ratio', 'floor', '']
  const doubts = rows.flatMap(({ workload, doubts }) =>
    doubts.map((doubt) => `${workload}: ${doubt}`),
  )
  return [textTable([heads, ...lines]), ...doubts].join('\n')
}

/** Every figure of a comparison: median and range of each contender. */
export function measurementTable(workload: string, comparison: Comparison): string {
  const lines = comparison.measurements.map((measurement) => [
    workload,
    measurement.name,
    String(measurement.events),
    String(measurement.runs.length),
    rate(measurement.eventsPerCpuSecond),
    spread(measurement.cpuSeconds, 1, 2),
    spread(measurement.wallSeconds, 1, 2),
    spread(measurement.rssBytesMax, 2 ** 20, 0),
  ])
  const heads = ['workload', 'program', 'events', 'runs', 'k ev/cpu-s', 'cpu s', 'wall s', 'rss MB']
  return [textTable([heads, ...lines]), ...comparison.doubts].join('\n')
}

/** The line that stands above every table. */
export function machineLine(machine: Machine): string {
  const { processor, cores, memoryGigabytes, system, node, commit } = machine
  return `${processor}, ${cores} cores, ${memoryGigabytes} GB, ${system}, Node ${node}, commit ${commit}`
}

function rate(values: Spread): string {
  return spread(values, 1000, 0)
}

function spread({ median, min, max }: Spread, unit: number, digits: number): string {
  const text = (value: number): string => (value / unit).toFixed(digits)
  return `${text(median)} (${text(min)}–${text(max)})`
}

/** Columns of equal width; the first row is the heading. */
export function textTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (row: readonly string[]): string =>
    widths
      .map((width, column) => (row[column] ?? '').padEnd(width))
      .join('  ')
      .trimEnd()
  const [head = [], ...body] = rows
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...body.map(line)].join(
    '\n',
  )
}
