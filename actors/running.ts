import type { Clock } from '../src/core/clock.ts'
import type { StreamError } from '../src/core/error.ts'
import type { Epoch } from '../src/core/units.ts'
import type { Deployment, JobEvent, JobFailure } from './job.ts'
import type { ActorFailure, ActorSystem, Behaviour } from './system.ts'

/** How an attempt ended, after everything of it has stopped and was closed. */
export type AttemptEnd =
  | { readonly type: 'finished' }
  | { readonly type: 'forced' }
  | { readonly type: 'failed'; readonly failure: JobFailure }
  /** A handler did not return: this process must not start another attempt. */
  | { readonly type: 'stuck'; readonly error: StreamError<'STOP_TIMEOUT'> }

/** What an attempt needs besides its deployment. */
export interface AttemptOptions {
  readonly name: string
  readonly clock: Clock
  readonly system: (report: (failure: ActorFailure) => void) => ActorSystem
  readonly stopTimeoutMs: number
  readonly listener: (event: JobEvent) => void
}

/** What the parts of an attempt share while it runs. */
export interface Running {
  readonly options: AttemptOptions
  readonly deployment: Deployment
  readonly system: ActorSystem
  readonly onClose: (() => void)[]
  /** Actors whose handler is running now. */
  readonly busy: Map<string, number>
  isClosed: boolean
  end(how: AttemptEnd): void
}

/** Reports what a handler throws with the epoch it belongs to, and knows which handlers still run. */
export function guard<Message>(
  running: Running,
  actor: string,
  current: () => Epoch | undefined,
  behaviour: Behaviour<Message>,
): Behaviour<Message> {
  const { busy } = running
  return async (message) => {
    busy.set(actor, (busy.get(actor) ?? 0) + 1)
    try {
      await behaviour(message)
    } catch (cause) {
      fail(running, actor, epochOf(message) ?? current(), cause)
      throw cause
    } finally {
      busy.delete(actor)
    }
  }
}

/** Ends the attempt with this failure, unless it is ending already. */
export function fail(
  running: Running,
  actor: string,
  epoch: Epoch | undefined,
  cause: unknown,
): void {
  const failure: JobFailure = { cause, actor, ...(epoch === undefined ? {} : { epoch }) }
  running.end({ type: 'failed', failure })
}

function epochOf(message: unknown): Epoch | undefined {
  if (typeof message !== 'object' || message === null || !('epoch' in message)) return undefined
  const { epoch } = message
  return typeof epoch === 'number' ? (epoch as Epoch) : undefined
}
