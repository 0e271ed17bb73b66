import type { WriteSpec } from '../dataframe/launch.ts'
import { buildPhysical } from '../physical/build.ts'
import type { LogicalPlan } from '../plan/logical.ts'
import { readAfterOf } from '../plan/read-after.ts'
import { checkStateBounds } from '../plan/state-bounds.ts'
import type { PlannedQuery } from '../runtime/checked-plan.ts'
import { checkReadAfter } from './check-read-after.ts'
import type { Engine } from './engine.ts'
import { badRowsOf } from './query-sinks.ts'
import { checkSideOutputs, sidePath } from './side-rows.ts'

/**
 * What a query is made of before it has sources and sinks; refuses what cannot run at all.
 * @throws StreamError `STATE_UNBOUNDED`, `STREAMING_UNSUPPORTED`, `CONFIG_INVALID`, `DEAD_LETTERS_NOWHERE`
 */
export function plannedQuery(
  { config, registry }: Engine,
  plan: LogicalPlan,
  spec: WriteSpec,
  checkpoint: string,
): PlannedQuery {
  if (!config.allowUnbounded && spec.options['allowunbounded']?.toLowerCase() !== 'true') {
    checkStateBounds(plan)
  }
  const physical = {
    ...buildPhysical(plan, {
      mode: spec.outputMode,
      lateRows: true,
      deadLetters: sidePath(spec, 'deadLetters') !== undefined,
      badRows: badRowsOf(spec),
    }),
    readAfter: readAfterOf(plan),
  }
  checkReadAfter(physical, spec.trigger, registry)
  checkSideOutputs(physical, spec)
  const dispensable = spec.options['allowstateloss']?.split(',') ?? []
  return {
    checkpoint,
    plan: physical,
    lanes: config.lanes,
    shards: config.shards,
    watermarkPolicy: config.watermarkPolicy,
    dispensable: new Set(dispensable.map((name) => name.trim())),
  }
}
