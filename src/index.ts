export type { Batch, Column as BatchColumn } from './batch/batch.ts'
export { type EdgeRow, toRows } from './batch/edge-row.ts'
export { fromRows } from './batch/from-rows.ts'
export type { MemoryStream } from './connectors/memory/source.ts'
export type { PushStream } from './connectors/push/source.ts'
export type {
  SinkContext,
  SinkFactory,
  SourceContext,
  SourceFactory,
} from './connectors/registry.ts'
export { type ErrorCode, StreamError } from './core/error.ts'
export { onTerminationSignal } from './core/node-terminal.ts'
export type { Column } from './dataframe/column.ts'
export type {
  DataFrame,
  DataFrameWriter,
  DataStreamWriter,
  GroupedData,
  StreamingQuery,
} from './dataframe/data-frame.ts'
export type { StreamingQueryProgress } from './dataframe/progress.ts'
export type { DataFrameReader, DataStreamReader } from './dataframe/reader.ts'
export type {
  DeadLetter,
  LateRow,
  QueryHealth,
  QueryState,
  ResultBatch,
  StreamingQueryListener,
  StreamingQueryStatus,
} from './dataframe/streaming-query.ts'
export type { ForeachWriter } from './dataframe/writer-options.ts'
export type { Sink, SinkStart, Source } from './flow/connector.ts'
export type { Position, PositionRange } from './flow/message.ts'
export { Session, Session as SparkSession, type SessionBuilder } from './session/builder.ts'
export type { StreamingQueryManager } from './session/query-manager.ts'
