/** A member of a group and what it works on. */
export interface GroupShare {
  readonly member: string
  readonly owned: readonly string[]
}

/**
 * Who gets which partitions: as many as others or one more, and of those what it has, as far as possible. What somebody
 * has to give up goes to nobody yet: its owner has to let go of it first, and then there is another sharing (KIP-429).
 */
export function shareOut(
  partitions: readonly string[],
  members: readonly GroupShare[],
): ReadonlyMap<string, readonly string[]> {
  const owners = claims(new Set(partitions), members)
  // Whoever has more keeps what is over.
  const inOrder = owners.toSorted(
    (one, other) => other.owned.length - one.owned.length || (one.member < other.member ? -1 : 1),
  )
  const [least, over] = [
    Math.floor(partitions.length / members.length),
    partitions.length % members.length,
  ]
  const taken = new Set(owners.flatMap(({ owned }) => owned))
  const free = partitions.filter((name) => !taken.has(name))
  return new Map(
    inOrder.map(({ member, owned }, at) => {
      const wanted = least + (at < over ? 1 : 0)
      const kept = owned.slice(0, wanted)
      return [member, [...kept, ...free.splice(0, wanted - kept.length)]]
    }),
  )
}

/** What each member has of what there is; of two that name the same one has it. */
function claims(
  partitions: ReadonlySet<string>,
  members: readonly GroupShare[],
): readonly GroupShare[] {
  const claimed = new Set<string>()
  return members.map(({ member, owned }) => {
    const own = owned.filter((name) => partitions.has(name) && !claimed.has(name))
    for (const name of own) claimed.add(name)
    return { member, owned: own }
  })
}
