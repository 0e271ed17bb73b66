/** Keeps the old files of a checkpoint where they are while somebody copies them. */
export interface CleanUpHold {
  /** Runs work during which nothing is cleaned up. */
  during<T>(work: () => Promise<T>): Promise<T>
  /** Runs a clean-up that will be asked for again: not at all while files are held. */
  ifFree(work: () => Promise<void>): Promise<void>
  /**
   * Runs a clean-up now, or puts it off until the files are free: of one name the newest then stands for
   * those before it. Resolves when it is done or put off, so that nobody waits for the files.
   */
  whenFree(name: string, work: () => Promise<void>): Promise<void>
  /** Forgets what was put off, such as that of an attempt which is over. */
  forget(): void
}

/** A hold that nobody has. `failed` is told of clean-ups that were put off and failed. */
export function cleanUpHold(failed: (name: string, cause: unknown) => void): CleanUpHold {
  let holders = 0
  const putOff = new Map<string, () => Promise<void>>()
  /** Clean-ups run one after another. */
  let last: Promise<void> = Promise.resolve()

  const run = (work: () => Promise<void>): Promise<void> => {
    const done = last.then(work)
    last = done.then(undefined, () => undefined)
    return done
  }

  const runPutOff = (): void => {
    for (const [name, work] of putOff) run(work).catch((cause: unknown) => failed(name, cause))
    putOff.clear()
  }

  return {
    async during(work) {
      holders++
      try {
        await last
        return await work()
      } finally {
        holders--
        if (holders === 0) runPutOff()
      }
    },
    async ifFree(work) {
      if (holders === 0) await run(work)
    },
    async whenFree(name, work) {
      if (holders === 0) await run(work)
      else putOff.set(name, work)
    },
    forget: () => putOff.clear(),
  }
}
