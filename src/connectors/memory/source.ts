import type { Batch } from '../../batch/batch.ts'
import { type EdgeRow, fromRow } from '../../batch/edge-row.ts'
import type { Schema } from '../../batch/schema.ts'
import { StreamError } from '../../core/error.ts'
import type { Source } from '../../flow/connector.ts'
import { numberAt, shareRows } from '../numbered-position.ts'
import { readSchema, type SourceFactory } from '../registry.ts'
import { type RowLog, rowLog } from '../row-log.ts'

export interface MemoryStreamOptions {
  /** Partitions with a watermark and an order of their own; the rows of one are read by one lane. Default 1. */
  readonly partitions?: number
}

/**
 * A stream that a program feeds row by row, Spark's `MemoryStream`. It keeps every row as long as the
 * object lives, so queries can restart on it, and several can read it, also as a batch.
 */
export interface MemoryStream {
  readonly schema: Schema
  /**
   * Adds rows, given as objects or as lists in column order, and says how many there are now. Rows go
   * to the partitions in turn unless one is named.
   * @throws StreamError `CAST_INVALID_INPUT` if a value does not fit its column; then no row was added
   */
  addData(
    rows: readonly (EdgeRow | readonly unknown[])[],
    options?: { readonly partition?: number },
  ): number
  /** Adds rows that are columns already, all to one partition, and says how many rows there are now. */
  addBatch(batch: Batch, options?: { readonly partition?: number }): number
}

interface Partitions {
  readonly logs: readonly RowLog[]
  readonly wakes: Set<() => void>
}

/** What is behind the streams of this process; a stream shows only what users may do. */
const behind = new WeakMap<object, Partitions>()

/** A new, empty stream. */
export function memoryStream(schema: Schema, options: MemoryStreamOptions = {}): MemoryStream {
  const count = options.partitions ?? 1
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new StreamError('CONFIG_INVALID', {
      option: 'partitions',
      value: String(count),
      expected: 'a whole number from 1 up',
    })
  }
  const logs = Array.from({ length: count }, (_, index) =>
    rowLog(schema, { partition: String(index) }),
  )
  const wakes = new Set<() => void>()
  const rowCount = (): number => logs.reduce((sum, log) => sum + log.end, 0)
  const wakeAll = (): number => {
    for (const wake of [...wakes]) wake()
    return rowCount()
  }
  const stream: MemoryStream = {
    schema,
    addData(rows, { partition } = {}) {
      const values = rows.map((row) => fromRow(schema, row))
      let next = partition ?? rowCount() % count
      for (const row of values) {
        logAt(logs, next).append(row)
        if (partition === undefined) next = (next + 1) % count
      }
      return wakeAll()
    },
    addBatch(batch, { partition = 0 } = {}) {
      logAt(logs, partition).appendBatch(batch)
      return wakeAll()
    },
  }
  behind.set(stream, { logs, wakes })
  return stream
}

/** Reads a `memoryStream`, given as the handle of the scan. */
export const memorySource: SourceFactory = {
  format: 'memory',
  options: [],
  schemaFor(_, given) {
    if (given !== undefined) return given
    throw new StreamError('SCHEMA_REQUIRED', { format: 'memory' })
  },
  async create(context) {
    const { handle } = context
    const partitions = handle === undefined ? undefined : behind.get(handle)
    if (partitions === undefined) {
      throw new StreamError('CONFIG_INVALID', {
        option: 'format',
        value: 'memory',
        expected: 'a stream made with session.memoryStream(…)',
      })
    }
    return sourceOf(partitions, readSchema(context), context.columns)
  },
}

function sourceOf(
  { logs, wakes }: Partitions,
  schema: Schema,
  columns: readonly number[] | undefined,
): Source {
  const names = logs.map((_, index) => String(index))
  const positionOf = (at: (index: number, name: string) => number) =>
    Object.fromEntries(names.map((name, index) => [name, at(index, name)]))
  return {
    description: 'memory',
    schema,
    replayable: true,
    initial: async () => positionOf(() => 0),

    async latest(from, { maxRows }, end) {
      const waiting = logs.map((log, index) => {
        const name = String(index)
        const stop = end === undefined ? log.end : Math.min(log.end, numberAt(end, name))
        return Math.max(0, stop - numberAt(from, name))
      })
      const shares = maxRows === undefined ? waiting : shareRows(waiting, maxRows)
      return positionOf((index, name) => numberAt(from, name) + (shares[index] ?? 0))
    },

    async *read({ from, to }, { index: lane, count }) {
      for (const [index, log] of logs.entries()) {
        if (index % count !== lane) continue
        const name = String(index)
        const end = numberAt(to, name)
        if (end > log.end) {
          // The stream of an earlier process had more rows than this one.
          const what = `the rows ${log.end} to ${end - 1} of partition ${name}`
          throw new StreamError('SOURCE_LOST_DATA', { source: 'memory', what })
        }
        yield* log.between(numberAt(from, name), end, columns)
      }
    },

    async poll(from, maxRows) {
      // The partition that is furthest behind first, so that none is starved.
      const waiting = logs.map((log, index) => log.end - numberAt(from, String(index)))
      const longest = Math.max(...waiting)
      if (longest <= 0) return undefined
      const index = waiting.indexOf(longest)
      const start = numberAt(from, String(index))
      const end = start + Math.min(longest, maxRows)
      for (const batch of logAt(logs, index).between(start, end, columns)) {
        const taken = batch.selection?.length ?? batch.rowCount
        return { batch, position: { ...from, [String(index)]: start + taken } }
      }
      return undefined
    },

    onArrival(wake) {
      wakes.add(wake)
      return () => void wakes.delete(wake)
    },
    commit: async () => undefined,
    close: async () => undefined,
  }
}

function logAt(logs: readonly RowLog[], partition: number): RowLog {
  const log = logs[partition]
  if (log !== undefined) return log
  throw new StreamError('CONFIG_INVALID', {
    option: 'partition',
    value: String(partition),
    expected: `a whole number from 0 to ${logs.length - 1}`,
  })
}
