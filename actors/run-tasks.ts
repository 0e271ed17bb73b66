import { StreamError } from '../src/core/error.ts'
import type { Epoch } from '../src/core/units.ts'
import { firstAbortable } from './checkpoint-protocol.ts'
import type { Coordination } from './coordination.ts'
import { arrived } from './coordinator-planning.ts'
import type { Deployment } from './job.ts'
import type { AttemptEnd, AttemptOptions, Running } from './running.ts'
import { spawnTasks } from './spawn-tasks.ts'

/** One deployment while it runs. */
export interface Attempt {
  readonly ended: Promise<AttemptEnd>
  /** Finishes what is under way, then ends. */
  stop(): void
  /** Ends now. */
  force(): void
  /** Looks for rows now; the number is passed on with the next `idle`. */
  wake(wakes: number): void
}

/** Runs one deployment to its end: spawns its actors, begins, and afterwards closes everything. */
export function runTasks(deployment: Deployment, options: AttemptOptions): Attempt {
  let settle: (how: AttemptEnd) => void = () => {}
  const first = new Promise<AttemptEnd>((resolve) => {
    settle = resolve
  })
  const system = options.system((failure) => {
    const cause =
      failure.type === 'crashed'
        ? failure.cause
        : new StreamError('INTERNAL', { what: `a message to ${failure.actor} was not delivered` })
    running.end({ type: 'failed', failure: { cause, actor: failure.actor } })
  })
  const running: Running = {
    options,
    deployment,
    system,
    onClose: [],
    busy: new Map(),
    isClosed: false,
    end(how) {
      if (running.isClosed) return
      running.isClosed = true
      settle(how)
    },
  }
  const know = spawnTasks(running)
  know.links.self.send({ type: 'look' })
  return {
    ended: first.then((how) => tearDown(running, know, how)),
    stop: () => know.links.self.send({ type: 'stop' }),
    force: () => running.end({ type: 'forced' }),
    wake(wakes) {
      know.wakes = wakes
      know.hasArrived = false
      arrived(know)
    },
  }
}

async function tearDown(
  running: Running,
  know: Coordination,
  how: AttemptEnd,
): Promise<AttemptEnd> {
  const { options, deployment, system, busy } = running
  for (const call of running.onClose) call()
  deployment.ending?.()
  for (const cancel of know.timers.values()) cancel()
  const stuck = await inTime(system.stop(), options)
  if (stuck) {
    const actors = [...busy.keys()].join(', ') || 'an actor'
    const details = { name: options.name, waitedMs: options.stopTimeoutMs, stuck: actors }
    const because = how.type === 'failed' ? { cause: how.failure.cause } : {}
    return { type: 'stuck', error: new StreamError('STOP_TIMEOUT', details, because) }
  }
  const isFenced =
    how.type === 'failed' &&
    how.failure.cause instanceof StreamError &&
    how.failure.cause.code === 'FENCED'
  // A newer attempt owns what a fenced one has left, and knows better what stands.
  if (how.type !== 'finished' && !isFenced) {
    await abortSinks(running, know.refused ?? firstAbortable(know.protocol))
  }
  try {
    await deployment.close()
  } catch (cause) {
    options.listener({ type: 'warning', what: 'closing an attempt', cause })
  }
  return how
}

/** Whether the promise took longer than the stop timeout. */
async function inTime(stopped: Promise<void>, options: AttemptOptions): Promise<boolean> {
  const { clock, stopTimeoutMs } = options
  let cancel = () => {}
  const late = new Promise<boolean>((resolve) => {
    cancel = clock.after(stopTimeoutMs, () => resolve(true))
  })
  const isStuck = await Promise.race([stopped.then(() => false), late])
  cancel()
  return isStuck
}

/** Best effort: whatever stays is removed when the sinks are opened again. */
async function abortSinks({ deployment, options }: Running, from: Epoch): Promise<void> {
  for (const task of deployment.tasks) {
    if (task.type !== 'sink') continue
    try {
      await task.sink.abort(from)
    } catch (cause) {
      options.listener({ type: 'warning', what: `abort of sink ${task.sinkName}`, cause })
    }
  }
}
