import type { CrashWorld } from './crash-world.ts'

/**
 * Says of each world whether it is a new one: what a process does is a function of what it finds, so a world that is
 * equal to an earlier one, byte for byte, need not be tried again. Worlds that nobody can look into are all new.
 */
export interface KnownWorlds {
  isNew(world: CrashWorld): boolean
  /** How many different ones there were. */
  count(): number
}

/** Knows none yet. */
export function knownWorlds(): KnownWorlds {
  const states = new Set<string>()
  let count = 0
  return {
    isNew(world) {
      const state = world.state()
      if (state !== undefined && states.has(state)) return false
      if (state !== undefined) states.add(state)
      count += 1
      return true
    },
    count: () => count,
  }
}
