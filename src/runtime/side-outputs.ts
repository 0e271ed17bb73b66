import { unreachable } from '../core/error.ts'
import type { Sink } from '../flow/connector.ts'
import { deadSide } from '../flow/dead-letters.ts'
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

/** Those that some stage of a plan has, or the sink of its result. */
export function sideOutputsOf(
  { stages }: PhysicalPlan,
  sink?: Pick<Sink, 'badRows'>,
): readonly SideOutput[] {
  return sideOutputs.filter(
    ({ side }) =>
      stages.some((stage) => hasSide(stage, side)) ||
      (side === deadSide && sink?.badRows === 'deadLetter'),
  )
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
