import { StreamError, unreachable } from '../src/core/error.ts'
import type { Deployment, JobEvent, JobFailure, JobHandle, JobSpec } from './job.ts'
import { afterCommit, decideRestart, noRestarts, type RestartState } from './restart-policy.ts'
import { type Attempt, runTasks } from './run-tasks.ts'
import type { AttemptEnd } from './running.ts'

/** What a job remembers over its attempts. */
interface Life {
  readonly spec: JobSpec
  restarts: RestartState
  attempt: Attempt | undefined
  /** Someone wants it to end. */
  ending: 'no' | 'stop' | 'force'
  wakes: number
  /** Ends the wait before a restart. */
  hurry: () => void
}

/**
 * Runs a job until it ends: deploys, and after a failure stops every actor, waits, and deploys
 * again, as long as the restart policy allows. The first deployment is tried again only where the settings say so.
 */
export function runJob(spec: JobSpec): JobHandle {
  const life: Life = {
    spec,
    restarts: noRestarts,
    attempt: undefined,
    ending: 'no',
    wakes: 0,
    hurry: () => {},
  }
  const done = live(life)
  // Whoever holds the handle sees the error; this only keeps it from being "unhandled" until then.
  done.then(undefined, () => undefined)
  const force = () => {
    life.ending = 'force'
    life.attempt?.force()
    life.hurry()
    return done
  }
  return {
    done,
    force,
    async stop(timeoutMs) {
      if (life.ending === 'no') life.ending = 'stop'
      life.attempt?.stop()
      life.hurry()
      const cancel = spec.clock.after(
        timeoutMs,
        () => void force().then(undefined, () => undefined),
      )
      try {
        await done
      } finally {
        cancel()
      }
    },
    wake() {
      life.wakes += 1
      life.attempt?.wake(life.wakes)
      return life.wakes
    },
  }
}

async function live(life: Life): Promise<void> {
  const { spec } = life
  for (let number = 1; life.ending === 'no' || number === 1; number++) {
    const deployed = await deploy(spec, number)
    if (deployed.type === 'failed' && number === 1 && !spec.restart.retryFirst) {
      throw deployed.failure.cause
    }
    const end =
      deployed.type === 'failed' ? deployed : await attempt(life, number, deployed.deployment)
    switch (end.type) {
      case 'finished':
      case 'forced':
        return
      case 'stuck':
        throw end.error
      case 'failed':
        await beforeRestart(life, end.failure)
        break
      default:
        return unreachable(end)
    }
  }
}

type Deployed =
  | { readonly type: 'deployed'; readonly deployment: Deployment }
  | { readonly type: 'failed'; readonly failure: JobFailure }

async function deploy(spec: JobSpec, number: number): Promise<Deployed> {
  try {
    return { type: 'deployed', deployment: await spec.deploy(number) }
  } catch (cause) {
    return { type: 'failed', failure: { cause } }
  }
}

async function attempt(life: Life, number: number, deployment: Deployment): Promise<AttemptEnd> {
  const { name, clock, system, stopTimeoutMs, listener } = life.spec
  const watch = (event: JobEvent) => {
    if (event.type === 'committed') {
      life.restarts = afterCommit(life.restarts, event.progress.epoch)
    }
    listener(event)
  }
  watch({ type: 'started', attempt: number, recovered: deployment.recovered })
  const running = runTasks(deployment, { name, clock, system, stopTimeoutMs, listener: watch })
  life.attempt = running
  if (life.wakes > 0) running.wake(life.wakes)
  if (life.ending === 'stop') running.stop()
  if (life.ending === 'force') running.force()
  const end = await running.ended
  life.attempt = undefined
  return end
}

/** Waits as the policy says, or throws what ends the job. */
async function beforeRestart(life: Life, failure: JobFailure): Promise<void> {
  const { spec } = life
  const decision = decideRestart(spec.restart, life.restarts, failure, spec.random.next())
  if (decision.type === 'giveUp') throw asError(decision.cause)
  // A failure during a stop ends the job all the same: what is decided runs again at the next start.
  if (life.ending === 'stop') throw asError(failure.cause)
  if (life.ending === 'force') return
  life.restarts = decision.state
  const { delayMs } = decision
  spec.listener({ type: 'restarting', failure, delayMs })
  await new Promise<void>((resolve) => {
    const cancel = spec.clock.after(delayMs, resolve)
    life.hurry = () => {
      cancel()
      resolve()
    }
  })
  life.hurry = () => {}
}

function asError(cause: unknown): Error {
  if (cause instanceof Error) return cause
  return new StreamError('INTERNAL', { what: `thrown: ${String(cause)}` }, { cause })
}
