import type { ActorFailure, ActorSystem, Behaviour, Ref } from '../actors/system.ts'
import { seededRandom } from '../src/core/random.ts'
import { afterMicrotasks, systemClock } from '../src/core/system-clock.ts'
import { createSimulatedClock, type SimulatedClock } from './simulated-clock.ts'

/**
 * A world in which one thing happens at a time and a seed chooses which: the next message of some
 * actor, the end of some wait, or the next timer. The same seed gives the same run.
 */
export interface Simulation {
  readonly clock: SimulatedClock
  /** Makes an actor system of this world. */
  system(report: (failure: ActorFailure) => void): ActorSystem
  /** Goes on when the schedule says so; what fake disks and networks wait for. */
  pause(): Promise<void>
  /** A number in [0, 1) from the seed, for faults. */
  chance(): number
  /**
   * Runs until the promise settles, and answers like it. Stops early, without an answer, when
   * `isDead` says so before a step: nothing of this world happens any more, as after a kill.
   * @throws Error when nothing can happen any more, or after `maxSteps`.
   */
  run<Result>(
    promise: Promise<Result>,
    options?: { readonly maxSteps?: number; readonly isDead?: (steps: number) => boolean },
  ): Promise<Result | undefined>
}

interface SimulatedActor {
  readonly name: string
  readonly mailbox: (() => Promise<void>)[]
  isBusy: boolean
}

/** After so many steps everything else of the process gets a turn. */
const turnSteps = 1000

/** The world of a seed. Timers further off than `hasteMs` fire only when nothing else can happen. */
export function createSimulation(
  seed: number,
  options: { readonly startMs?: number; readonly hasteMs?: number } = {},
): Simulation {
  const random = seededRandom(seed)
  const actors = new Set<SimulatedActor>()
  const pauses: (() => void)[] = []
  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      pauses.push(resolve)
    })
  const clock = createSimulatedClock({ startMs: options.startMs ?? 0, wait: pause })
  const hasteMs = options.hasteMs ?? 1000

  const happen = (): boolean => {
    const ready = [...actors].filter((actor) => !actor.isBusy && actor.mailbox.length > 0)
    const timerMs = clock.untilNextTimer()
    const others = ready.length + pauses.length
    if (timerMs !== undefined && (others === 0 || (timerMs <= hasteMs && random.next() < 0.05))) {
      clock.advance(timerMs)
      return true
    }
    if (others === 0) return false
    const choice = Math.floor(random.next() * others)
    const actor = ready[choice]
    if (actor === undefined) pauses.splice(choice - ready.length, 1)[0]?.()
    else deliver(actor)
    return true
  }

  return {
    clock,
    system: (report) => simulatedSystem(actors, report),
    pause,
    chance: () => random.next(),
    async run(promise, { maxSteps = 100_000, isDead = () => false } = {}) {
      const settled = watch(promise)
      for (let steps = 0; steps < maxSteps; steps++) {
        // Everything that follows from the last step happens before the next one is chosen.
        await (steps % turnSteps === 0 ? systemClock().yield() : afterMicrotasks())
        if (settled.done) return promise
        if (isDead(steps)) return undefined
        if (!happen()) throw new Error(`nothing can happen any more after ${steps} steps`)
      }
      throw new Error(`still running after ${maxSteps} steps`)
    },
  }
}

function watch(promise: Promise<unknown>): { readonly done: boolean } {
  const state = { done: false }
  const settle = () => {
    state.done = true
  }
  promise.then(settle, settle)
  return state
}

function deliver(actor: SimulatedActor): void {
  const handle = actor.mailbox.shift()
  if (handle === undefined) return
  actor.isBusy = true
  const rest = () => {
    actor.isBusy = false
  }
  handle().then(rest, rest)
}

/** The actors of one system among all of a world. Keeps the promises of `ActorSystem`. */
function simulatedSystem(
  world: Set<SimulatedActor>,
  report: (failure: ActorFailure) => void,
): ActorSystem {
  const own: SimulatedActor[] = []
  const waiting: (() => void)[] = []
  let running = 0
  let isStopped = false

  const run = async <Message>(behaviour: Behaviour<Message>, message: Message) => {
    running += 1
    try {
      await behaviour(message)
    } finally {
      running -= 1
      if (running === 0) for (const resolve of waiting.splice(0)) resolve()
    }
  }

  return {
    spawn<Message>(name: string, begin: (self: Ref<Message>) => Behaviour<Message>) {
      const actor: SimulatedActor = { name, mailbox: [], isBusy: false }
      let isAlive = true
      const self: Ref<Message> = {
        send(message) {
          if (isStopped) return
          if (isAlive) actor.mailbox.push(() => handle(message))
          else report({ type: 'undelivered', actor: name })
        },
      }
      const behaviour = begin(self)
      const handle = async (message: Message): Promise<void> => {
        try {
          await run(behaviour, message)
        } catch (cause) {
          isAlive = false
          world.delete(actor)
          report({ type: 'crashed', actor: name, cause })
        }
      }
      own.push(actor)
      world.add(actor)
      return self
    },
    async stop() {
      isStopped = true
      for (const actor of own) world.delete(actor)
      if (running > 0) await new Promise<void>((resolve) => waiting.push(resolve))
    },
  }
}
