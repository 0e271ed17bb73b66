import type { EdgeRow } from '../../src/batch/edge-row.ts'
import type { CaseRow } from './case.ts'
import { caseRows } from './rows.ts'

/**
 * The rows a query gave out, by epoch. An epoch that comes again after a failure replaces what it
 * gave before, as a sink that knows epochs would have it.
 */
export class Results {
  readonly #byEpoch = new Map<number, readonly CaseRow[]>()
  #clearedUpTo = -1
  #seenUpTo = -1

  put(epoch: number, rows: readonly EdgeRow[]): void {
    this.#byEpoch.set(epoch, caseRows(rows))
  }

  /** Empties the sink; the query is not told. */
  clear(): void {
    this.#clearedUpTo = this.#newest()
  }

  /** The rows since this was last called, or `all` or `lastBatch` were. */
  fresh(): readonly CaseRow[] {
    const rows = this.#after(Math.max(this.#seenUpTo, this.#clearedUpTo)).flatMap(([, r]) => r)
    this.#seenUpTo = this.#newest()
    return rows
  }

  /** Everything in the sink; in complete mode each epoch replaces the one before. */
  all(outputMode: string): readonly CaseRow[] {
    this.#seenUpTo = this.#newest()
    if (outputMode === 'complete') return this.#after(this.#clearedUpTo).at(-1)?.[1] ?? []
    return this.#after(this.#clearedUpTo).flatMap(([, rows]) => rows)
  }

  /** The rows of the newest epoch that reached the sink. */
  lastBatch(): readonly CaseRow[] {
    this.#seenUpTo = this.#newest()
    return this.#byEpoch.get(this.#newest()) ?? []
  }

  /** The rows of one epoch; none when it gave out nothing. */
  of(epoch: number): readonly CaseRow[] {
    return this.#byEpoch.get(epoch) ?? []
  }

  #newest(): number {
    return Math.max(-1, ...this.#byEpoch.keys())
  }

  #after(epoch: number): readonly (readonly [number, readonly CaseRow[]])[] {
    return [...this.#byEpoch].filter(([key]) => key > epoch).sort(([a], [b]) => a - b)
  }
}
