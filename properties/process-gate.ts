import type { ActorSystem, Behaviour, Ref } from '../actors/system.ts'
import type { Clock } from '../src/core/clock.ts'
import type { AppendFile, FileSystem, ReadFile } from '../src/core/file-system.ts'

/** A process that shares a world with others: it may be stopped, go on later, and die, while the world goes on. */
export interface SimulatedProcess {
  /** Resolves once the process runs, which is at once if it does; never if it is dead. */
  gate(): Promise<void>
  /** Nothing of it happens until it is woken. */
  fallAsleep(): void
  wake(): void
  /** Nothing of it ever happens again. */
  die(): void
}

/** A process that runs. */
export function simulatedProcess(): SimulatedProcess {
  let state: 'running' | 'asleep' | 'dead' = 'running'
  let waiting: (() => void)[] = []
  return {
    gate: () =>
      state === 'running'
        ? Promise.resolve()
        : new Promise((resolve) => {
            waiting.push(resolve)
          }),
    fallAsleep() {
      if (state === 'running') state = 'asleep'
    },
    wake() {
      if (state !== 'asleep') return
      state = 'running'
      for (const goOn of waiting.splice(0)) goOn()
    },
    die() {
      state = 'dead'
      waiting = []
    },
  }
}

/** The clock as the process sees it: its timers wait for it. */
export function clockOf({ gate }: SimulatedProcess, clock: Clock): Clock {
  return {
    ...clock,
    after(delayMs, call, options) {
      let isCancelled = false
      const cancel = clock.after(
        delayMs,
        () => {
          gate().then(() => {
            if (!isCancelled) call()
          })
        },
        options,
      )
      return () => {
        isCancelled = true
        cancel()
      }
    },
    async yield() {
      await clock.yield()
      await gate()
    },
  }
}

/** The disk as the process sees it: what it asks for when it is dead does not happen, and an answer finds nobody. */
export function filesOf({ gate }: SimulatedProcess, files: FileSystem): FileSystem {
  const gated = <Given extends readonly unknown[], Result>(
    request: (...given: Given) => Promise<Result>,
  ): ((...given: Given) => Promise<Result>) => {
    return async (...given) => {
      await gate()
      const result = await request(...given)
      await gate()
      return result
    }
  }
  const opened = ({ read, close }: ReadFile): ReadFile => ({
    read: gated(read),
    close: gated(close),
  })
  const appended = ({ append, sync, close }: AppendFile): AppendFile => ({
    append: gated(append),
    sync: gated(sync),
    close: gated(close),
  })
  const openRead = gated(files.openRead)
  const append = gated(files.append)
  return {
    read: gated(files.read),
    readRange: gated(files.readRange),
    async openRead(path) {
      const file = await openRead(path)
      return file === undefined ? undefined : opened(file)
    },
    create: gated(files.create),
    append: async (path) => appended(await append(path)),
    link: gated(files.link),
    rename: gated(files.rename),
    remove: gated(files.remove),
    removeFolder: gated(files.removeFolder),
    makeFolder: gated(files.makeFolder),
    syncFolder: gated(files.syncFolder),
    list: gated(files.list),
    readNow: files.readNow,
    listNow: files.listNow,
    stat: gated(files.stat),
    copy: gated(files.copy),
  }
}

/** The same actors, which take no message while the process does not run. */
export function actorsOf({ gate }: SimulatedProcess, system: ActorSystem): ActorSystem {
  return {
    spawn<Message>(name: string, begin: (self: Ref<Message>) => Behaviour<Message>) {
      return system.spawn<Message>(name, (self) => {
        const behaviour = begin(self)
        return async (message) => {
          await gate()
          await behaviour(message)
        }
      })
    },
    stop: () => system.stop(),
  }
}
