/** What of two lists, in any order, has no partner with the same key in the other one. */
export function unpaired<Item>(
  left: readonly Item[],
  right: readonly Item[],
  keyOf: (item: Item) => string,
): readonly [Item[], Item[]] {
  const counts = new Map<string, number>()
  const keys = right.map(keyOf)
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
  const takes = (key: string): boolean => {
    const count = counts.get(key) ?? 0
    if (count > 0) counts.set(key, count - 1)
    return count > 0
  }
  const onlyLeft = left.filter((item) => !takes(keyOf(item)))
  // What is left in the counts had no partner.
  return [onlyLeft, right.filter((_, at) => takes(keys[at] ?? ''))]
}
