export type { QueryWarning, WarningCode } from './core/warning.ts'
export type { MapAsyncOptions } from './dataframe/async-options.ts'
export type {
  DataStreamWriter,
  Dataset,
  ForeachBatch,
  OutputMode,
  StreamingQuery,
} from './dataframe/data-frame.ts'
export type { KeyedDataset, RowOf } from './dataframe/dataset-types.ts'
export type { Fleet, FleetOptions } from './dataframe/fleet.ts'
export type {
  AsyncOperatorProgress,
  DurationMs,
  EventTimeProgress,
  LaneProgress,
  SinkProgress,
  SourceProgress,
  StateOperatorProgress,
  StreamingQueryProgress,
} from './dataframe/progress.ts'
export type { DataStreamReader } from './dataframe/reader.ts'
export type {
  DeadLetter,
  LateRow,
  QueryHealth,
  QueryState,
  ResultBatch,
  Savepoint,
  StateKey,
  StateOptions,
  StopOptions,
  StreamingQueryListener,
  StreamingQueryStatus,
  Timeout,
} from './dataframe/streaming-query.ts'
export { Trigger, type TriggerOptions } from './dataframe/trigger.ts'
export type { UpgradeChange, UpgradeReport } from './dataframe/upgrade-report.ts'
export type { ForeachWriter, StartOptions } from './dataframe/writer-options.ts'
export type { AsyncCall } from './flow/async-function.ts'
export type { GroupState } from './flow/group-state.ts'
export type { EpochHeader } from './flow/message.ts'
export type { EpochReport, Operator, Output, Wait } from './flow/operator.ts'
export type {
  KeyRows,
  OperatorContext,
  OperatorKeys,
  OwnOperator,
} from './flow/own-operator.ts'
export type {
  Emitted,
  ExpiredTimer,
  ListState,
  MapState,
  QueryInfo,
  StateCodec,
  StatefulHandle,
  StatefulProcessor,
  Timers,
  ValueState,
} from './flow/stateful-processor.ts'
