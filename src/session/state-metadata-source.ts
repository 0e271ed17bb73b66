import { checkpointReader } from '../../state/checkpoint-reader.ts'
import { batchOf } from '../batch/build.ts'
import { intType, longType, type Schema, stringType } from '../batch/schema.ts'
import { batchRows } from '../connectors/batch-rows.ts'
import { integerOption, optionOf, settledOption, textOption } from '../connectors/option-spec.ts'
import type { SourceFactory } from '../connectors/registry.ts'
import { sparkName } from '../physical/state-layout.ts'
import { fingerprintIn, type StatePorts } from '../runtime/state-reading.ts'

const path = textOption({
  name: 'path',
  description: 'The checkpointLocation of a query, which may be running. Given to load(…).',
  required: true,
})
const batchId = integerOption({
  name: 'batchId',
  description: 'The epoch whose plan is shown; the last committed one without it.',
  min: -1,
})

const schema: Schema = [
  { name: 'operatorId', type: longType, nullable: false },
  { name: 'operatorName', type: stringType, nullable: false },
  { name: 'stateStoreName', type: stringType, nullable: false },
  { name: 'numPartitions', type: intType, nullable: false },
  { name: 'minBatchId', type: longType, nullable: false },
  { name: 'maxBatchId', type: longType, nullable: false },
  { name: 'operatorProperties', type: stringType, nullable: true },
  { name: 'operator', type: stringType, nullable: false },
]

/** Spark's `state-metadata` source: which operators of a query keep state, and which epochs are there. */
export function stateMetadataSource({ files }: StatePorts): SourceFactory {
  return {
    format: 'state-metadata',
    batchOnly: true,
    options: [path, batchId],
    schemaFor: () => schema,
    create: async (context) =>
      batchRows(context, 'state metadata', async function* () {
        const reader = checkpointReader(files, settledOption(context.options, path))
        const epoch = optionOf(context.options, batchId)
        const found = epoch === undefined ? reader.committed() : reader.at(epoch)
        const { first, last } = reader.retained()
        const { layouts, operators, shards } = fingerprintIn(found)
        const rows = Object.entries(layouts).map(([name, layout], id) => [
          BigInt(id),
          sparkName(layout),
          'default',
          shards,
          BigInt(first),
          BigInt(last),
          JSON.stringify({ kind: layout.kind, shape: operators[name] ?? '' }),
          name,
        ])
        yield batchOf(schema, rows)
      }),
  }
}
