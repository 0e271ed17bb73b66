/** The newest ids of accepted pushes, with the number after their last row. */
export interface RememberedIds {
  readonly all: ReadonlyMap<string, number>
  add(id: string | undefined, end: number): void
  clear(): void
}

/** Forgets the oldest when there are more than `limit`. */
export function rememberedIds(limit: number): RememberedIds {
  const ids = new Map<string, number>()
  return {
    all: ids,
    add(id, end) {
      if (id === undefined) return
      ids.delete(id)
      ids.set(id, end)
      for (const oldest of ids.keys()) {
        if (ids.size <= limit) break
        ids.delete(oldest)
      }
    },
    clear: () => ids.clear(),
  }
}
