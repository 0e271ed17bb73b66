import { StreamError } from '../../core/error.ts'
import type { QueryInfo, Timers } from '../../flow/stateful-processor.ts'
import type { KeyState } from './key-state.ts'
import type { VariableCodec } from './state-codec.ts'
import type { KeptVariable } from './state-shape.ts'

/** What a task knows of one variable. */
export interface VariableParts {
  readonly variable: KeptVariable
  readonly codec: VariableCodec
  /** Of the keys of maps. */
  readonly keys: VariableCodec
  /** Time to live, microseconds; infinity = for ever. */
  readonly ttl: number
  readonly cap: number
}

/** What a handler that runs may touch. */
export interface Current {
  readonly state: KeyState
  readonly variables: ReadonlyMap<string, VariableParts>
  readonly timers: Timers
  /** What is over at or before this time cannot be seen, microseconds. */
  readonly now: number
  /** What is written now lives from this time on. */
  readonly writtenAt: number
  readonly query: QueryInfo
  /** Counts what a progress shows. */
  count(figure: Figure): void
}

export type Figure =
  | 'numRegisteredTimers'
  | 'numDeletedTimers'
  | 'numExpiredTimers'
  | 'numValuesRemovedDueToTTLExpiry'

/**
 * Says whose state the variables of a processor stand for. Tasks that share one processor object take
 * turns: a handler that waits keeps the others waiting, so that state never changes hands under it.
 */
export class StateScope {
  #current: Current | undefined
  #turn: Promise<void> | undefined

  /** What the handler that runs may touch. @throws StreamError `STATE_ACCESS_INVALID` */
  require(what: string): Current {
    if (this.#current !== undefined) return this.#current
    throw new StreamError('STATE_ACCESS_INVALID', { what })
  }

  get current(): Current | undefined {
    return this.#current
  }

  /** Runs a handler for a key; a promise if the handler made one, or another handler is running. */
  run(current: Current, handler: () => Promise<void> | undefined): Promise<void> | undefined {
    if (this.#turn !== undefined) return this.#turn.then(() => this.run(current, handler))
    this.#current = current
    let pending: Promise<void> | undefined
    try {
      pending = handler()
    } finally {
      if (pending === undefined) this.#current = undefined
    }
    if (pending === undefined) return undefined
    const end = (): void => {
      this.#current = undefined
      this.#turn = undefined
    }
    // A failure ends this turn; it is the caller who is told of it.
    this.#turn = pending.then(end, end)
    const turn = this.#turn
    return pending.finally(() => turn)
  }
}

/** One object of a user has one scope, however many tasks and queries use it. */
const scopes = new WeakMap<object, StateScope>()

/** The scope of a processor. */
export function scopeOf(processor: object): StateScope {
  const known = scopes.get(processor)
  if (known !== undefined) return known
  const made = new StateScope()
  scopes.set(processor, made)
  return made
}
