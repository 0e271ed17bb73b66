import { hasNoSecondPhase } from '../../actors/sink-actor.ts'
import type { LocalEpochLog } from '../../state/local-epoch-log.ts'
import type { Manifest } from '../../state/manifest.ts'
import { type Authoritative, planRecovery, type RecoveryPlan } from '../../state/recovery.ts'
import { StreamError } from '../core/error.ts'
import type { Sink, SinkAttempt } from '../flow/connector.ts'
import type { PhysicalPlan } from '../physical/physical.ts'
import type { Change } from '../physical/plan-changes.ts'
import type { Opened } from './opened.ts'
import { type SideOutput, sideOutputsOf } from './side-outputs.ts'
import { resultSink } from './tasks.ts'

/** How the sinks of a query are made. */
export interface SinkMakers {
  readonly plan: PhysicalPlan
  /** Makes the sink of the result, not yet opened. */
  readonly makeSink: () => Promise<Sink>
  /** Makes the sink of a side output, for plans that have it. */
  readonly makeSideSink: (output: SideOutput) => Promise<Sink>
}

/** The sinks of one attempt. */
export interface MadeSinks {
  readonly sink: Sink
  readonly sideSinks: ReadonlyMap<SideOutput, Sink>
  /** The same by their names in the manifest. */
  readonly byName: ReadonlyMap<string, Sink>
}

/** Makes the sinks and opens none; `opened` closes them, also those before one that cannot be made. */
export async function makeSinks(
  { plan, makeSink, makeSideSink }: SinkMakers,
  opened: Pick<Opened, 'add'>,
): Promise<MadeSinks> {
  const sink = opened.add(await makeSink())
  const sideSinks = new Map<SideOutput, Sink>()
  for (const output of sideOutputsOf(plan, sink)) {
    sideSinks.set(output, opened.add(await makeSideSink(output)))
  }
  const sides = [...sideSinks].map(([{ name }, side]) => [name, side] as const)
  return { sink, sideSinks, byName: new Map([[resultSink, sink], ...sides]) }
}

/** What a manifest says of the sinks. */
export function describeSinks({ byName }: MadeSinks): Pick<Manifest, 'sinks' | 'toCommit'> {
  const sinks = [...byName]
  return {
    sinks: Object.fromEntries(sinks.map(([name, { description }]) => [name, description])),
    toCommit: sinks
      .filter(([, sink]) => !hasNoSecondPhase(sink) && sink.keepsNothing !== true)
      .map(([name]) => name),
  }
}

/** The sinks of a checkpoint that may not have its last epoch yet, and would not get it from a query with these. */
export function lostCommits(
  { commitAgain, manifest }: RecoveryPlan,
  byName: ReadonlyMap<string, Pick<Sink, 'description'>>,
): readonly Change[] {
  if (commitAgain?.noteMissing !== true) return []
  const { epoch, committables } = commitAgain
  return Object.keys(committables).flatMap((name): Change[] => {
    if (manifest?.toCommit?.includes(name) === false) return []
    const now = byName.get(name)?.description
    const before = manifest?.sinks?.[name] ?? now ?? 'another'
    if (before === now) return []
    const which = name === resultSink ? 'the sink' : `the sink of ${name}`
    const what = `${which} was ${before} and is ${now ?? 'gone'}, and ${before} may not have epoch ${epoch} yet: start the query with it once more`
    return [{ kind: 'sink', name, verdict: 'refused', what }]
  })
}

/**
 * What has to be done after a restart, by the log and the word of the authoritative sink, if there is one: it
 * fences every older attempt, and says which checkpoint it committed last.
 * @throws StreamError `CHECKPOINT_CORRUPT`, `SINK_INVALID`
 */
export async function plannedRecovery(
  { entries }: Pick<LocalEpochLog, 'entries'>,
  { byName }: Pick<MadeSinks, 'byName'>,
  attempt: SinkAttempt,
): Promise<RecoveryPlan> {
  // A damaged log is refused before anybody outside hears of this attempt.
  const byLog = planRecovery(entries)
  const [found, second] = [...byName].filter(([, { kind }]) => kind === 'authoritative')
  if (found === undefined) return byLog
  const [name, sink] = found
  const { description } = sink
  if (second !== undefined)
    throw unfit(description, `${second[1].description} is authoritative too`)
  if (sink.fence === undefined) throw unfit(description, 'it is authoritative and has no fence')
  const word = (await sink.fence(attempt)) ?? 'none'
  // Another sink has the newest checkpoint: what this one has is older, or nothing.
  const isAnother = (byLog.manifest?.sinks?.[name] ?? description) !== description
  const standing: Authoritative = isAnother ? undefined : word
  const plan = standing === undefined ? byLog : planRecovery(entries, standing)
  return standing === undefined || word === 'none' ? confirmed(plan) : plan
}

/**
 * A plan whose checkpoint the sink will be told of. The log is asked once more before that: an attempt that has fenced
 * a newer one, as it was asleep before, would turn the word of the sink back.
 */
function confirmed(plan: RecoveryPlan): RecoveryPlan {
  if (plan.manifest === undefined) return plan
  const { epoch, snapshotId } = plan.manifest
  return { ...plan, voids: { type: 'void', epoch, snapshotId } }
}

function unfit(sink: string, why: string): StreamError<'SINK_INVALID'> {
  return new StreamError('SINK_INVALID', { sink, why })
}

/**
 * Opens the sinks, which first finish what the checkpoint says is committed; then notes that they have.
 * A sink that takes the place of another one begins behind what the other one has.
 */
export async function openSinks(
  { byName }: MadeSinks,
  attempt: SinkAttempt,
  {
    log,
    found,
    base,
  }: { readonly log: LocalEpochLog; readonly found: RecoveryPlan; readonly base: Manifest },
): Promise<void> {
  const { commitAgain, manifest } = found
  const standsOn = { epoch: base.epoch, snapshotId: base.snapshotId }
  for (const [name, sink] of byName) {
    const committable = commitAgain?.committables[name]
    const isSame = (manifest?.sinks?.[name] ?? sink.description) === sink.description
    const lastCommitted =
      commitAgain === undefined || committable === undefined || !isSame
        ? undefined
        : { epoch: commitAgain.epoch, committable }
    await sink.open({ ...attempt, lastCommitted, standsOn })
  }
  if (commitAgain?.noteMissing !== true) return
  const { epoch, snapshotId } = commitAgain
  await log.append({ type: 'committed', epoch, snapshotId })
}
