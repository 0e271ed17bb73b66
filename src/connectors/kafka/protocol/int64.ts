import { WireFault } from './wire-fault.ts'

const high = 2 ** 32

/**
 * A signed number of 64 bits, big end first: offsets, times and ids, all of which are exact as a double.
 * @throws WireFault for one that is not
 */
export function int64At(view: DataView, at: number): number {
  const value = view.getInt32(at) * high + view.getUint32(at + 4)
  if (Number.isSafeInteger(value)) return value
  throw new WireFault(`a number of 64 bits at ${at}`)
}

/** Writes a number that is exact as a double in 64 bits. */
export function setInt64(view: DataView, at: number, value: number): void {
  view.setInt32(at, Math.floor(value / high))
  view.setInt32(at + 4, value | 0)
}
