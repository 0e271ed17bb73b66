import type { FileSystem } from '../../src/core/file-system.ts'
import type { ProcessInfo, ProcessName } from '../../src/core/process-info.ts'
import { type Random, seededRandom } from '../../src/core/random.ts'
import { epoch } from '../../src/core/units.ts'
import type { EpochLogOptions } from '../../state/local-epoch-log.ts'
import { checkpointFormat, type LogEntry, type Manifest } from '../../state/manifest.ts'
import { handClock } from './hand-clock.ts'

/** A process of which the test says who else is alive. */
export function fakeProcess(
  pid: number,
  isAlive: (other: ProcessName) => boolean = () => false,
): ProcessInfo {
  return {
    pid,
    startTime: `start of ${pid}`,
    bootId: 'boot',
    isAlive: async (other) => isAlive(other),
  }
}

export function logOptions(
  files: FileSystem,
  over: Partial<EpochLogOptions> = {},
): EpochLogOptions {
  return {
    files,
    root: 'checkpoint',
    clock: handClock(),
    random: sharedRandom,
    processInfo: fakeProcess(1),
    queryId: 'query',
    lockLeaseMs: 10_000,
    ...over,
  }
}

const sharedRandom: Random = seededRandom(7)

export function manifest(number: number, over: Partial<Manifest> = {}): Manifest {
  return {
    format: checkpointFormat,
    epoch: epoch(number),
    snapshotId: `snapshot ${number}`,
    parentSnapshotId: number < 0 ? undefined : `snapshot ${number - 1}`,
    positions: {},
    time: null,
    evictWatermark: 0,
    state: {},
    committables: { sink: `files of ${number}` },
    plan: null,
    ...over,
  }
}

export const decision = (number: number): LogEntry => ({
  type: 'decision',
  epoch: epoch(number),
  header: { of: number },
})
export const published = (number: number): LogEntry => ({
  type: 'manifest',
  manifest: manifest(number),
})
export const committed = (number: number): LogEntry => ({
  type: 'committed',
  epoch: epoch(number),
  snapshotId: `snapshot ${number}`,
})
export const taken = (number: number): LogEntry => ({
  type: 'void',
  epoch: epoch(number),
  snapshotId: `snapshot ${number}`,
})
