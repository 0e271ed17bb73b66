import { SimulatedCrash } from '../virtual-file-system.ts'

/** A step of a life. */
export interface CrashStep {
  /** What is about to happen, such as `write checkpoint/log/3` or `send ack to coordinator`. */
  readonly name: string
  /** What the coordinator heard last, such as `published`; `starting` before that. */
  readonly phase: string
  /** How many epochs are decided and not committed. */
  readonly inFlight: number
}

/** Sees every step of one life. */
export interface StepWatch {
  readonly steps: readonly CrashStep[]
  /** Called before each step. */
  before: (step: number) => void
  /** Throws if the process dies here. */
  readonly step: (name: string) => void
  /** `false` if the process dies here. */
  readonly send: (actor: string, message: unknown) => boolean
  readonly isDead: () => boolean
  /** How many epochs the coordinator has heard to be decided. */
  readonly decided: () => number
}

/** Writes down the steps of a life and ends it before one of them. */
export function stepWatch(dieAt: number): StepWatch {
  const steps: CrashStep[] = []
  let died = false
  let phase = 'starting'
  let inFlight = 0
  let decided = 0
  const take = (name: string): boolean => {
    if (!died && steps.length >= dieAt) died = true
    if (died) return false
    watch.before(steps.length)
    steps.push({ name, phase, inFlight })
    return true
  }
  const watch: StepWatch = {
    steps,
    before: () => undefined,
    isDead: () => died,
    decided: () => decided,
    step(name) {
      if (!take(name)) throw new SimulatedCrash(`before ${name}`)
    },
    send(actor, message) {
      const type = typeOf(message)
      const isAlive = take(type === undefined ? `send to ${actor}` : `send ${type} to ${actor}`)
      if (!isAlive || actor !== 'coordinator' || type === undefined) return isAlive
      phase = type
      if (type === 'decided') {
        decided += 1
        inFlight += 1
      }
      if (type === 'noted') inFlight = Math.max(0, inFlight - 1)
      return true
    },
  }
  return watch
}

function typeOf(message: unknown): string | undefined {
  if (typeof message !== 'object' || message === null || !('type' in message)) return undefined
  return typeof message.type === 'string' ? message.type : undefined
}
