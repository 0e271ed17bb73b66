import { createSimulatedClock } from '../../properties/simulated-clock.ts'
import { virtualFileSystem } from '../../properties/virtual-file-system.ts'
import type { Schema } from '../../src/batch/schema.ts'
import type { SinkContext, SourceContext } from '../../src/connectors/registry.ts'
import { seededRandom } from '../../src/core/random.ts'
import { type Epoch, initialEpoch, type Micros } from '../../src/core/units.ts'
import type { SinkStart } from '../../src/flow/connector.ts'

export const noTime = 0 as Micros

/** A source's world in memory; what a test cares about is put on top. */
export function sourceContext(schema: Schema, part: Partial<SourceContext> = {}): SourceContext {
  return {
    options: new Map(),
    schema,
    columns: undefined,
    name: 'source',
    files: virtualFileSystem(),
    clock: createSimulatedClock(),
    random: seededRandom(1),
    folder: undefined,
    ...part,
  }
}

export function sinkContext(schema: Schema, part: Partial<SinkContext> = {}): SinkContext {
  return {
    options: new Map(),
    schema,
    partitionBy: [],
    mode: 'append',
    files: virtualFileSystem(),
    clock: createSimulatedClock(),
    random: seededRandom(1),
    print: () => undefined,
    queryName: 'query',
    ...part,
  }
}

/** The first start of a query, or a later one. */
export function sinkStart(part: Partial<SinkStart> = {}): SinkStart {
  const { token = 1, lastCommitted } = part
  const epoch = lastCommitted?.epoch ?? initialEpoch
  const snapshotIdOf = (of: number) => `${token}.${of}`
  return {
    queryId: 'q',
    runId: 'r',
    token,
    openEpochsMax: 3,
    snapshotIdOf,
    lastCommitted: undefined,
    standsOn: { epoch, snapshotId: snapshotIdOf(epoch) },
    ...part,
  }
}

export function epochOf(number: number): Epoch {
  return number as Epoch
}
