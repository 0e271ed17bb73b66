import type { RegistryWorld } from '../codecs/registry/exchange.ts'
import {
  answerAll,
  forgetFailures,
  type Questions,
  runAsking,
} from '../codecs/registry/questions.ts'
import { StreamError } from '../core/error.ts'
import type { Wait } from '../flow/operator.ts'

/** Runs computations that may ask schema registries, and again once the answers are there. */
export interface AskingRuns {
  /** To be called at the start of each epoch. */
  open(): void
  /** `repeated` is called before a run is repeated; `done` gets the result of the one that counts. */
  process<T>(run: () => T, repeated: () => void, done: (result: T) => Wait): Wait
  /** Nobody waits any more. */
  stop(): void
}

/** For one operator; the world is where it asks. */
export function askingRuns(world: RegistryWorld): AskingRuns {
  const controller = new AbortController()

  async function again<T>(
    first: Questions,
    run: () => T,
    repeated: () => void,
    done: (result: T) => Wait,
  ): Promise<void> {
    // Each turn asks what no earlier one did, and a batch has no more questions than values.
    for (let questions = first; ; ) {
      repeated()
      await answerAll(questions, world, controller.signal)
      const asked = runAsking(run)
      if ('result' in asked) return await done(asked.result)
      questions = asked.questions
    }
  }

  return {
    open: forgetFailures,

    process(run, repeated, done) {
      const asked = runAsking(run)
      if ('result' in asked) return done(asked.result)
      return again(asked.questions, run, repeated, done)
    },

    stop() {
      const what = 'a schema registry was asked when the job ended'
      controller.abort(new StreamError('INTERNAL', { what }))
    },
  }
}
