/** How much there is, by position of the shard among those of the task. */
interface Amounts {
  readonly rows: Float64Array
  readonly bytes: Float64Array
}

/**
 * How many rows lie outside of memory only, by bucket. Of buckets that were restored only the sum is
 * known, until they have been loaded or counted.
 */
export class AwayRows {
  readonly #shards: number
  readonly #buckets = new Map<number, Amounts>()
  readonly #restored = new Set<number>()
  readonly #ofRestored: Amounts

  constructor(shards: number) {
    this.#shards = shards
    this.#ofRestored = this.#none()
  }

  /** After a restore: what these buckets have outside of memory, in place of what was noted meanwhile. */
  restore(
    buckets: Iterable<number>,
    amounts: readonly { readonly rows: number; readonly bytes: number }[],
  ): void {
    for (const bucket of buckets) {
      this.#buckets.delete(bucket)
      this.#restored.add(bucket)
    }
    amounts.forEach(({ rows, bytes }, position) => {
      this.#ofRestored.rows[position] = rows
      this.#ofRestored.bytes[position] = bytes
    })
  }

  /** Rows have left memory; negative numbers = they have come back. */
  change(bucket: number, position: number, rows: number, bytes: number): void {
    const { rows: allRows, bytes: allBytes } = this.#amountsOf(bucket)
    allRows[position] = (allRows[position] as number) + rows
    allBytes[position] = Math.max(0, (allBytes[position] as number) + bytes)
  }

  /** Whether the amounts of a bucket are only known together with those of others. */
  isUncounted(bucket: number): boolean {
    return this.#restored.has(bucket)
  }

  /** From now on the amounts of the bucket are its own: nothing of it is away. */
  settle(bucket: number): void {
    this.#restored.delete(bucket)
  }

  forget(bucket: number): void {
    this.#restored.delete(bucket)
    this.#buckets.delete(bucket)
  }

  rowsOf(position: number): number {
    return this.#sum(position, 'rows')
  }

  bytesOf(position: number): number {
    return this.#sum(position, 'bytes')
  }

  #sum(position: number, of: keyof Amounts): number {
    let sum = this.#ofRestored[of][position] as number
    for (const amounts of this.#buckets.values()) sum += amounts[of][position] as number
    return sum
  }

  #amountsOf(bucket: number): Amounts {
    if (this.#restored.has(bucket)) return this.#ofRestored
    const known = this.#buckets.get(bucket)
    if (known !== undefined) return known
    const made = this.#none()
    this.#buckets.set(bucket, made)
    return made
  }

  #none(): Amounts {
    return { rows: new Float64Array(this.#shards), bytes: new Float64Array(this.#shards) }
  }
}
