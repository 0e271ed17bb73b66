import { textBetween } from '../batch/read.ts'
import { Malformed } from './malformed.ts'

/** Items that take no bytes, such as those of an array of nulls: more of them in a value are an attack. */
const weightlessMax = 10_000

/** The same bytes as numbers: cheaper than a view of each value. The lowest byte is first, as in the machines Node runs on. */
const buffer = new ArrayBuffer(8)
const scratch = {
  bytes: new Uint8Array(buffer),
  floats: new Float32Array(buffer),
  doubles: new Float64Array(buffer),
  ints: new Int32Array(buffer),
  longs: new BigInt64Array(buffer),
}

/**
 * Reads the parts of a value from its bytes, for Avro and Protobuf. Nothing is believed: a length, a count or
 * a number that the bytes cannot hold is `Malformed`. A class, as each row goes through it many times.
 */
export class ByteInput {
  #bytes: Uint8Array = new Uint8Array()
  #at = 0
  #end = 0
  #itemsLeft = 0
  /** The parts of the last varint: 28 bits, 28 bits and 8 bits, the lowest first. */
  #low = 0
  #high = 0
  #top = 0

  /** Goes on with a value from a byte on, to the last one. */
  begin(bytes: Uint8Array, at = 0): this {
    this.#bytes = bytes
    this.#at = at
    this.#end = bytes.length
    this.#itemsLeft = bytes.length + weightlessMax
    return this
  }

  get at(): number {
    return this.#at
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#end
  }

  /** Goes on within that many bytes only; gives what `leave` wants. */
  enter(size: number): number {
    const outer = this.#end
    this.#check(size)
    this.#end = this.#at + size
    return outer
  }

  /** Goes on behind the bytes that were entered. */
  leave(outer: number): void {
    this.#at = this.#end
    this.#end = outer
  }

  /** A number of 32 bits whose lowest bit is the sign. */
  zigzagInt(): number {
    this.#varint()
    if (this.#top > 0 || this.#high > 15) throw new Malformed('a number has over 32 bits')
    const bits = this.#low32() >>> 0
    return (bits >>> 1) ^ -(bits & 1)
  }

  /** A number of 64 bits whose lowest bit is the sign. */
  zigzagLong(): bigint {
    this.#varint()
    if (this.#isShort()) return BigInt(this.#shortZigzag())
    const bits = this.#whole()
    return (bits >> 1n) ^ -(bits & 1n)
  }

  /** The same as a number that JavaScript's numbers hold. */
  zigzagInteger(): number {
    this.#varint()
    if (this.#isShort()) return this.#shortZigzag()
    const bits = this.#whole()
    const value = Number((bits >> 1n) ^ -(bits & 1n))
    if (!Number.isSafeInteger(value)) throw new Malformed(`the number ${value} is too large here`)
    return value
  }

  /** The lowest 32 bits, with a sign. */
  int32(): number {
    this.#varint()
    return this.#low32()
  }

  /** 64 bits, with a sign. */
  int64(): bigint {
    this.#varint()
    if (this.#isShort()) return BigInt(this.#high * 0x10000000 + this.#low)
    return BigInt.asIntN(64, this.#whole())
  }

  /** A length or the like: no number beyond 2^53. */
  unsigned(): number {
    this.#varint()
    if (!this.#isShort()) throw new Malformed('a length has over 53 bits')
    return this.#high * 0x10000000 + this.#low
  }

  /** One byte that is 0 or 1. */
  boolean(): boolean {
    const byte = this.#byte()
    if (byte > 1) throw new Malformed(`a boolean is ${byte}`)
    return byte === 1
  }

  float(): number {
    this.#toScratch(4)
    return scratch.floats[0] as number
  }

  double(): number {
    this.#toScratch(8)
    return scratch.doubles[0] as number
  }

  fixed32(): number {
    this.#toScratch(4)
    return scratch.ints[0] as number
  }

  fixed64(): bigint {
    this.#toScratch(8)
    return scratch.longs[0] as bigint
  }

  /** A view of the next bytes. */
  bytes(size: number): Uint8Array {
    const start = this.#pass(size)
    return this.#bytes.subarray(start, start + size)
  }

  text(size: number): string {
    const start = this.#pass(size)
    return textBetween(this.#bytes, start, start + size)
  }

  skip(size: number): void {
    this.#pass(size)
  }

  /** To be called before each item of lists whose items may take no bytes. */
  item(): void {
    this.#itemsLeft -= 1
    if (this.#itemsLeft < 0) throw new Malformed('there are more items than bytes')
  }

  /** Where `size` bytes begin, which are then behind. */
  #pass(size: number): number {
    this.#check(size)
    const start = this.#at
    this.#at = start + size
    return start
  }

  #check(size: number): void {
    const left = this.#end - this.#at
    if (size < 0 || size > left) {
      throw new Malformed(`${size} bytes should follow byte ${this.#at}, and there are ${left}`)
    }
  }

  #byte(): number {
    const at = this.#at
    if (at >= this.#end) throw new Malformed(`it ends in the middle, after ${at} bytes`)
    this.#at = at + 1
    return this.#bytes[at] as number
  }

  #toScratch(size: number): void {
    const start = this.#pass(size)
    const { bytes } = scratch
    for (let index = 0; index < size; index++) bytes[index] = this.#bytes[start + index] as number
  }

  #varint(): void {
    this.#high = 0
    this.#top = 0
    let part = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte()
      part |= (byte & 127) << shift
      if (byte < 128) {
        this.#low = part
        return
      }
    }
    this.#low = part
    part = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte()
      part |= (byte & 127) << shift
      if (byte < 128) {
        this.#high = part
        return
      }
    }
    this.#high = part
    this.#lastBits()
  }

  #lastBits(): void {
    const ninth = this.#byte()
    const tenth = ninth < 128 ? 0 : this.#byte()
    if (tenth > 1) throw new Malformed('a number has over 64 bits')
    this.#top = (ninth & 127) | (tenth << 7)
  }

  #low32(): number {
    return this.#low | (this.#high << 28)
  }

  /** Whether the bits of the last varint fit in a number. */
  #isShort(): boolean {
    return this.#top === 0 && this.#high < 0x2000000
  }

  #shortZigzag(): number {
    const bits = this.#high * 0x10000000 + this.#low
    return bits % 2 === 0 ? bits / 2 : -(bits + 1) / 2
  }

  #whole(): bigint {
    return (BigInt(this.#top) << 56n) | (BigInt(this.#high) << 28n) | BigInt(this.#low)
  }
}
