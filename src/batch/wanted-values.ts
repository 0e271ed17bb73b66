import type { Value } from './value.ts'

/**
 * What a column must hold in a row that anybody reads. Advice for a source: it may leave out rows whose
 * column is NULL or holds another value, as those who read them drop them anyway.
 */
export interface WantedValues {
  /** The name of a column of the source. */
  readonly column: string
  /** None of them NULL. */
  readonly values: readonly Value[]
}

/** What is left to want when rows have several readers: a row is left out only if each of them drops it. */
export function wantedByAny(
  readers: readonly (readonly WantedValues[])[],
): readonly WantedValues[] {
  const [first = [], ...others] = readers
  return first.flatMap(({ column, values }) => {
    const same = others.map((wanted) => wanted.find((each) => each.column === column))
    if (!same.every((wanted) => wanted !== undefined)) return []
    return [{ column, values: [...new Set([values, ...same.map((each) => each.values)].flat())] }]
  })
}
