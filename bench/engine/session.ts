import { Session } from '../../src/index.ts'
import { batchFormat } from '../batch-source.ts'
import { sinkFormat } from '../checksum-connector.ts'
import type { BenchSession } from './workload.ts'

/** The session of a measured run; state and checkpoints as users have them by default. */
export function benchSession(): BenchSession {
  const session = Session.builder.config('progress', 'off').getOrCreate()
  return {
    jsonLines(folder, schema, filesPerEpoch) {
      const reader = session.readStream.schema(schema)
      const limited =
        filesPerEpoch === undefined ? reader : reader.option('maxFilesPerTrigger', filesPerEpoch)
      return limited.json(folder)
    },
    stream(name, schema, batches) {
      // The batches say where epochs end; the number of rows only says that they do.
      session.register({ source: batchFormat(schema, batches, 1, name) })
      return session.readStream.format(name).load()
    },
    async run(frame, sink, { checkpoint, trigger, outputMode }) {
      session.register({ sink: sinkFormat(sink) })
      const query = frame.writeStream
        .format('bench')
        .outputMode(outputMode)
        .option('checkpointLocation', checkpoint)
        .option('drain', 'flush')
        .trigger(trigger)
        .start()
      await query.awaitTermination()
    },
    stop: () => session.stop(),
  }
}
