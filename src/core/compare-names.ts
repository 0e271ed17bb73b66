/** The order of names in which runs of digits count as numbers: `part 9` comes before `part 10`. */
export function compareNames(left: string, right: string): number {
  const [own, others] = [partsOf(left), partsOf(right)]
  for (const [index, part] of own.entries()) {
    const other = others[index]
    if (other === undefined) return 1
    if (part === other) continue
    const [number, otherNumber] = [Number(part), Number(other)]
    const bothNumbers = !Number.isNaN(number) && !Number.isNaN(otherNumber)
    if (bothNumbers && number !== otherNumber) return number - otherNumber
    return part < other ? -1 : 1
  }
  return own.length - others.length
}

/** Runs of digits, and what lies between them. */
function partsOf(name: string): readonly string[] {
  return name.match(/\d+|\D+/g) ?? []
}
