import { dispatch, type Ref as NactRef, spawn, start, stop } from 'nact'
import type { ActorFailure, ActorSystem, Behaviour, Ref } from './system.ts'

/**
 * Runs actors on nact. Left alone, nact stops an actor that throws, forgets its mailbox, and
 * ignores what is sent to it later; stopping its root leaves the actors running, and nothing waits
 * for handlers. In a data plane the first is silent loss and the rest lets two attempts touch the
 * same files, so here the crash and every later send are reported, and `stop` stops and waits.
 */
export function nactSystem(report: (failure: ActorFailure) => void): ActorSystem {
  const root = start()
  const actors: NactRef<never>[] = []
  let running = 0
  let stopped = false
  let idle: (() => void) | undefined

  const run = async <Message>(behaviour: Behaviour<Message>, message: Message) => {
    running += 1
    try {
      await behaviour(message)
    } finally {
      running -= 1
      if (running === 0) idle?.()
    }
  }

  return {
    spawn<Message>(name: string, begin: (self: Ref<Message>) => Behaviour<Message>) {
      let alive = true
      const self: Ref<Message> = {
        send(message) {
          // What is sent during a stop is moot, not lost: the whole job is going away.
          if (stopped) return
          if (alive) dispatch(address, message)
          else report({ type: 'undelivered', actor: name })
        },
      }
      const behaviour = begin(self)
      const handle = async (_: undefined, message: Message): Promise<undefined> => {
        if (stopped) return undefined
        try {
          await run(behaviour, message)
        } catch (cause) {
          alive = false
          report({ type: 'crashed', actor: name, cause })
          throw cause
        }
        return undefined
      }
      // nact allows no slash in a name.
      const address = spawn(root, handle, name.replaceAll('/', '.'), {
        onCrash: (_message, _cause, context) => context.stop,
      })
      actors.push(address)
      return self
    },

    async stop() {
      if (!stopped) {
        stopped = true
        for (const actor of actors) stop(actor)
        stop(root)
      }
      if (running > 0) {
        await new Promise<void>((resolve) => {
          const earlier = idle
          idle = () => {
            earlier?.()
            resolve()
          }
        })
      }
    },
  }
}
