/**
 * The property-test kit: the laws that the engine relies on, as functions for any test runner, and the
 * simulated world to run them in. Needs `fast-check`.
 *
 * @packageDocumentation
 */

export { type KeptEpoch, type KeptTable, keptTable } from './kept-table.ts'
export { type AggregateLawOptions, aggregateLaw } from './laws/aggregate.ts'
export type { CrashPipeline } from './laws/crash-world.ts'
export {
  type ExactlyOnceOptions,
  type ExactlyOnceReport,
  exactlyOnce,
} from './laws/exactly-once.ts'
export { rowsAsText } from './laws/rows-as-text.ts'
export { type SinkUnderTest, sinkLaw } from './laws/sink.ts'
export { type LawRuns, type SourceUnderTest, sourceLaw } from './laws/source.ts'
export { type StoreLawOptions, storeLaw } from './laws/store.ts'
export {
  type StreamLawOptions,
  type StreamLawReport,
  streamEqualsBatch,
} from './laws/stream-equals-batch.ts'
export type { StreamInput, StreamQuery } from './laws/stream-query.ts'
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
