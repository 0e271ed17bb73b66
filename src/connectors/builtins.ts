import { consoleSink } from './console/sink.ts'
import { csvSink, jsonSink, textSink } from './files/sink.ts'
import { csvSource, jsonSource, textSource } from './files/source.ts'
import { foreachSink } from './foreach/sink.ts'
import { foreachBatchSink } from './foreach-batch/sink.ts'
import { kafkaSink } from './kafka/sink.ts'
import { kafkaSource } from './kafka/source.ts'
import { memorySink } from './memory/sink.ts'
import { memorySource } from './memory/source.ts'
import { noopSink } from './noop/sink.ts'
import { pushSource } from './push/source.ts'
import { rateSource } from './rate/source.ts'
import { rateMicroBatchSource } from './rate-micro-batch/source.ts'
import { createRegistry, type Registry } from './registry.ts'
import { rowsSource } from './rows/source.ts'
import { socketSource } from './socket/source.ts'

/** A registry of every format that comes with the package. */
export function builtinRegistry(): Registry {
  return createRegistry(
    [
      csvSource,
      jsonSource,
      kafkaSource,
      textSource,
      memorySource,
      pushSource,
      rateSource,
      rateMicroBatchSource,
      rowsSource,
      socketSource,
    ],
    [
      consoleSink,
      csvSink,
      jsonSink,
      kafkaSink,
      textSink,
      foreachSink,
      foreachBatchSink,
      memorySink,
      noopSink,
    ],
  )
}
