/** What becomes of one thing in a checkpoint when a query goes on from it. */
export interface UpgradeChange {
  /** Of sinks only those are told that the query may not go on without. */
  readonly kind: 'operator' | 'source' | 'sink' | 'setting'
  readonly name: string
  /**
   * `kept`: as it is; `migrated`: kept in another form; `added`: begins with nothing; `lost`: given up, as
   * the option `allowStateLoss` lets; `refused`: the query would not start.
   */
  readonly verdict: 'kept' | 'migrated' | 'added' | 'lost' | 'refused'
  /** What changes, or why it is refused; empty where nothing changes. */
  readonly what: string
}

/** What a query would do with a checkpoint, worked out before anything starts. */
export interface UpgradeReport {
  readonly checkpoint: string
  /** The epoch that the query would go on from. */
  readonly epoch: number
  /** False if the start would be refused with `CHECKPOINT_OTHER_QUERY`. */
  readonly canStart: boolean
  readonly changes: readonly UpgradeChange[]
  /** The changes as a table. */
  toString(): string
}

/** A report of these changes. */
export function upgradeReport(
  from: Pick<UpgradeReport, 'checkpoint' | 'epoch'>,
  changes: readonly UpgradeChange[],
): UpgradeReport {
  const refused = changes.filter(({ verdict }) => verdict === 'refused').length
  return {
    ...from,
    canStart: refused === 0,
    changes,
    toString() {
      const end =
        refused === 0
          ? `The query can go on from epoch ${from.epoch} of ${from.checkpoint}.`
          : `The query cannot go on from ${from.checkpoint}: ${refused} refused.`
      return `${tableOf(changes)}\n${end}`
    },
  }
}

function tableOf(changes: readonly UpgradeChange[]): string {
  const head = ['', 'name', 'verdict', 'what']
  const rows = [
    head,
    ...changes.map(({ kind, name, verdict, what }) => [kind, name, verdict, what]),
  ]
  const widths = head.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
