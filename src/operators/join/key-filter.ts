const bitCount = 1 << 22

/** Says of a key hash whether it was ever put in: never wrong about "no", sometimes about "yes". */
export class KeyFilter {
  /** Half a megabyte, made with the first hash. */
  #bits: Uint8Array | undefined

  add(hash: number): void {
    this.#bits ??= new Uint8Array(bitCount >> 3)
    for (const bit of [firstBit(hash), secondBit(hash)]) {
      this.#bits[bit >> 3] = (this.#bits[bit >> 3] as number) | (1 << (bit & 7))
    }
  }

  mayHold(hash: number): boolean {
    const bits = this.#bits
    return bits !== undefined && isSet(bits, firstBit(hash)) && isSet(bits, secondBit(hash))
  }
}

function firstBit(hash: number): number {
  return hash & (bitCount - 1)
}

function secondBit(hash: number): number {
  return (Math.imul(hash, 0x9e3779b1) >>> 8) & (bitCount - 1)
}

function isSet(bits: Uint8Array, bit: number): boolean {
  return (((bits[bit >> 3] as number) >> (bit & 7)) & 1) === 1
}
