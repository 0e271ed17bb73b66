import type { Batch, Column } from '../batch/batch.ts'
import type { Schema } from '../batch/schema.ts'
import { StreamError } from '../core/error.ts'
import type { Source } from '../flow/connector.ts'
import { readSchema, type SourceContext } from './registry.ts'

/** A source that is read once from its beginning to its end, in a batch query. */
export function batchRows(
  context: Pick<SourceContext, 'schema' | 'columns'>,
  description: string,
  rows: () => AsyncIterable<Batch>,
): Source {
  const schema = readSchema(context)
  return {
    description,
    schema,
    replayable: true,
    initial: async () => ({ read: 0 }),
    latest: async () => ({ read: 1 }),
    async *read() {
      for await (const batch of rows()) yield pick(batch, schema, context.columns)
    },
    poll: async () => {
      throw new StreamError('INTERNAL', { what: `${description} was polled like a stream` })
    },
    commit: async () => undefined,
    close: async () => undefined,
  }
}

function pick(batch: Batch, schema: Schema, columns: readonly number[] | undefined): Batch {
  if (columns === undefined) return batch
  return { ...batch, schema, columns: columns.map((index) => batch.columns[index] as Column) }
}
