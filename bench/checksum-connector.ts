import { liveRows } from '../src/batch/batch.ts'
import type { Schema } from '../src/batch/schema.ts'
import type { SinkFactory } from '../src/connectors/registry.ts'
import type { Sink } from '../src/flow/connector.ts'
import { type Checksum, type ChecksumSink, checksumSink } from './checksum.ts'

/** A sink that sums every row it is given, and tells when the first one came. */
export interface ChecksumConnector extends Sink {
  result(): Checksum
}

/**
 * The end of a measured query. Rows count when they are written: it is measured without crashes, and
 * with nothing between the engine and the sum. `onFirstRow` is called once, for the time to the first
 * output.
 */
export function checksumConnector(schema: Schema, onFirstRow: () => void): ChecksumConnector {
  const sums: ChecksumSink = checksumSink(schema)
  let isFirst = true
  return {
    description: 'checksum',
    kind: 'immediate',
    open: async () => {},
    async write(batch) {
      if (isFirst && liveRows(batch) > 0) {
        isFirst = false
        onFirstRow()
      }
      sums.batch(batch)
    },
    prepare: async () => null,
    commit: async () => {},
    abort: async () => {},
    close: async () => {},
    result: () => sums.result(),
  }
}

/** The format `bench` that ends in this sink, for `session.register`. */
export function sinkFormat(sink: Sink): SinkFactory {
  return {
    format: 'bench',
    options: [],
    modes: ['append', 'update', 'complete'],
    create: async () => sink,
  }
}
