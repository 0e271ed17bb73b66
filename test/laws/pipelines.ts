import type { CrashPipeline } from '../../properties/laws/crash-life.ts'
import type { Value } from '../../src/batch/value.ts'
import { type FileSystem, joinPath } from '../../src/core/file-system.ts'
import type { DataFrame } from '../../src/dataframe/data-frame.ts'
import { count, window } from '../../src/functions.ts'

// Small pipelines for laws that run them very often.

/** An instant of the pipelines. */
export const at = (seconds: number): Date => new Date(1_600_000_000_000 + seconds * 1000)

export const windows: CrashPipeline = {
  name: 'windows, append',
  schemas: ['t TIMESTAMP, k STRING'],
  arrivals: [0, 8, 16, 24].map((second) => [
    [
      [at(second), 'a'],
      [at(second + 3), 'b'],
      [at(second + 1), 'a'],
    ],
  ]),
  query: ([input]) =>
    first(input)
      .withWatermark('t', '4 seconds')
      .groupBy(window('t', '10 seconds'), 'k')
      .agg(count('k').alias('n')),
  outputMode: 'append',
  config: { lanes: 1, epochsInFlight: 2 },
}

/** The watermark of one pipeline stands above both parts, those of the other on each. */
function history(name: string, query: CrashPipeline['query']): CrashPipeline {
  const rows = (...seconds: readonly number[]) => seconds.map((second) => [at(second), 'a'])
  return {
    name,
    schemas: ['t TIMESTAMP, k STRING', 't TIMESTAMP, k STRING'],
    // The live rows begin before the history ends, and behind its watermark.
    before: [rows(3, 0, 12, 25, 31, 1), rows(14, 8)],
    arrivals: [rows(27, 33), rows(47, 36), rows(61, 55)].map((live) => [[], live]),
    query,
    outputMode: 'append',
    config: { lanes: 1, epochsInFlight: 2 },
  }
}

const perWindow = (frame: DataFrame): DataFrame =>
  frame.groupBy(window('t', '10 seconds'), 'k').agg(count('k').alias('n'))

export const watermarkAbove = history('history then live, one watermark', ([past, live]) =>
  perWindow(first(past).followedBy(first(live)).withWatermark('t', '4 seconds')),
)

export const watermarkBelow = history('history then live, two watermarks', ([past, live]) =>
  perWindow(
    first(past)
      .withWatermark('t', '4 seconds')
      .followedBy(first(live).withWatermark('t', '2 seconds')),
  ),
)

/** Windows in files of JSON lines. */
export const intoFiles: CrashPipeline = {
  ...windows,
  name: 'windows into json files',
  query: (inputs) =>
    windows.query(inputs, []).selectExpr('unix_millis(window.start) AS start', 'k', 'n'),
  sink: { format: 'json', path: 'out' },
}

/** The rows of the visible files of a folder. */
export async function rowsOfFiles(files: FileSystem, folder: string): Promise<readonly Value[][]> {
  const rows: Value[][] = []
  for (const { name, isFolder } of await files.list(folder)) {
    if (isFolder || /^[._]/.test(name)) continue
    const text = new TextDecoder().decode(await files.read(joinPath(folder, name)))
    for (const line of text.split('\n').filter(Boolean)) {
      const { start, k, n }: { start: number; k: string; n: number } = JSON.parse(line)
      rows.push([BigInt(start), k, BigInt(n)])
    }
  }
  return rows
}

function first<Frame>(frame: Frame | undefined): Frame {
  if (frame === undefined) throw new Error('the pipeline has this input')
  return frame
}
