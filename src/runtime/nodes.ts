import type { WatermarkNode } from '../../actors/job.ts'
import { sourcesBelow } from '../physical/operator-place.ts'
import type { PhysicalPlan } from '../physical/physical.ts'
import { watermarkNodes } from './instantiate.ts'

/** Every watermark node of a plan with the sources its rows come from. */
export function watermarkNodesOf(plan: PhysicalPlan): readonly WatermarkNode[] {
  const nodes = new Map<string, Set<string>>()
  for (const stage of plan.stages) {
    for (const name of watermarkNodes(stage)) {
      const sources = nodes.get(name) ?? new Set<string>()
      for (const source of sourcesBelow(plan, stage.id)) sources.add(source)
      nodes.set(name, sources)
    }
  }
  return [...nodes].map(([name, sources]) => ({ name, sources: [...sources].sort() }))
}
