/**
 * The property-test kit: the laws that the engine relies on, as functions for any test runner, and the
 * simulated world to run them in. Needs `fast-check`.
 *
 * @packageDocumentation
 */

export {
  type KeptEpoch,
  type KeptTable,
  type KeptTableOptions,
  keptTable,
} from './kept-table.ts'
export { type AggregateLawOptions, aggregateLaw } from './laws/aggregate.ts'
export type { CrashCoverage } from './laws/crash-coverage.ts'
export {
  type CrashCase,
  type ExactlyOnceOptions,
  type ExactlyOnceReport,
  exactlyOnce,
} from './laws/exactly-once.ts'
export {
  type KillOptions,
  type KillReport,
  killedProgram,
  type ProgramUnderKill,
  sleptProgram,
  type ZombieEnd,
} from './laws/killed-program.ts'
export { type LateDataReport, lateData } from './laws/late-data.ts'
export { type OperatorUnderTest, operatorLaw } from './laws/operator.ts'
export type { CrashSurroundings, SinkUnderCrash, SourceUnderCrash } from './laws/own-parts.ts'
export { rescale } from './laws/rescale.ts'
export { rowsAsText } from './laws/rows-as-text.ts'
export { LawFailure, type LawOptions, type LawRun } from './laws/run-law.ts'
export {
  type DisturbanceKind,
  type SimulateOptions,
  type SimulationReport,
  simulate,
} from './laws/simulate.ts'
export { type SinkUnderTest, sinkLaw } from './laws/sink.ts'
export { type SourceUnderTest, sourceLaw } from './laws/source.ts'
export { stateFunction } from './laws/state-function.ts'
export { type StoreLawOptions, storeLaw } from './laws/store.ts'
export { streamEqualsBatch } from './laws/stream-equals-batch.ts'
export type { StreamLawReport } from './laws/stream-law.ts'
export type { StreamInput, StreamQuery, StreamTable } from './laws/stream-query.ts'
export { createSimulatedClock, type SimulatedClock } from './simulated-clock.ts'
export {
  type SimulatedSession,
  type SimulatedSessionOptions,
  simulatedSession,
} from './simulated-session.ts'
export { createSimulation, type Simulation } from './simulated-system.ts'
export {
  type DiskFault,
  SimulatedCrash,
  type VirtualDiskOptions,
  type VirtualFileSystem,
  virtualFileSystem,
} from './virtual-file-system.ts'
