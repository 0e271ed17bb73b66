/** Shorter runs are copied byte by byte: a view of the source costs more. */
const viewBytes = 64

/** Copies bytes of one array into another, however many they are, at the least cost. */
export function copyBytes(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): void {
  if (end - start >= viewBytes) return target.set(source.subarray(start, end), at)
  for (let from = start, to = at; from < end; from++, to++) target[to] = source[from] as number
}

/** Appends bytes to a buffer that grows; every integer is written as its format asks. */
export class ByteWriter {
  bytes = new Uint8Array(256)
  length = 0
  #view = new DataView(this.bytes.buffer)

  /** Makes room for `size` more bytes. */
  reserve(size: number): void {
    const needed = this.length + size
    if (needed <= this.bytes.length) return
    let capacity = this.bytes.length * 2
    while (capacity < needed) capacity *= 2
    this.#grow(capacity)
  }

  /** Makes room for about `size` more bytes and little else, where much is to come. */
  expect(size: number): void {
    const needed = this.length + Math.ceil(size)
    if (needed > this.bytes.length) this.#grow(needed)
  }

  #grow(capacity: number): void {
    const bigger = new Uint8Array(capacity)
    bigger.set(this.bytes.subarray(0, this.length))
    this.bytes = bigger
    this.#view = new DataView(bigger.buffer)
  }

  byte(value: number): void {
    this.reserve(1)
    this.bytes[this.length++] = value
  }

  u32(value: number): void {
    this.reserve(4)
    this.#view.setUint32(this.length, value, true)
    this.length += 4
  }

  /** Overwrites four bytes written before. */
  u32At(offset: number, value: number): void {
    this.#view.setUint32(offset, value, true)
  }

  f64(value: number): void {
    this.reserve(8)
    this.#view.setFloat64(this.length, value, true)
    this.length += 8
  }

  i64(value: bigint): void {
    this.reserve(8)
    this.#view.setBigInt64(this.length, value, true)
    this.length += 8
  }

  /** A 64-bit integer so that unsigned bytes sort like the numbers: big end first, sign flipped. */
  sortableInteger(value: number): void {
    this.reserve(8)
    this.#view.setInt32(this.length, Math.floor(value / 4_294_967_296) ^ 0x80000000, false)
    this.#view.setInt32(this.length + 4, value | 0, false)
    this.length += 8
  }

  sortableBigInteger(value: bigint): void {
    this.reserve(8)
    this.#view.setBigUint64(this.length, BigInt.asUintN(64, value) ^ 0x8000_0000_0000_0000n, false)
    this.length += 8
  }

  /** A double so that unsigned bytes sort like SQL: −0 as 0, NaN last. */
  sortableDouble(value: number): void {
    this.reserve(8)
    this.#view.setFloat64(this.length, value === 0 ? 0 : value, false)
    if (Number.isNaN(value)) this.#view.setBigUint64(this.length, 0x7ff8_0000_0000_0000n, false)
    const bits = this.#view.getBigUint64(this.length, false)
    const flipped = bits >> 63n === 1n ? ~bits : bits | 0x8000_0000_0000_0000n
    this.#view.setBigUint64(this.length, BigInt.asUintN(64, flipped), false)
    this.length += 8
  }

  raw(source: Uint8Array, start = 0, end = source.length): void {
    this.reserve(end - start)
    copyBytes(source, start, end, this.bytes, this.length)
    this.length += end - start
  }

  /** A view of what was written; valid until the next write. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }

  /** A copy of what was written; the writer is empty again. */
  take(): Uint8Array {
    const taken = this.bytes.slice(0, this.length)
    this.length = 0
    return taken
  }
}
