import { fileURLToPath } from 'node:url'
import type { ByHandName } from './by-hand/programs.ts'
import type { Contender } from './measure.ts'
import type { QueryName } from './nexmark/results.ts'

/** The engine over a folder of JSON lines, a checkpoint per `filesPerEpoch` files. */
export function millraceFile(
  query: QueryName,
  path: string,
  filesPerEpoch: number | 'all',
): Contender {
  return { name: 'millrace', args: [script('engine/run'), query, path, String(filesPerEpoch)] }
}

/** The engine over column batches in memory, a checkpoint per `batchesPerEpoch` batches. */
export function millraceMemory(
  query: QueryName,
  events: number,
  batchesPerEpoch: number | 'all',
): Contender {
  const args = [script('engine/run'), query, String(events), String(batchesPerEpoch)]
  return { name: 'millrace, memory', args }
}

/** The hand-written program for a query over a file or folder of JSON lines. */
export function byHand(query: ByHandName, path: string): Contender {
  return { name: 'by hand', args: [script('by-hand/run'), query, path] }
}

/** DuckDB's batch answer to the same query over the same lines, two threads. */
export function duckdbBatch(query: QueryName, path: string): Contender {
  return { name: 'DuckDB batch', args: [script('duckdb/run'), query, path] }
}

/** A compiled script beside this one. */
export function script(name: string): string {
  return fileURLToPath(new URL(`./${name}.js`, import.meta.url))
}
