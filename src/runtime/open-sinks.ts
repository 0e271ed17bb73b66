import type { LocalEpochLog } from '../../state/local-epoch-log.ts'
import type { RecoveryPlan } from '../../state/recovery.ts'
import { StreamError } from '../core/error.ts'
import type { Sink, SinkStart } from '../flow/connector.ts'
import type { PhysicalPlan } from '../physical/physical.ts'
import { type SideOutput, sideOutputsOf } from './side-outputs.ts'
import { resultSink } from './tasks.ts'

/** The sinks of a query before they are made. */
export interface SinkMakers {
  readonly plan: PhysicalPlan
  readonly runId: string
  readonly checkpoint: string
  readonly makeSink: () => Promise<Sink>
  readonly makeSideSink: (output: SideOutput) => Promise<Sink>
}

/** The sinks of one attempt, open. */
export interface OpenSinks {
  readonly sink: Sink
  readonly sideSinks: ReadonlyMap<SideOutput, Sink>
  /** What each of them is, by its name in the manifest. */
  readonly descriptions: Readonly<Record<string, string>>
}

/**
 * Opens the sinks, which first finish what the checkpoint says is committed; then notes that they have.
 * A sink that takes the place of another one begins behind what the other one has.
 * @throws StreamError `CHECKPOINT_OTHER_QUERY` if the other one may not have its last epoch yet
 */
export async function openSinks(
  spec: SinkMakers,
  opened: { add<T extends { close(): Promise<void> }>(part: T): T },
  { log, found }: { readonly log: LocalEpochLog; readonly found: RecoveryPlan },
): Promise<OpenSinks> {
  const descriptions: Record<string, string> = {}
  const open = async (name: string, made: Sink): Promise<Sink> => {
    const sink = opened.add(made)
    descriptions[name] = sink.description
    const lastCommitted = lastCommittedOf(spec, found, name, sink)
    await sink.open({ queryId: log.queryId, runId: spec.runId, token: log.token, lastCommitted })
    return sink
  }
  const sink = await open(resultSink, await spec.makeSink())
  const sideSinks = new Map<SideOutput, Sink>()
  for (const output of sideOutputsOf(spec.plan, sink)) {
    sideSinks.set(output, await open(output.name, await spec.makeSideSink(output)))
  }
  const again = found.commitAgain
  if (again?.noteMissing === true) {
    await log.append({ type: 'committed', epoch: again.epoch, snapshotId: again.snapshotId })
  }
  return { sink, sideSinks, descriptions }
}

function lastCommittedOf(
  { checkpoint }: SinkMakers,
  { commitAgain, manifest }: RecoveryPlan,
  name: string,
  { description }: Sink,
): SinkStart['lastCommitted'] {
  const committable = commitAgain?.committables[name]
  if (commitAgain === undefined || committable === undefined) return undefined
  const { epoch, noteMissing } = commitAgain
  const before = manifest?.sinks?.[name] ?? description
  if (before === description) return { epoch, committable }
  if (!noteMissing) return undefined
  const difference = `the sink was ${before} and is ${description}, and ${before} may not have epoch ${epoch} yet: start the query with it once more`
  throw new StreamError('CHECKPOINT_OTHER_QUERY', { path: checkpoint, difference })
}
