/** A figure and what it has to reach. */
export interface Bounded {
  readonly value: number
  readonly bound: number
  readonly direction: 'at least' | 'at most'
  /** The share by which the figure may be wrong. */
  readonly margin: number
}

/**
 * `met`, `MISSED`, or `VOID` when the machine did not keep its speed and the figure is nearer to its bound than
 * that may have moved it.
 */
export function gateVerdict({ value, bound, direction, margin }: Bounded): string {
  const isBeyond = (limit: number): boolean =>
    direction === 'at least' ? value >= limit : value <= limit
  const slack = direction === 'at least' ? bound * margin : -bound * margin
  if (isBeyond(bound + slack)) return 'met'
  return margin > 0 && isBeyond(bound - slack) ? 'VOID' : 'MISSED'
}
