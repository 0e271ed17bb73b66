/** Keeps the old files of a checkpoint where they are while somebody copies them. */
export interface CleanUpHold {
  /** Runs work during which nothing is cleaned up. */
  during<T>(work: () => Promise<T>): Promise<T>
  /** Runs a clean-up that will be asked for again: not at all while files are held. */
  ifFree(work: () => Promise<void>): Promise<void>
  /** Runs a clean-up that somebody waits for: once the files are free. */
  whenFree(work: () => Promise<void>): Promise<void>
}

/** A hold that nobody has. */
export function cleanUpHold(): CleanUpHold {
  let holders = 0
  const waiting: (() => void)[] = []
  const running = new Set<Promise<unknown>>()

  const run = async (work: () => Promise<void>): Promise<void> => {
    const done = work()
    running.add(done)
    try {
      await done
    } finally {
      running.delete(done)
    }
  }

  return {
    async during(work) {
      holders++
      try {
        await Promise.allSettled(running)
        return await work()
      } finally {
        holders--
        if (holders === 0) for (const go of waiting.splice(0)) go()
      }
    },
    async ifFree(work) {
      if (holders === 0) await run(work)
    },
    async whenFree(work) {
      while (holders > 0) await new Promise<void>((resolve) => waiting.push(resolve))
      await run(work)
    },
  }
}
