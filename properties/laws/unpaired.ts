/** What of two lists, in any order, has no partner with the same key in the other one. */
export function unpaired<Item>(
  left: readonly Item[],
  right: readonly Item[],
  keyOf: (item: Item) => string,
): readonly [Item[], Item[]] {
  const counts = new Map<string, number>()
  for (const item of right) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1)
  const takes = (item: Item): boolean => {
    const count = counts.get(keyOf(item)) ?? 0
    if (count > 0) counts.set(keyOf(item), count - 1)
    return count > 0
  }
  const onlyLeft = left.filter((item) => !takes(item))
  // What is left in the counts had no partner.
  return [onlyLeft, right.filter(takes)]
}
