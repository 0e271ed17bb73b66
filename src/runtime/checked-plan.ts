import type { Manifest } from '../../state/manifest.ts'
import type { RecoveryPlan } from '../../state/recovery.ts'
import { StreamError } from '../core/error.ts'
import type { Sink } from '../flow/connector.ts'
import type { EpochHeader } from '../flow/message.ts'
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
import { lostCommits } from './open-sinks.ts'

/** Sinks by their names in the manifest, as far as they say what they are. */
export type NamedSinks = ReadonlyMap<string, Pick<Sink, 'description'>>

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
  found: RecoveryPlan,
  sinks: NamedSinks,
): { readonly fingerprint: PlanFingerprint; readonly lost: ReadonlySet<string> } {
  const { before, now, changes } = comparedPlan(spec, found, sinks)
  if (before === undefined) return { fingerprint: now, lost: new Set() }
  const difference = refusalIn(changes)
  if (difference !== undefined) {
    throw new StreamError('CHECKPOINT_OTHER_QUERY', { path: spec.checkpoint, difference })
  }
  const lost = lostIn(changes)
  return { fingerprint: continued(before, now, lost), lost }
}

/**
 * A plan and its sinks beside a checkpoint; where there is one it decides what is fixed. Without sinks
 * nothing is said of them.
 */
export function comparedPlan(
  spec: PlannedQuery,
  found: RecoveryPlan,
  sinks: NamedSinks | undefined,
): ComparedPlan {
  const { manifest, runAgain } = found
  const before = manifest === undefined ? undefined : readFingerprint(manifest.plan)
  const now = fingerprintOf(spec.plan, {
    shards: before?.shards ?? spec.shards,
    watermarkPolicy: before?.watermarkPolicy ?? spec.watermarkPolicy,
    lanes: spec.lanes,
  })
  if (before === undefined) return { before, now, changes: [] }
  const { dispensable } = spec
  const positions = new Set(Object.keys(manifest?.positions ?? {}))
  const ofPlan = planChanges(before, now, { dispensable, positions })
  const isRefused = (name: string): boolean =>
    ofPlan.some((change) => change.name === name && change.verdict === 'refused')
  const missing = missingSources(runAgain, now).filter(({ name }) => !isRefused(name))
  const others = ofPlan.filter(({ name }) => !missing.some((source) => source.name === name))
  const ofSinks = sinks === undefined ? [] : lostCommits(found, sinks)
  return { before, now, changes: [...others, ...missing, ...ofSinks] }
}

/** A source may go when no epoch that runs again has rows of it. */
function missingSources(
  decided: RecoveryPlan['runAgain'],
  { sources }: PlanFingerprint,
): readonly Change[] {
  const missing = new Map<string, Change>()
  for (const { epoch, header } of decided) {
    const { ranges = {} } = header as unknown as EpochHeader
    for (const name of Object.keys(ranges)) {
      if (sources.includes(name) || missing.has(name)) continue
      const what = `source ${name} is gone, and epoch ${epoch}, which was decided and has to run again, has rows of it: start the query with it once more`
      missing.set(name, { kind: 'source', name, verdict: 'refused', what })
    }
  }
  return [...missing.values()]
}

/** A checkpoint without the state that is given up. */
export function without(manifest: Manifest, lost: ReadonlySet<string>): Manifest {
  if (lost.size === 0) return manifest
  const kept = Object.entries(manifest.state).filter(([operator]) => !lost.has(operator))
  return { ...manifest, state: Object.fromEntries(kept) }
}
