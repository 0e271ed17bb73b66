/** A bounded queue between a producer that can wait and one reader with `for await`. */
export interface Subscription<Item> {
  readonly items: AsyncIterable<Item>
  /** Resolves when the item was taken in; waits while the queue is full, so that a slow reader slows the query. */
  push(item: Item): Promise<void>
  /** With false nobody waits for the reader: what it has not taken is queued beyond the limit. Default: true. */
  waitForReader(wait: boolean): void
  /** The reader gets what is queued, then the end, or the error. */
  end(error?: unknown): void
}

/** A queue of at most `limit` items. `onClose` is called when the reader stops reading. */
export function subscription<Item>(limit: number, onClose: () => void): Subscription<Item> {
  const queue: Item[] = []
  let ended = false
  let waits = true
  let failure: { readonly error: unknown } | undefined
  let readers: (() => void)[] = []
  let writers: (() => void)[] = []
  const wakeReaders = (): void => {
    const waiting = readers
    readers = []
    for (const wake of waiting) wake()
  }
  const wakeWriters = (): void => {
    const waiting = writers
    writers = []
    for (const wake of waiting) wake()
  }
  const close = (): void => {
    ended = true
    queue.length = 0
    wakeWriters()
    onClose()
  }

  async function* read(): AsyncGenerator<Item> {
    try {
      for (;;) {
        const item = queue.shift()
        if (item !== undefined) {
          wakeWriters()
          yield item
        } else if (ended) {
          if (failure !== undefined) throw failure.error
          return
        } else {
          await new Promise<void>((resolve) => {
            readers.push(resolve)
          })
        }
      }
    } finally {
      close()
    }
  }

  return {
    items: read(),
    async push(item) {
      while (!ended && waits && queue.length >= limit) {
        await new Promise<void>((resolve) => {
          writers.push(resolve)
        })
      }
      if (ended) return
      queue.push(item)
      wakeReaders()
    },
    waitForReader(wait) {
      waits = wait
      if (!wait) wakeWriters()
    },
    end(error) {
      ended = true
      if (error !== undefined) failure = { error }
      wakeReaders()
      wakeWriters()
    },
  }
}
