import type { Manifest } from '../../state/manifest.ts'
import { StreamError } from '../core/error.ts'
import { fingerprintOf, type PlanFingerprint, readFingerprint } from '../physical/compatibility.ts'
import type { PhysicalPlan } from '../physical/physical.ts'
import {
  type Change,
  continued,
  type Dispensable,
  lostIn,
  planChanges,
  refusalIn,
} from '../physical/plan-changes.ts'

/** What of a query decides whether it can go on from a checkpoint. */
export interface PlannedQuery {
  readonly checkpoint: string
  readonly plan: PhysicalPlan
  readonly lanes: number
  readonly shards: number
  readonly watermarkPolicy: 'min' | 'max'
  /** Operators whose state may be given up where it cannot be kept. */
  readonly dispensable: Dispensable
}

/** Two plans, and what becomes of everything in the checkpoint of the first. */
export interface ComparedPlan {
  /** Absent without a checkpoint. */
  readonly before: PlanFingerprint | undefined
  readonly now: PlanFingerprint
  readonly changes: readonly Change[]
}

/**
 * Settings fixed at the first start come from the checkpoint; a changed plan is refused.
 * @throws StreamError `CHECKPOINT_OTHER_QUERY`
 */
export function checkedPlan(
  spec: PlannedQuery,
  manifest: Manifest | undefined,
): { readonly fingerprint: PlanFingerprint; readonly lost: ReadonlySet<string> } {
  const { before, now, changes } = comparedPlan(spec, manifest)
  if (before === undefined) return { fingerprint: now, lost: new Set() }
  const difference = refusalIn(changes)
  if (difference !== undefined) {
    throw new StreamError('CHECKPOINT_OTHER_QUERY', { path: spec.checkpoint, difference })
  }
  const lost = lostIn(changes)
  return { fingerprint: continued(before, now, lost), lost }
}

/** A plan beside the one that wrote a checkpoint; where there is one it decides what is fixed. */
export function comparedPlan(spec: PlannedQuery, manifest: Manifest | undefined): ComparedPlan {
  const before = manifest === undefined ? undefined : readFingerprint(manifest.plan)
  const now = fingerprintOf(spec.plan, {
    shards: before?.shards ?? spec.shards,
    watermarkPolicy: before?.watermarkPolicy ?? spec.watermarkPolicy,
    lanes: spec.lanes,
  })
  const { dispensable } = spec
  const positions = new Set(Object.keys(manifest?.positions ?? {}))
  const changes = before === undefined ? [] : planChanges(before, now, { dispensable, positions })
  return { before, now, changes }
}

/** A checkpoint without the state that is given up. */
export function without(manifest: Manifest, lost: ReadonlySet<string>): Manifest {
  if (lost.size === 0) return manifest
  const kept = Object.entries(manifest.state).filter(([operator]) => !lost.has(operator))
  return { ...manifest, state: Object.fromEntries(kept) }
}
