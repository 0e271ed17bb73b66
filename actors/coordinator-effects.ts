import type { Clock } from '../src/core/clock.ts'
import { unreachable } from '../src/core/error.ts'
import type { Epoch } from '../src/core/units.ts'
import type { EpochHeader, Position } from '../src/flow/message.ts'
import type {
  CoordinatorEffects,
  Deployment,
  EpochCheckpoint,
  JobEvent,
  SourceSpec,
} from './job.ts'
import type { Positions } from './planning.ts'
import type { Behaviour, Ref } from './system.ts'

/** Entries for the log, which it takes one at a time. */
export type LogMessage =
  | { readonly type: 'decide'; readonly header: EpochHeader }
  | { readonly type: 'publish'; readonly checkpoint: EpochCheckpoint }
  | { readonly type: 'note'; readonly epoch: Epoch; readonly snapshotId: string }

/** What has become durable. */
export type LogReply =
  | { readonly type: 'decided'; readonly epoch: Epoch }
  | { readonly type: 'published'; readonly epoch: Epoch; readonly snapshotId: string }
  | { readonly type: 'noted'; readonly epoch: Epoch }

/** Waits for the log so that the coordinator never has to; its mailbox keeps the entries in order. */
export function logBehaviour(
  effects: CoordinatorEffects,
  coordinator: Ref<LogReply>,
): Behaviour<LogMessage> {
  return async (message) => {
    switch (message.type) {
      case 'decide':
        await effects.decide(message.header)
        return coordinator.send({ type: 'decided', epoch: message.header.epoch })
      case 'publish': {
        const { epoch } = message.checkpoint
        const snapshotId = await effects.publish(message.checkpoint)
        return coordinator.send({ type: 'published', epoch, snapshotId })
      }
      case 'note':
        await effects.committed(message.epoch, message.snapshotId)
        return coordinator.send({ type: 'noted', epoch: message.epoch })
      default:
        return unreachable(message)
    }
  }
}

/** A question to sources. */
export interface AskMessage {
  /** Those that are asked. */
  readonly names: readonly string[]
  readonly from: Positions
  readonly ignoreLimits: boolean
  readonly ends: Positions
}

/** How far the sources could go. */
export interface LatestReply {
  readonly type: 'latest'
  readonly latest: Positions
  readonly tookMs: number
}

/** Asks the sources where they stand. */
export function askBehaviour(
  sources: readonly SourceSpec[],
  clock: Clock,
  coordinator: Ref<LatestReply>,
): Behaviour<AskMessage> {
  return async ({ names, from, ignoreLimits, ends }) => {
    const start = clock.monotonic()
    const asked = sources.filter(({ name }) => names.includes(name))
    const answers = asked.map(async ({ name, source, limit }) => {
      const position = from[name] ?? {}
      return [name, await source.latest(position, ignoreLimits ? {} : limit, ends[name])] as const
    })
    const latest: Record<string, Position> = {}
    for (const [name, position] of await Promise.all(answers)) latest[name] = position
    coordinator.send({ type: 'latest', latest, tookMs: clock.monotonic() - start })
  }
}

/** Positions that are committed for good; the last one sent counts. */
export interface CleanMessage {
  readonly positions: Positions
}

/** Lets the sources clean up. What fails here is tried again with the next epoch, and reported. */
export function cleanBehaviour(
  { sources, cleanUp = (_name, work) => work() }: Pick<Deployment, 'sources' | 'cleanUp'>,
  listener: (event: JobEvent) => void,
  done: () => void,
): Behaviour<CleanMessage> {
  return async ({ positions }) => {
    for (const { name, source } of sources) {
      const position = positions[name]
      if (position === undefined) continue
      try {
        await cleanUp(`source ${name}`, () => source.commit(position))
      } catch (cause) {
        listener({ type: 'warning', what: `clean-up of source ${name}`, cause })
      }
    }
    done()
  }
}
