import type { Batch } from '../batch/batch.ts'
import type { Schema } from '../batch/schema.ts'
import { type BadRowPolicy, badRowPolicy } from '../core/bad-row-policy.ts'
import { dataFrame } from '../dataframe/frame.ts'
import type { Launch, WriteSpec } from '../dataframe/launch.ts'
import { type LogicalPlan, type Scan, schemaOf } from '../plan/logical.ts'
import type { Engine } from './engine.ts'
import type { SinkDescription } from './formats.ts'
import { quotaOptions } from './state-quota.ts'

/** Options of `writeStream` that are the engine's and not the sink's. */
const engineOptions = [
  'allowstateloss',
  'allowunbounded',
  'badrows',
  'checkpointlocation',
  'deadletterpath',
  'drain',
  'laterowspath',
  ...quotaOptions,
  'startfrom',
]

/** The sink that the query's `writeStream` asks for. */
export function resultSinkOf(
  { tables }: Engine,
  launch: Launch,
  plan: LogicalPlan,
  spec: WriteSpec,
): SinkDescription {
  const schema = schemaOf(plan)
  const badRows = badRowsOf(spec)
  const options = Object.fromEntries(
    Object.entries(spec.options).filter(([name]) => !engineOptions.includes(name)),
  )
  const handle =
    spec.foreach ??
    (spec.foreachBatch === undefined
      ? undefined
      : batchCaller(launch, schema, spec.foreachBatch)) ??
    (spec.format === 'memory' ? tables.of(spec.queryName, schema) : undefined)
  return {
    format: spec.format,
    options,
    schema,
    mode: spec.outputMode,
    partitionBy: spec.partitionBy,
    queryName: spec.queryName ?? '',
    edge: launch.edge,
    immediate: spec.trigger.kind === 'continuous',
    ...(badRows === 'fail' ? {} : { badRows }),
    ...(handle === undefined ? {} : { handle }),
  }
}

/** What becomes of the bad rows of a query, unless a function or a source has a policy of its own. */
export function badRowsOf({ options }: WriteSpec): BadRowPolicy {
  return badRowPolicy(options['badrows'] ?? 'fail')
}

/** Gives the rows of one epoch to the user's function as a batch frame. */
function batchCaller(
  launch: Launch,
  schema: Schema,
  call: NonNullable<WriteSpec['foreachBatch']>,
): (batches: readonly Batch[], epoch: number) => Promise<void> {
  return async (batches, epoch) => {
    const scan: Scan = {
      kind: 'scan',
      source: `epoch-${epoch}`,
      format: 'rows',
      options: {},
      schema,
      streaming: false,
      handle: batches,
    }
    await call(dataFrame({ kind: 'scan', scan }, launch), epoch)
  }
}
