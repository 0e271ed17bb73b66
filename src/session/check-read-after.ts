import type { Registry } from '../connectors/registry.ts'
import { StreamError } from '../core/error.ts'
import type { TriggerSpec } from '../dataframe/trigger.ts'
import type { PhysicalPlan } from '../physical/physical.ts'
import { historiesOf } from '../plan/read-after.ts'

/**
 * Refuses a `followedBy` that cannot be kept: its histories need ends, and an epoch must not hold rows
 * of two parts.
 * @throws StreamError `STREAMING_UNSUPPORTED`
 */
export function checkReadAfter(
  { stages, readAfter = {} }: PhysicalPlan,
  trigger: TriggerSpec,
  registry: Registry,
): void {
  const histories = historiesOf(readAfter)
  if (histories.length === 0) return
  if (trigger.kind === 'continuous' || trigger.kind === 'once') {
    throw new StreamError('STREAMING_UNSUPPORTED', {
      what: `followedBy under the trigger ${trigger.kind}`,
      fix: 'Use availableNow, processingTime or no trigger: each part is read in epochs of its own.',
    })
  }
  for (const { source } of stages) {
    if (source === undefined || !histories.includes(source.source)) continue
    if (registry.source(source.format).noPast !== true) continue
    throw new StreamError('STREAMING_UNSUPPORTED', {
      what: `The ${source.format} source ${source.source} as the history of followedBy`,
      fix: 'Its rows begin when the query begins, so it has no history: put it behind followedBy, or read the past from files.',
    })
  }
}
