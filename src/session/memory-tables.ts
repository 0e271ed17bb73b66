import type { Schema } from '../batch/schema.ts'
import { type MemoryTable, memoryTable } from '../connectors/memory/sink.ts'
import type { Scan } from '../plan/logical.ts'

/** What queries with a `memory` sink have written, by query name; it outlives their restarts. */
export interface MemoryTables {
  /** The table of a query; a new one replaces it when the columns have changed. */
  of(queryName: string | undefined, schema: Schema): MemoryTable
  /** A scan of what is committed in a table; `undefined` if there is none of that name. */
  scan(name: string): Scan | undefined
}

export function memoryTables(): MemoryTables {
  const tables = new Map<string, MemoryTable>()
  return {
    of(queryName, schema) {
      const name = (queryName ?? '').toLowerCase()
      const known = tables.get(name)
      const sameColumns = JSON.stringify(known?.schema) === JSON.stringify(schema)
      if (known !== undefined && sameColumns && name !== '') return known
      const table = memoryTable(schema)
      tables.set(name, table)
      return table
    },

    scan(name) {
      const table = tables.get(name.toLowerCase())
      if (table === undefined) return undefined
      return {
        kind: 'scan',
        source: name,
        format: 'rows',
        options: {},
        schema: table.schema,
        streaming: false,
        handle: table,
      }
    },
  }
}
