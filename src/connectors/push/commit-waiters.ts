/** Callers that wait for their rows to be committed. */
export interface CommitWaiters {
  readonly size: number
  /** Resolves when every row below `end` is committed. */
  wait(end: number): Promise<void>
  /** Rows below the number are committed. */
  committed(row: number): void
  /** Nobody's rows will be. */
  refuse(error: unknown): void
  /** Nothing is known to be committed any more: the numbers begin anew. */
  reset(): void
}

export function commitWaiters(): CommitWaiters {
  let waiting: { end: number; resolve: () => void; reject: (error: unknown) => void }[] = []
  let committedRow = 0
  return {
    get size() {
      return waiting.length
    },
    wait(end) {
      if (end <= committedRow) return Promise.resolve()
      return new Promise((resolve, reject) => {
        waiting.push({ end, resolve, reject })
      })
    },
    committed(row) {
      committedRow = Math.max(committedRow, row)
      const done = waiting.filter(({ end }) => end <= row)
      if (done.length === 0) return
      waiting = waiting.filter(({ end }) => end > row)
      for (const each of done) each.resolve()
    },
    refuse(error) {
      const refused = waiting
      waiting = []
      for (const each of refused) each.reject(error)
    },
    reset() {
      committedRow = 0
    },
  }
}
