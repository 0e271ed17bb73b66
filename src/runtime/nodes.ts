import type { WatermarkNode } from '../../actors/job.ts'
import { sourcesBelow } from '../physical/operator-place.ts'
import type { PhysicalPlan } from '../physical/physical.ts'

/** Every watermark node of a plan with the sources its rows come from. */
export function watermarkNodesOf(plan: PhysicalPlan): readonly WatermarkNode[] {
  const nodes = new Map<string, { readonly sources: Set<string>; readonly idle?: number }>()
  for (const stage of plan.stages) {
    for (const step of stage.steps) {
      if (step.kind !== 'watermark') continue
      const { node, idleTimeoutMicros: idle } = step.spec
      const known = nodes.get(node) ?? {
        sources: new Set<string>(),
        ...(idle === undefined ? {} : { idle }),
      }
      for (const source of sourcesBelow(plan, stage.id)) known.sources.add(source)
      nodes.set(node, known)
    }
  }
  return [...nodes].map(([name, { sources, idle }]) => ({
    name,
    sources: [...sources].sort(),
    ...(idle === undefined ? {} : { idleTimeoutMicros: idle }),
  }))
}
