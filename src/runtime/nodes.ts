import type { WatermarkNode } from '../../actors/job.ts'
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

function sourcesBelow(plan: PhysicalPlan, id: number): readonly string[] {
  const stage = plan.stages[id]
  if (stage === undefined) return []
  if (stage.source !== undefined) return [stage.source.source]
  return stage.inputs.flatMap(({ from }) => sourcesBelow(plan, from))
}
