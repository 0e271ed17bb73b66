import type { Batch } from '../batch/batch.ts'
import type { RegistryWorld } from '../codecs/registry/exchange.ts'
import type { Epoch, Micros } from '../core/units.ts'
import type { EpochHeader } from '../flow/message.ts'
import type { Operator, Output } from '../flow/operator.ts'
import type { StateContext } from '../operators/context.ts'
import type { PhysicalPlan, Stage, Step } from '../physical/physical.ts'
import type { Scan } from '../plan/logical.ts'
import { instantiateStage } from './instantiate.ts'
import { Opened } from './opened.ts'
import { type StaticSides, staticSides } from './static-sides.ts'
import { volatileState } from './volatile-state.ts'

/** Reads all rows that a scan has now. */
export type ReadAll = (scan: Scan) => AsyncIterable<Batch>

/** The sides of joins that do not stream, each a batch run of its own. */
export function staticsOf(readAll: ReadAll, world: RegistryWorld): StaticSides {
  return staticSides((plan, time, emit) => runBatch(plan, { readAll, world }, time, emit))
}

function stateFor(name: string): StateContext {
  return {
    state: volatileState(name, 1),
    shardOf: () => 0,
    restoredWatermark: Number.MIN_SAFE_INTEGER,
  }
}

interface RunningStage {
  readonly stage: Stage
  readonly operator: Operator
  readonly output: Output
}

/**
 * Runs a physical plan over bounded input, once, in one go: one epoch, whose end is the end of the
 * input. The same operators as in a stream, so that a batch query is the oracle of its stream.
 */
export async function runBatch(
  plan: PhysicalPlan,
  { readAll, world }: { readonly readAll: ReadAll; readonly world: RegistryWorld },
  processingTime: Micros,
  emit: (batch: Batch) => Promise<void> | undefined,
): Promise<void> {
  const header: EpochHeader = {
    epoch: 0 as Epoch,
    lateWatermark: Number.MIN_SAFE_INTEGER as Micros,
    evictWatermark: Number.MAX_SAFE_INTEGER as Micros,
    processingTime,
    idle: [],
    flush: true,
  }
  const opened = new Opened()
  const statics = staticsOf(readAll, world)
  const context = { stateFor, statics, isSettled: true, world, opened }
  const running: RunningStage[] = []
  try {
    for (const stage of plan.stages) {
      const operator = await instantiateStage(inOrder(stage), context)
      operator.open(header)
      running.push({ stage, operator, output: outputOf(plan, stage, running, emit) })
    }
    for (const { stage, operator, output } of running) {
      if (stage.source !== undefined) {
        for await (const batch of readAll(stage.source)) {
          const wait = operator.process(0, batch, output)
          if (wait !== undefined) await wait
        }
      }
      // Stages stand in order of flow: everything this one will get has been emitted.
      await operator.closeEpoch(header, output)
    }
  } finally {
    await opened.close()
  }
}

/** No rows carry a place here, so calls give them out as they came in. */
function inOrder(stage: Stage): Stage {
  const steps = stage.steps.map((step): Step => {
    if (step.kind !== 'mapAsync') return step
    const limits = { ...step.spec.limits, ordered: true }
    return { ...step, spec: { ...step.spec, limits } }
  })
  return { ...stage, steps }
}

function outputOf(
  plan: PhysicalPlan,
  stage: Stage,
  running: readonly RunningStage[],
  emit: (batch: Batch) => Promise<void> | undefined,
): Output {
  const targets = plan.stages.flatMap((target) =>
    target.inputs.flatMap(({ from, side }, input) =>
      from === stage.id && side === undefined ? [{ id: target.id, input }] : [],
    ),
  )
  const deliver = async (batch: Batch): Promise<void> => {
    if (stage.id === plan.result) await emit(batch)
    for (const { id, input } of targets) {
      const target = running.find((other) => other.stage.id === id)
      if (target !== undefined) await target.operator.process(input, batch, target.output)
    }
  }
  return { emit: deliver, emitSide: () => undefined }
}
