/**
 * One query as batch SQL in DuckDB over the same JSON lines, in a process of its own:
 * `node dist/bench/duckdb/run.js q5 events`. No streaming engine: a yardstick for the limit.
 */
import { DuckDBInstance } from '@duckdb/node-api'
import { reportRun } from '../measured-run.ts'
import { oracleSql, tableSql } from '../nexmark/oracle.ts'
import { queryNamed, resultSchemas } from '../nexmark/results.ts'
import { tableNames } from '../nexmark/schema.ts'

const [name, path] = process.argv.slice(2)
const query = queryNamed(name)
if (query === undefined || path === undefined) {
  throw new RangeError('usage: run.js <query> <file or folder of JSON lines>')
}
const instance = await DuckDBInstance.create(':memory:', { threads: '2' })
const connection = await instance.connect()
await reportRun(async () => {
  await connection.run("set TimeZone = 'UTC'")
  // Every column of every row is read inside DuckDB, and only the sums cross into JavaScript.
  const sums = resultSchemas[query].map(({ name: column }) => `sum(hash("${column}"))`).join(', ')
  // Only the tables that the query names are read.
  const tables = tableNames.map((name) => `${name} as (${tableSql(name, path)})`)
  const reader = await connection.runAndReadAll(
    `with ${tables.join(', ')} select count(*), ${sums} from (${oracleSql[query]})`,
  )
  return reader.getRowsJson()[0]
})
