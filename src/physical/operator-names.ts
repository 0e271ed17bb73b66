import { StreamError } from '../core/error.ts'

/** Names of the steps of one plan that keep state: those given by the user, others by kind and position. */
export class OperatorNames {
  readonly #counts = new Map<string, number>()
  readonly #taken = new Set<string>()

  /** `<kind>-<n>`, counted among the unnamed steps of its kind, unless a name was given. */
  of(given: string | undefined, kind: string): string {
    return this.#take(given ?? `${kind}-${this.#count(kind)}`)
  }

  /** Steps of the user's own have a name, which is the first one's alone. */
  ofOwn(given: string | undefined, own: string): string {
    if (given !== undefined) return this.#take(given)
    const kind = `own-${own}`
    const count = this.#count(kind)
    return this.#take(count === 0 ? kind : `${kind}-${count}`)
  }

  #count(kind: string): number {
    const count = this.#counts.get(kind) ?? 0
    this.#counts.set(kind, count + 1)
    return count
  }

  /** @throws StreamError `CONFIG_INVALID` for a name that another step has */
  #take(name: string): string {
    if (this.#taken.has(name)) {
      throw new StreamError('CONFIG_INVALID', {
        option: 'name',
        value: name,
        expected: 'a name of its own for each step that keeps state',
      })
    }
    this.#taken.add(name)
    return name
  }
}
