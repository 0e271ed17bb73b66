import type { RowLog } from './row-log.ts'

/**
 * Keeps the numbers of a source that cannot be asked again in step with the checkpoint. After a crash
 * the checkpoint knows numbers whose rows are gone: they are counted as lost, and what comes next gets
 * numbers after them, so that no row is passed over or read twice.
 */
export interface LossyNumbers {
  /** For `NumberedSource.reach`; the first call says from which number on rows may be added. */
  reach(from: number, to: number): void
  readonly lost: number
}

/** `begin` is called once, when rows may be added. */
export function lossyNumbers(log: RowLog, begin: () => void): LossyNumbers {
  let begun = false
  let lost = 0
  return {
    reach(from, to) {
      if (!begun) {
        begun = true
        log.skipTo(from)
        begin()
      }
      if (to <= log.end) return
      lost += to - log.end
      log.skipTo(to)
    },
    get lost() {
      return lost
    },
  }
}
