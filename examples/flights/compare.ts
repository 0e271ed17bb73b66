/** How two answers differ, rows in any order but each counted. */
export interface Difference {
  readonly onlyLeft: readonly string[]
  readonly onlyRight: readonly string[]
}

/** Compares rows as sets in which a row may occur more than once. */
export function difference(left: readonly object[], right: readonly object[]): Difference {
  const counts = new Map<string, number>()
  for (const row of left) add(counts, rowText(row), 1)
  for (const row of right) add(counts, rowText(row), -1)
  const surplus = (sign: 1 | -1): string[] =>
    [...counts].flatMap(([text, count]) => Array<string>(Math.max(0, count * sign)).fill(text))
  return { onlyLeft: surplus(1), onlyRight: surplus(-1) }
}

function add(counts: Map<string, number>, text: string, by: 1 | -1): void {
  counts.set(text, (counts.get(text) ?? 0) + by)
}

/** The row with its columns by name; exact, as LONG is a bigint and numbers print every digit. */
function rowText(row: object): string {
  const columns = Object.entries(row).sort(([left], [right]) => (left < right ? -1 : 1))
  return JSON.stringify(columns, (_, value) => (typeof value === 'bigint' ? `${value}n` : value))
}
