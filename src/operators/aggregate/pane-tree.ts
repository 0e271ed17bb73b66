import type { GroupTable } from './group-table.ts'

/** What the tree needs of the groups: the table of a pane by its number, and tables of its own. */
export interface PaneSource {
  paneAt(number: number): GroupTable | undefined
  emptyTable(): GroupTable
  /** Whether what is merged may be kept: every group of the panes is in memory. */
  mayKeep(): boolean
}

/**
 * Panes of one shard, merged by twos, by fours and so on from whole multiples of the number of the pane: a
 * window of n panes is made of some 2 log n such stretches, where it would take n panes, and the windows that
 * follow share them. Which stretches a window is made of follows from its panes alone, so that its result
 * does not depend on what was kept. Holds about as many groups as the panes do.
 */
export class PaneTree {
  readonly #source: PaneSource
  /** By level, then by the number of the first pane; level 1 holds pairs. */
  #kept: Map<number, GroupTable>[] = []

  constructor(source: PaneSource) {
    this.#source = source
  }

  /** The tables that hold the groups of `count` panes from one on, oldest first; they must not be changed. */
  stretches(first: number, count: number): readonly GroupTable[] {
    const tables: GroupTable[] = []
    const end = first + count
    for (let at = first; at < end; ) {
      let level = 0
      while (at % 2 ** (level + 1) === 0 && at + 2 ** (level + 1) <= end) level++
      const table = this.#stretch(level, at)
      if (table !== undefined) tables.push(table)
      at += 2 ** level
    }
    return tables
  }

  /** The pane has changed or is gone: so has everything that it is part of. */
  forget(number: number): void {
    this.#kept.forEach((level, index) => {
      const width = 2 ** (index + 1)
      level.delete(Math.floor(number / width) * width)
    })
  }

  clear(): void {
    this.#kept = []
  }

  byteLength(): number {
    let bytes = 0
    for (const level of this.#kept) for (const table of level.values()) bytes += table.byteLength()
    return bytes
  }

  #stretch(level: number, at: number): GroupTable | undefined {
    if (level === 0) {
      const pane = this.#source.paneAt(at)
      return pane === undefined || pane.size === 0 ? undefined : pane
    }
    const known = this.#kept[level - 1]?.get(at)
    if (known !== undefined) return known
    const left = this.#stretch(level - 1, at)
    const right = this.#stretch(level - 1, at + 2 ** (level - 1))
    if (left === undefined || right === undefined) return left ?? right
    const merged = this.#source.emptyTable()
    for (const table of [left, right]) mergeAll(merged, table)
    if (this.#source.mayKeep()) this.#keep(level, at, merged)
    return merged
  }

  #keep(level: number, at: number, table: GroupTable): void {
    while (this.#kept.length < level) this.#kept.push(new Map())
    this.#kept[level - 1]?.set(at, table)
  }
}

/** Adds every group of one table to another. */
export function mergeAll(into: GroupTable, from: GroupTable): void {
  for (const slot of from.liveSlots()) mergeSlot(into, into.insertFrom(from, slot), from, slot)
}

/** Adds one group to that in a slot of another table. */
export function mergeSlot(into: GroupTable, target: number, from: GroupTable, slot: number): void {
  for (let index = 0; index < into.accumulators.length; index++) {
    const source = from.accumulators[index]
    if (source !== undefined) into.accumulators[index]?.merge(target, source, slot)
  }
}
