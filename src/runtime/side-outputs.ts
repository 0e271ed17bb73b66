import { unreachable } from '../core/error.ts'
import { deadSide } from '../operators/bad-rows.ts'
import { lateSide } from '../operators/late-rows.ts'
import { hasDeadLetters } from '../physical/bad-rows.ts'
import type { PhysicalPlan, Stage } from '../physical/physical.ts'

/** Rows that operators set aside, and the sink that they go to. */
export interface SideOutput {
  /** The name that operators give out such rows under. */
  readonly side: typeof lateSide | typeof deadSide
  /** The name of the sink in a manifest's committables. */
  readonly name: 'lateRows' | 'deadLetters'
}

/** All there are. */
export const sideOutputs: readonly SideOutput[] = [
  { side: lateSide, name: 'lateRows' },
  { side: deadSide, name: 'deadLetters' },
]

/** Those that some stage of a plan has. */
export function sideOutputsOf({ stages }: PhysicalPlan): readonly SideOutput[] {
  return sideOutputs.filter(({ side }) => stages.some((stage) => hasSide(stage, side)))
}

/** Whether an operator of the stage may set rows aside for this output. */
export function hasSide({ steps }: Stage, side: SideOutput['side']): boolean {
  switch (side) {
    case lateSide:
      return steps.some((step) => 'late' in step && step.late !== undefined)
    case deadSide:
      return steps.some(hasDeadLetters)
    default:
      return unreachable(side)
  }
}
