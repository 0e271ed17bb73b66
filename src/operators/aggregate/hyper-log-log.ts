import { isValid } from '../../batch/batch.ts'
import { hashKeys } from '../../batch/key-hash.ts'
import type { DataType } from '../../batch/schema.ts'
import { validityOf } from './column-numbers.ts'
import type { Folding } from './folding.ts'

/**
 * `approx_count_distinct`: HyperLogLog over the engine's 32-bit hash of the value. The first `bits` bits
 * choose a register, which keeps the longest run of zeros behind them; a group takes 2^bits bytes, and
 * merging takes the larger of each pair. The count is read by Ertl's estimator (2017), which needs no
 * tables of corrections as HyperLogLog++ does; the deviation is the same, 1.04 ÷ √registers.
 */
export function hyperLogLogFolding(type: DataType, bits: number): Folding<Uint8Array> {
  const registers = 2 ** bits
  return {
    zero: () => new Uint8Array(registers),
    adder({ args, rows, count }) {
      const hashes = hashKeys(args, [type], rows, count)
      const validity = validityOf(args[0])
      return (state, row, k) => {
        if (!isValid(validity, row)) return state
        const hash = hashes[k] as number
        const register = hash >>> (32 - bits)
        // A one behind the last bit ends every run.
        const run = Math.clz32((hash << bits) | (1 << (bits - 1))) + 1
        if (run > (state[register] as number)) state[register] = run
        return state
      }
    },
    merge(into, from) {
      for (let register = 0; register < registers; register++) {
        const run = from[register] as number
        if (run > (into[register] as number)) into[register] = run
      }
      return into
    },
    finish: (state) => BigInt(estimated(state, bits)),
    encode(state, writer) {
      const used: number[] = []
      state.forEach((run, register) => {
        if (run > 0) used.push(register)
      })
      const isSparse = used.length * 3 < registers
      writer.byte(isSparse ? 1 : 0)
      if (!isSparse) return writer.raw(state)
      writer.u32(used.length)
      for (const register of used) {
        writer.byte(register >> 8)
        writer.byte(register & 255)
        writer.byte(state[register] as number)
      }
    },
    decode(reader) {
      if (reader.byte() === 0) return reader.raw(registers).slice()
      const state = new Uint8Array(registers)
      for (let left = reader.u32(); left > 0; left--) {
        const register = reader.byte() * 256 + reader.byte()
        state[register] = reader.byte()
      }
      return state
    },
    byteLength: () => registers + 64,
  }
}

/** Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog sketches", algorithm 6. */
function estimated(state: Uint8Array, bits: number): number {
  const registers = state.length
  const longest = 32 - bits
  const counts = new Float64Array(longest + 2)
  for (const run of state) counts[run] = (counts[run] as number) + 1
  if (counts[0] === registers) return 0
  let z = registers * tau(1 - (counts[longest + 1] as number) / registers)
  for (let run = longest; run >= 1; run--) z = 0.5 * (z + (counts[run] as number))
  z += registers * sigma((counts[0] as number) / registers)
  const distinctHashes = (registers * registers) / (2 * Math.LN2) / z
  // Different values may share one of 2^32 hashes.
  return Math.round(-(2 ** 32) * Math.log1p(-Math.min(distinctHashes, 2 ** 32 - 1) / 2 ** 32))
}

function sigma(share: number): number {
  let x = share
  let weight = 1
  let sum = share
  for (;;) {
    x *= x
    const before = sum
    sum += x * weight
    weight += weight
    if (sum === before) return sum
  }
}

function tau(share: number): number {
  if (share === 0 || share === 1) return 0
  let x = share
  let weight = 1
  let sum = 1 - share
  for (;;) {
    x = Math.sqrt(x)
    const before = sum
    weight *= 0.5
    sum -= (1 - x) ** 2 * weight
    if (sum === before) return sum / 3
  }
}
