import type { Micros } from '../core/units.ts'
import type { EpochHeader } from '../flow/message.ts'
import type { StaticJoinSpec, StaticRowsAt } from '../operators/join/static-join.ts'
import { StaticRows } from '../operators/join/static-rows.ts'
import type { PhysicalPlan } from '../physical/physical.ts'

/** Runs a plan over rows that end, batch by batch. */
export type RunToEnd = (
  plan: PhysicalPlan,
  processingTime: Micros,
  emit: (batch: Parameters<StaticRows['add']>[0]) => Promise<void> | undefined,
) => Promise<void>

/** Finds the rows of the sides of joins that do not stream; all lanes of an attempt share them. */
export type StaticSides = (spec: StaticJoinSpec, other: PhysicalPlan) => StaticRowsAt

interface Read {
  readonly rows: Promise<StaticRows>
  readonly epoch: number
  readonly time: number
}

/** Each side is read once for all lanes: in every epoch, or when it is older than its refresh time. */
export function staticSides(run: RunToEnd): StaticSides {
  const reads = new Map<PhysicalPlan, Read>()

  const read = async (
    spec: StaticJoinSpec,
    other: PhysicalPlan,
    time: Micros,
  ): Promise<StaticRows> => {
    const rows = new StaticRows(spec.other)
    await run(other, time, (batch) => {
      rows.add(batch)
      return undefined
    })
    return rows
  }

  return (spec, other) => (header) => {
    const known = reads.get(other)
    if (known !== undefined && isFresh(known, header, spec.refresh)) return known.rows
    const rows = read(spec, other, header.processingTime)
    const made = { rows, epoch: header.epoch, time: header.processingTime }
    reads.set(other, made)
    // A failed read is no read: the next attempt asks again.
    rows.catch(() => {
      if (reads.get(other) === made) reads.delete(other)
    })
    return rows
  }
}

function isFresh(
  { epoch, time }: Read,
  header: EpochHeader,
  refresh: StaticJoinSpec['refresh'],
): boolean {
  if (refresh === 'never') return true
  // A lane that is one epoch behind may use what another has read since.
  return refresh === 'epoch' ? epoch >= header.epoch : header.processingTime < time + refresh
}
