import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { formatDecimal } from '../src/batch/decimal-text.ts'
import type { DataType, Field, Schema } from '../src/batch/schema.ts'
import type { Cell } from './checksum.ts'
import { oracleSql, sqlType, tableSql } from './nexmark/oracle.ts'
import { type QueryName, resultSchemas, updateKeys } from './nexmark/results.ts'
import { tableNames } from './nexmark/schema.ts'

/** What the gate found: rows on both sides, and how many have no partner on the other. */
export interface GateResult {
  readonly query: QueryName
  readonly rows: number
  readonly oracleRows: number
  readonly missing: number
  readonly unexpected: number
  /** A few of the rows without partner, as JSON, for the report. */
  readonly examples: readonly string[]
}

export function passed({ missing, unexpected, oracleRows }: GateResult): boolean {
  return missing === 0 && unexpected === 0 && oracleRows > 0
}

/** The oracle: DuckDB over the same JSON lines. */
export interface Gate {
  /**
   * Compares a query's result with DuckDB's, as multisets of rows. Of a query in update mode the last
   * row of each key counts.
   */
  check(query: QueryName, rows: readonly (readonly Cell[])[]): Promise<GateResult>
  close(): Promise<void>
}

/** Loads the events of the file or folder of JSON lines. */
export async function openGate(eventsPath: string): Promise<Gate> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  await connection.run("set TimeZone = 'UTC'")
  for (const name of tableNames) {
    await connection.run(`create table ${name} as ${tableSql(name, eventsPath)}`)
  }
  return {
    check: (query, rows) => check(connection, query, rows),
    async close() {
      connection.closeSync()
      instance.closeSync()
    },
  }
}

async function check(
  connection: DuckDBConnection,
  query: QueryName,
  rows: readonly (readonly Cell[])[],
): Promise<GateResult> {
  const schema = resultSchemas[query]
  const final = lastOfEachKey(schema, updateKeys[query], rows)
  const folder = await mkdtemp(join(tmpdir(), 'millrace-gate-'))
  try {
    const path = join(folder, 'rows.jsonl')
    await writeRows(path, schema, final)
    await connection.run(`create or replace table actual as
      select ${schema.map(readColumn).join(', ')}
      from read_json(${quoted(path)}, format = 'newline_delimited', columns = {
        ${schema.map(({ name }) => `${quoted(name)}: 'varchar'`).join(', ')}})`)
    await connection.run(`create or replace table expected as
      select ${schema.map(castColumn).join(', ')} from (${oracleSql[query]})`)
    const missing = 'select * from expected except all select * from actual'
    const unexpected = 'select * from actual except all select * from expected'
    return {
      query,
      rows: await count(connection, 'select * from actual'),
      oracleRows: await count(connection, 'select * from expected'),
      missing: await count(connection, missing),
      unexpected: await count(connection, unexpected),
      examples: [
        ...(await examples(connection, 'missing', missing)),
        ...(await examples(connection, 'unexpected', unexpected)),
      ],
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function lastOfEachKey(
  schema: Schema,
  keys: readonly string[] | undefined,
  rows: readonly (readonly Cell[])[],
): readonly (readonly Cell[])[] {
  if (keys === undefined) return rows
  const places = schema.flatMap(({ name }, index) => (keys.includes(name) ? [index] : []))
  const last = new Map(
    rows.map((row) => [places.map((place) => String(row[place])).join('\0'), row]),
  )
  return [...last.values()]
}

/** Every value as text, so that nothing is rounded on its way through JSON. */
async function writeRows(
  path: string,
  schema: Schema,
  rows: readonly (readonly Cell[])[],
): Promise<void> {
  const file = createWriteStream(path)
  for (const row of rows) {
    const cells = schema.map(({ name, type }, index) => [name, cellText(row[index], type)])
    file.write(`${JSON.stringify(Object.fromEntries(cells))}\n`)
  }
  file.end()
  await finished(file)
}

function cellText(cell: Cell | undefined, type: DataType): string | null {
  if (cell === null || cell === undefined) return null
  return type.kind === 'decimal' ? formatDecimal(BigInt(cell), type.scale) : String(cell)
}

function readColumn({ name, type }: Field): string {
  const column = `"${name}"`
  if (type.kind === 'timestamp') return `make_timestamp(${column}::bigint) as ${column}`
  return `${column}::${sqlType(type)} as ${column}`
}

function castColumn({ name, type }: Field): string {
  return `"${name}"::${sqlType(type)} as "${name}"`
}

async function count(connection: DuckDBConnection, sql: string): Promise<number> {
  const reader = await connection.runAndReadAll(`select count(*) from (${sql})`)
  return Number(reader.getRows()[0]?.[0])
}

async function examples(
  connection: DuckDBConnection,
  label: string,
  sql: string,
): Promise<readonly string[]> {
  const reader = await connection.runAndReadAll(`select * from (${sql}) limit 3`)
  return reader.getRowObjectsJson().map((row) => `${label}: ${JSON.stringify(row)}`)
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
