/** A figure and what it has to reach. */
export interface Bounded {
  readonly value: number
  readonly bound: number
  readonly direction: 'at least' | 'at most'
  readonly unit?: string
  /** The share by which a figure of speed may be wrong; memory does not go by the speed of the machine. */
  readonly margin: number
}

/**
 * `met`, `MISSED`, or `VOID` when there is no figure, or when the machine did not keep its speed and the figure is
 * nearer to its bound than that may have moved it.
 */
export function gateVerdict({ value, bound, direction, unit, margin: share }: Bounded): string {
  if (Number.isNaN(value)) return 'VOID'
  const margin = unit === 'bytes' ? 0 : share
  const isBeyond = (limit: number): boolean =>
    direction === 'at least' ? value >= limit : value <= limit
  const slack = direction === 'at least' ? bound * margin : -bound * margin
  if (isBeyond(bound + slack)) return 'met'
  return margin > 0 && isBeyond(bound - slack) ? 'VOID' : 'MISSED'
}

/** Missed, or without a figure that counts. */
export function isNotMet(gate: Bounded): boolean {
  return gateVerdict(gate) !== 'met'
}

/**
 * The gates that were not met, and not when they were measured again. Only speed goes by what else the machine does: a
 * bound of memory that was missed once is missed.
 */
export function missedTwice<Gate extends Bounded & { readonly name: string }>(
  first: readonly Gate[],
  again: readonly Gate[],
): readonly Gate[] {
  const met = new Set(again.filter((gate) => !isNotMet(gate)).map(({ name }) => name))
  return first.filter((gate) => isNotMet(gate) && (gate.unit === 'bytes' || !met.has(gate.name)))
}
